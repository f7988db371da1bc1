/** What a text field suggests while one types: people behind an @, tags behind a #. */
import { useSignal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { t } from "../messages";
import type { Room } from "../review/room";
import { membersOf } from "./members";
import { askingAt, peopleFor, tagsFor, type Asking } from "./mention";

interface SuggestProps {
  room: Room;
  field: RefObject<HTMLTextAreaElement | null>;
  /** Tags that there are. */
  tags: readonly string[];
}

/** The list over a field; nothing while nothing is asked for. */
export function Suggest({ room, field, tags }: SuggestProps): JSX.Element | null {
  const asking = useSignal<Asking | undefined>(undefined);
  const at = useSignal(0);
  const now = asking.value;
  const found = now === undefined ? [] : now.sign === "#" ? tagsFor(tags, now.query) : peopleFor(membersOf(room.asset.projectId).value, now.query).map(({ name }) => name);
  const take = (name: string | undefined): void => {
    const [element, from] = [field.current, asking.peek()?.from];
    if (!element || from === undefined || name === undefined) return;
    element.setRangeText(`${asking.peek()?.sign ?? ""}${name} `, from, element.selectionStart, "end");
    asking.value = undefined;
    element.dispatchEvent(new InputEvent("input", { bubbles: true }));
    element.focus();
  };
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    const look = (event: Event): void => {
      if ((event as InputEvent).isComposing) return;
      const next = askingAt(element.value, element.selectionStart);
      if (next?.from !== asking.peek()?.from || next?.query !== asking.peek()?.query) at.value = 0;
      asking.value = next;
    };
    const leave = (): void => {
      asking.value = undefined;
    };
    element.addEventListener("input", look);
    element.addEventListener("click", look);
    element.addEventListener("blur", leave);
    return () => {
      element.removeEventListener("input", look);
      element.removeEventListener("click", look);
      element.removeEventListener("blur", leave);
    };
  }, [field.current]);
  // As the list comes onto the screen, not after: whoever sees it may choose from it.
  useLayoutEffect(() => {
    const element = field.current;
    if (!element || found.length === 0) return;
    // Before the field's own keys: Enter and Escape belong to the list while it is open.
    const press = (event: KeyboardEvent): void => {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) at.value = (at.peek() + step + found.length) % found.length;
      else if (event.key === "Enter" || event.key === "Tab") take(found[at.peek()]);
      else if (event.key === "Escape") asking.value = undefined;
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    element.addEventListener("keydown", press, true);
    return () => element.removeEventListener("keydown", press, true);
  }, [field.current, found.join("\n")]);
  if (found.length === 0) return null;
  return (
    <ul class="suggest floating" role="listbox" aria-label={t("notes.suggestions")} onMouseDown={(event) => event.preventDefault()}>
      {found.map((name, index) => (
        <li key={name} role="option" aria-selected={index === at.value} onClick={() => take(name)}>
          {now?.sign}
          {name}
        </li>
      ))}
    </ul>
  );
}
