/** All shortcuts on one sheet. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { GROUPS, keysOf, type Action } from "../app/keys";
import { t } from "../messages";
import { Button } from "../ui/button";

/** The sheet. */
export function KeySheet({ close }: { close: () => void }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.focus();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);
  return (
    <div
      ref={box}
      class="sheet floating"
      role="dialog"
      aria-label={t("keys.title")}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape" && event.key !== "?") return;
        event.stopPropagation();
        close();
      }}
    >
      <header>
        <h2 class="grow">{t("keys.title")}</h2>
        <Button small look="quiet" icon="close" label={t("ui.close")} onClick={close} />
      </header>
      <div class="keys">
        {(Object.entries(GROUPS) as [keyof typeof GROUPS, readonly Action[]][]).map(([group, actions]) => (
          <section key={group}>
            <h3>{t(`keys.group.${group}`)}</h3>
            <ul>
              {actions.map((action) => (
                <li key={action}>
                  <span>{t(`keys.${action}`)}</span>
                  <kbd>{keysOf(action, true)}</kbd>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <section>
          <h3>{t("keys.group.pointer")}</h3>
          <ul>
            {(["straight", "pan", "zoom", "send"] as const).map((each) => (
              <li key={each}>
                <span>{t(`keys.pointer.${each}`)}</span>
                <kbd>{t(`keys.pointer.${each}.keys`)}</kbd>
              </li>
            ))}
          </ul>
        </section>
      </div>
    </div>
  );
}
