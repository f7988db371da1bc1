/** All shortcuts on one sheet, where one may give them other keys. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../messages";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { chooseKeys } from "./keymap";
import { chosenKeys, clash, give, GROUPS, isMac, keysOf, keysUnder, mayHave, type Action } from "./keys";
import { shown, written } from "./keypress";
import "./sheet.css";

/** What is being done to one action's keys. */
type Change =
  | { kind: "listening"; action: Action; refused?: string }
  /** The key belongs to another action. */
  | { kind: "asking"; action: Action; key: string; other: Action };

function take(change: Signal<Change | undefined>, event: TargetedKeyboardEvent<HTMLElement>): void {
  const now = change.peek();
  const mac = isMac();
  const key = written(event, mac);
  if (now?.kind !== "listening" || key === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  if (key === "Escape") return void (change.value = undefined);
  if (!mayHave(now.action, key)) return void (change.value = { ...now, refused: shown(key, mac) });
  const other = clash(chosenKeys.peek(), now.action, key, mac);
  if (other) return void (change.value = { kind: "asking", action: now.action, key, other });
  chooseKeys(give(chosenKeys.peek(), now.action, key, mac));
  change.value = undefined;
}

function Listening({ change, action, refused }: { change: Signal<Change | undefined>; action: Action; refused: string | undefined }): JSX.Element {
  return (
    <span class="key-change">
      <button
        type="button"
        class="key-listening"
        data-listening
        ref={(element) => element?.focus()}
        onKeyDown={(event) => take(change, event)}
        onBlur={({ relatedTarget, currentTarget }) => {
          const beside = relatedTarget instanceof Node && currentTarget.parentElement?.contains(relatedTarget);
          // It also loses the focus when a question takes its place.
          if (!beside && change.peek()?.kind === "listening") change.value = undefined;
        }}
      >
        {refused ? t("keys.taken", { key: refused }) : t("keys.press")}
      </button>
      <Button
        small
        look="quiet"
        label={t("keys.none")}
        onClick={() => {
          chooseKeys({ ...chosenKeys.peek(), [action]: [] });
          change.value = undefined;
        }}
      >
        {t("keys.none")}
      </Button>
    </span>
  );
}

function Asking({ change, asked }: { change: Signal<Change | undefined>; asked: Extract<Change, { kind: "asking" }> }): JSX.Element {
  const key = shown(asked.key, isMac());
  const use = (): void => {
    chooseKeys(give(chosenKeys.peek(), asked.action, asked.key, isMac()));
    change.value = undefined;
  };
  return (
    <span class="key-change" role="alert">
      <span>{t("keys.clash", { key, action: t(`keys.${asked.other}`) })}</span>
      <Button small look="primary" label={t("keys.use")} onClick={use}>
        {t("keys.use")}
      </Button>
      <Button small look="quiet" label={t("ui.cancel")} onClick={() => (change.value = undefined)}>
        {t("ui.cancel")}
      </Button>
    </span>
  );
}

/** Another action that has one of the keys of this one; two with one key come from defaults that are newer than what one chose. */
function clashOf(action: Action): Action | undefined {
  const map = chosenKeys.value;
  return keysUnder(map, action)
    .map((key) => clash(map, action, key, isMac()))
    .find((other) => other !== undefined);
}

function Row({ action, change }: { action: Action; change: Signal<Change | undefined> }): JSX.Element {
  const now = change.value?.action === action ? change.value : undefined;
  const keys = keysOf(action, true);
  const other = clashOf(action);
  const label = t("keys.change", { action: t(`keys.${action}`), keys: keys || t("keys.none") });
  return (
    <li data-action={action}>
      <span class="grow">{t(`keys.${action}`)}</span>
      {other && (
        <span class="key-clash" title={t("keys.clash", { key: keys, action: t(`keys.${other}`) })}>
          <Icon name="warn" size={14} />
        </span>
      )}
      {now?.kind === "listening" ? (
        <Listening change={change} action={action} refused={now.refused} />
      ) : now?.kind === "asking" ? (
        <Asking change={change} asked={now} />
      ) : (
        <button
          type="button"
          class="key-button"
          aria-label={label}
          data-tip={t("keys.changeTip")}
          data-own={action in chosenKeys.value}
          onClick={() => (change.value = { kind: "listening", action })}
        >
          <kbd>{keys || "–"}</kbd>
        </button>
      )}
    </li>
  );
}

function Pointer(): JSX.Element {
  return (
    <section>
      <h3>{t("keys.group.pointer")}</h3>
      <ul>
        {(["straight", "pan", "zoom", "send"] as const).map((each) => (
          <li key={each}>
            <span class="grow">{t(`keys.pointer.${each}`)}</span>
            <kbd>{t(`keys.pointer.${each}.keys`)}</kbd>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The sheet. */
export function KeySheet({ close }: { close: () => void }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const change = useSignal<Change | undefined>(undefined);
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current?.focus();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);
  const own = Object.keys(chosenKeys.value).length > 0;
  return (
    <div
      ref={box}
      class="sheet floating"
      role="dialog"
      aria-label={t("keys.title")}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <div class="row sheet-head">
        <h2 class="grow">{t("keys.title")}</h2>
        {own && (
          <Button small look="quiet" icon="undo" label={t("keys.reset")} onClick={() => chooseKeys({})}>
            {t("keys.reset")}
          </Button>
        )}
        <Button small look="quiet" icon="close" label={t("ui.close")} onClick={close} />
      </div>
      <p class="dim">{t("keys.howTo")}</p>
      <div class="keys">
        {(Object.entries(GROUPS) as [keyof typeof GROUPS, readonly Action[]][]).map(([group, actions]) => (
          <section key={group}>
            <h3>{t(`keys.group.${group}`)}</h3>
            <ul>
              {actions.map((action) => (
                <Row key={action} action={action} change={change} />
              ))}
            </ul>
          </section>
        ))}
        <Pointer />
      </div>
    </div>
  );
}
