/** How pending work follows what has landed: edits moved past it, moves restated, what depends on a refusal dropped. */

import type { Change } from "./change";
import type { Id } from "./model";
import type { Item } from "./pending_item";
import { Refuse } from "./refusal";
import * as text from "./text";
import type { Edit } from "./text";

/** Both moved past each other; undefined when they are not of one text. */
function transform(landed: Edit, later: Edit): [Edit, Edit] | undefined {
  try {
    return text.transform(landed, later);
  } catch (error) {
    if (error instanceof text.Mismatch) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Moves the pending edits of a text past one that landed before them; gives that one moved past all of them.
 *
 * An edit that does not fit the text (its annotation was hidden for a while) stays: the server will refuse it.
 */
export function movePast(items: Iterable<Item>, id: Id, landed: Edit): Edit {
  let rest = landed;
  for (const item of items) {
    const moved = item.edit !== undefined && item.target === id ? transform(rest, item.edit) : undefined;
    if (moved !== undefined) {
      [rest, item.edit] = moved;
    }
  }
  return rest;
}

/** Moves edits made on the same texts as `first` to where they apply after those. */
export function stackOn(first: Iterable<Item>, then: Iterable<Item>): void {
  const below: { id: Id; edit: Edit }[] = [];
  for (const item of first) {
    if (item.edit !== undefined) {
      below.push({ id: item.target, edit: item.edit });
    }
  }
  for (const item of then) {
    for (const each of below) {
      const moved = item.edit !== undefined && each.id === item.target ? transform(each.edit, item.edit) : undefined;
      if (moved !== undefined) {
        [each.edit, item.edit] = moved;
      }
    }
  }
}

/** Does pending operations to what a person sees. What the server will refuse has no effect. */
export function show(change: Change, items: Iterable<Item>): void {
  let index = 0;
  for (const item of items) {
    showOne(change, item, index++);
  }
}

/** Does one. */
export function showOne(change: Change, item: Item, index: number): void {
  const id = item.target;
  const now = change.get(id);
  try {
    if (item.edit === undefined) {
      change.apply(item.operation, index);
    } else if (now !== undefined) {
      change.editText(id, now, item.edit);
    }
  } catch (error) {
    // Such as one tag too many: the answer will say so, and the operation is dropped then.
    if (!(error instanceof Refuse)) {
      throw error;
    }
  }
}

/** Makes each pending move one to where it would end now, having seen all that is confirmed. */
export function restate(change: Change, items: Iterable<Item>, confirmedRevision: number): void {
  let index = 0;
  for (const item of items) {
    showOne(change, item, index++);
    const { operation } = item;
    if (operation.kind === "move") {
      const place = change.get(operation.id)?.annotation.position;
      item.operation = { ...operation, ...(place && { to: place }), seenRevision: confirmedRevision };
    }
  }
}

/** The items without those that failed and what was built on them: what remains, and what is dropped. */
export function without(items: readonly Item[], failed: readonly Item[]): [kept: Item[], dropped: Item[]] {
  const kept: Item[] = [];
  const dropped: Item[] = [];
  const gone = new Set<Id>();
  const editsGone = new Set<Id>();
  for (const item of items) {
    const { operation, target } = item;
    const builtOn =
      gone.has(target) ||
      (item.edit !== undefined && editsGone.has(target)) ||
      (operation.kind === "create" && gone.has(operation.annotation.parentId));
    if (!builtOn && !failed.includes(item)) {
      kept.push(item);
      continue;
    }
    dropped.push(item);
    if (operation.kind === "create") {
      gone.add(target);
    } else if (item.edit !== undefined) {
      editsGone.add(target);
    }
  }
  return [kept, dropped];
}
