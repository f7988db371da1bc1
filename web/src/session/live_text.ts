/** Typing into a text that others type into as well: where the caret goes, and what an input method leaves. Pure. */
import { text as core, type Edit } from "../document";

/**
 * The text after something was typed on `before` while others landed edits on it, in order. An input method may hold what is
 * typed back for seconds; what landed meanwhile stays.
 */
export function merged(before: string, typed: string, landed: readonly Edit[]): string {
  let edit = core.diff(before, typed);
  let now = before;
  for (const theirs of landed) {
    edit = core.transform(theirs, edit)[1];
    now = core.apply(now, theirs);
  }
  return core.apply(now, edit);
}

/** A selection after somebody's edit of the text. */
export function moved(selection: readonly [number, number], edit: Edit, before: string): [number, number] {
  return [core.moveCaret(edit, selection[0], before), core.moveCaret(edit, selection[1], before)];
}
