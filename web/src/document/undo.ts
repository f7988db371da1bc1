/** A client's own undo and redo: what puts back its committed batches, the last first. */

import { stampOf } from "./field";
import { editOperation } from "./inverse";
import { MAX_OPERATION_TEXT_BYTES, MAX_PIECES } from "./limit";
import type { Id, Operation, RestoreOperation } from "./model";
import type { Replica } from "./replica";
import * as text from "./text";
import type { Edit } from "./text";

export const DEPTH = 200;

/** What undoes one action. */
export class Entry {
  /** Inverse edits, moved past everything that landed since. */
  readonly edits = new Map<Id, Edit>();

  constructor(
    readonly action: number,
    public restores: readonly RestoreOperation[],
  ) {}

  /** What is left to do: fields that nobody has set since, and texts. */
  operations(confirmed: Replica): Operation[] {
    const left: Operation[] = [];
    const stamps = new Map<string, number>();
    for (const restore of this.restores) {
      const state = confirmed.get(restore.id);
      if (state === undefined) {
        continue;
      }
      const name = restore.value.field;
      const key = `${restore.id}/${name}`;
      if ((stamps.get(key) ?? stampOf(state, name)) === restore.madeRevision) {
        left.push(restore);
        stamps.set(key, restore.stampRevision);
      }
    }
    for (const [id, edit] of this.edits) {
      if (!text.changesNothing(edit) && confirmed.get(id) !== undefined) {
        const parts = text.split(edit, MAX_OPERATION_TEXT_BYTES, MAX_PIECES);
        left.push(...parts.map((part) => editOperation(id, part)));
      }
    }
    return left;
  }
}

/** Entries, the newest last. */
export class Stack {
  readonly entries: Entry[] = [];

  /** Puts an entry on top; batches of one action become one entry. */
  push(entry: Entry): void {
    if (!entry.restores.length && !entry.edits.size) {
      return;
    }
    const top = this.entries.at(-1);
    if (top === undefined || top.action !== entry.action) {
      this.entries.push(entry);
      this.entries.splice(0, Math.max(0, this.entries.length - DEPTH));
      return;
    }
    top.restores = [...entry.restores, ...top.restores];
    for (const [id, edit] of entry.edits) {
      // What is on top has been moved past the edit that `edit` undoes: so past `edit` too, then both are one.
      const older = top.edits.get(id);
      top.edits.set(id, older === undefined ? edit : text.compose(edit, text.transform(edit, older)[1]));
    }
  }

  /** Takes the newest. */
  pop(): Entry | undefined {
    return this.entries.pop();
  }

  /** Moves the inverse edits of a text past one that landed. */
  movePast(id: Id, landed: Edit): void {
    for (const entry of this.entries) {
      const edit = entry.edits.get(id);
      if (edit !== undefined) {
        entry.edits.set(id, text.transform(landed, edit)[1]);
      }
    }
  }

  /** The annotations whose texts are edited in it. */
  texts(): Id[] {
    return this.entries.flatMap((entry) => [...entry.edits.keys()]);
  }

  /** Forgets all. */
  clear(): void {
    this.entries.length = 0;
  }
}
