/** The palette: one field for every command, note, frame and asset. Arrows choose, Enter does it. */
import { useSignal } from "@preact/signals";
import type { JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../messages";
import { Icon } from "../ui/icon";
import { find, type Found } from "./finder";
import "./palette.css";

const TYPING_MS = 60;

function Row({ found, chosen, run }: { found: Found; chosen: boolean; run: () => void }): JSX.Element {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <li ref={row} id={`found-${found.id}`} role="option" aria-selected={chosen} onClick={run}>
      <span class="palette-icon">{found.icon && <Icon name={found.icon} size={16} />}</span>
      <span class="grow clip">{found.label}</span>
      {found.detail && <span class="faint clip">{found.detail}</span>}
      {found.keys && <kbd>{found.keys}</kbd>}
    </li>
  );
}

/** The palette. */
export function Palette({ close }: { close: () => void }): JSX.Element {
  const query = useSignal("");
  const list = useSignal<readonly Found[]>([]);
  const at = useSignal(0);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () => (before instanceof HTMLElement && document.activeElement === document.body ? before.focus() : undefined);
  }, []);
  useEffect(() => {
    const stop = new AbortController();
    const look = (): void =>
      find(query.value, stop.signal, (found) => {
        list.value = found;
        at.value = Math.min(at.peek(), Math.max(0, found.length - 1));
      });
    const timer = setTimeout(look, query.value === "" ? 0 : TYPING_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query.value]);
  const run = (found: Found | undefined): void => {
    if (!found) return;
    close();
    found.run();
  };
  const press = (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    event.stopPropagation();
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const count = list.value.length;
    if (step !== undefined && count > 0) at.value = (at.value + step + count) % count;
    else if (event.key === "Enter") run(list.value[at.value]);
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  };
  const chosen = list.value[at.value];
  return (
    <div class="palette floating" role="dialog" aria-label={t("palette.title")}>
      <input
        ref={field}
        class="input"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-autocomplete="list"
        aria-activedescendant={chosen ? `found-${chosen.id}` : undefined}
        aria-label={t("palette.hint")}
        placeholder={t("palette.hint")}
        autocomplete="off"
        spellcheck={false}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={press}
        onBlur={close}
      />
      {/* A press does not take the focus from the field. */}
      <ul id="palette-list" role="listbox" aria-label={t("palette.title")} onMouseDown={(event) => event.preventDefault()}>
        {list.value.map((found, index) => (
          <Row key={found.id} found={found} chosen={index === at.value} run={() => run(found)} />
        ))}
      </ul>
      {list.value.length === 0 && query.value !== "" && <p class="dim">{t("palette.none", { query: query.value })}</p>}
      <p class="visually-hidden" role="status">
        {query.value ? t("palette.found", { n: list.value.length }) : ""}
      </p>
    </div>
  );
}
