/** Keys of the list of notes, while it has the focus: J and K go through it, the others do something with the note at hand. */
import { isTyping } from "../app/keys";
import type { Room } from "../review/room";
import type { Thread } from "./board";
import { resolve } from "./fields";
import type { Reading } from "./reading";

interface ListKeys {
  room: Room;
  reading: Reading;
  /** The threads as they are listed. */
  threads: readonly Thread[];
  reply: (id: string) => void;
}

/** The card of a note. */
function cardOf(list: HTMLElement, id: string): HTMLElement | null {
  return list.querySelector<HTMLElement>(`[data-note="${id}"]`);
}

/** Gives a note of the list the focus; without one, the note that is shown as the present one, or the first. */
export function focusList(room: Room): void {
  const focus = (): void => {
    const list = document.querySelector<HTMLElement>(".notes-list");
    (list?.querySelector<HTMLElement>(".note[tabindex='0']") ?? list?.querySelector<HTMLElement>(".note"))?.focus();
  };
  if (room.panel.peek() && room.side.peek() === "notes") return focus();
  room.side.value = "notes";
  room.panel.value = true;
  requestAnimationFrame(focus);
}

/** Does what a key means in the list; whether it means anything. */
export function listKey(event: KeyboardEvent, { room, reading, threads, reply }: ListKeys): boolean {
  const { target, key } = event;
  const list = event.currentTarget;
  if (!(target instanceof HTMLElement) || !(list instanceof HTMLElement) || isTyping(target) || target.closest(".menu")) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  const at = threads.findIndex(({ root }) => root.id === target.closest<HTMLElement>("[data-note]")?.dataset["note"]);
  const thread = threads[at];
  if (!thread) return false;
  const onCard = target.dataset["note"] !== undefined;
  const go = (to: number): void => {
    const next = threads[Math.max(0, Math.min(threads.length - 1, to))];
    if (!next) return;
    room.note.value = next.root.id;
    cardOf(list, next.root.id)?.focus();
  };
  const run: Record<string, (() => void) | undefined> = {
    j: () => go(at + 1),
    k: () => go(at - 1),
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    Home: () => go(0),
    End: () => go(threads.length - 1),
    r: () => {
      resolve(room, [thread], !thread.root.resolved);
      // Where it is not listed any more, the next one is at hand.
      requestAnimationFrame(() => (cardOf(list, thread.root.id) ? undefined : go(at + 1)));
    },
    e: () => (room.session.writable.peek() ? reply(thread.root.id) : undefined),
    u: () => (reading.unread.peek().has(thread.root.id) ? reading.read([thread]) : reading.forget(thread)),
    t: () => cardOf(list, thread.root.id)?.querySelector<HTMLButtonElement>("button[data-keys='T']")?.click(),
    Escape: () => target.blur(),
    Enter: onCard ? () => room.goTo(thread.root) : undefined,
    " ": onCard ? () => room.player.toggle() : undefined,
  };
  const does = run[key.length === 1 ? key.toLowerCase() : key];
  if (!does || (event.shiftKey && key.length === 1)) return false;
  does();
  return true;
}
