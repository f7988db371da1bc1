/**
 * A client's work on its way: what is confirmed, what was sent, what is unsent, and how each follows what lands.
 *
 * It knows nothing of streams, numbers and times: that is pending.ts.
 */

import { Change } from "./change";
import { editOperation, fieldsBefore, restores } from "./inverse";
import * as limit from "./limit";
import type { AnnotationState, Commit, Id, Operation } from "./model";
import type { Event } from "./pending_event";
import { Item, Sent, type Kind } from "./pending_item";
import * as rebase from "./rebase";
import { Replica } from "./replica";
import { Screen } from "./screen";
import * as text from "./text";
import type { Edit } from "./text";
import { Entry, Stack } from "./undo";
import { batchBytes } from "./wire";

/** The confirmed document with one client's pending work on it. */
export class Work {
  readonly confirmed = new Replica();
  readonly screen = new Screen(this.confirmed);
  sent: Sent[] = [];
  unsent: Item[] = [];
  /** What may have been saved or not: shown aside, sent by nobody but the person. */
  doubt: Item[] = [];
  readonly undo = new Stack();
  readonly redo = new Stack();
  personId = "";
  /** After a reload, until the document is there: the texts that pending edits are made on. */
  texts: ReadonlyMap<Id, string> = new Map();
  action = 0;
  private lastDo = 0;
  /** The action of which the last batch was cut: what is left of it goes by itself. */
  private cutAction = 0;
  /** What has been received since the screen was last built. */
  private readonly stale = new Set<Id>();

  constructor(
    /** The client_id under which the pending moves were made. */
    public movesId: Id,
  ) {}

  // What a person does.

  /** An action: pending from now on, and on the screen. */
  add(operations: readonly Operation[], kind: Kind): Event[] {
    this.action++;
    if (kind === "do") {
      this.lastDo = this.action;
      this.redo.clear();
    }
    const seenRevision = this.confirmed.revision;
    const items = operations.map((operation) => {
      const own = operation.kind === "move" ? { ...operation, seenRevision } : operation;
      return new Item(own, this.action, kind);
    });
    this.unsent.push(...items);
    return [{ kind: "changed", ids: this.screen.add(items) }];
  }

  /** The text on the screen becomes another: composed into the last unsent edit of that text, if it fits. */
  type(id: Id, before: string, after: string): Event[] {
    const typed = text.diff(before, after);
    if (text.changesNothing(typed)) {
      return [];
    }
    const last = this.unsent.filter((item) => item.edit?.length && item.target === id).at(-1);
    const edit = last && composed(last, typed);
    if (last !== undefined && edit !== undefined) {
      last.edit = edit;
      this.redo.clear();
      if (text.changesNothing(edit)) {
        this.unsent = this.unsent.filter((item) => item !== last);
      }
      return [{ kind: "changed", ids: this.screen.edit(id, typed) }];
    }
    const parts = text.split(typed, limit.MAX_OPERATION_TEXT_BYTES, limit.MAX_PIECES);
    return this.add(
      parts.map((part) => editOperation(id, part)),
      "do",
    );
  }

  /** Undoes or redoes the last; nothing may be pending. Undefined: others have changed all of it since. */
  takeBack(kind: Kind): Event[] | undefined {
    const entry = (kind === "undo" ? this.undo : this.redo).pop();
    const operations = entry?.operations(this.confirmed) ?? [];
    return operations.length ? this.add(operations, kind) : undefined;
  }

  // What is sent.

  /** The next batch, made of the first of what is unsent; undefined: nothing can be sent now. */
  cut(clientSeq: number): Sent | undefined {
    const items = this.nextItems();
    if (items.length === 0) {
      return undefined;
    }
    this.unsent.splice(0, items.length);
    this.cutAction = items.at(-1)?.action ?? 0;
    const operations = items.map((item) => item.current());
    const sent = new Sent(clientSeq, batchBytes({ clientSeq, baseRevision: this.confirmed.revision, operations }), items);
    this.sent.push(sent);
    return sent;
  }

  /** What of the unsent can go into a batch now: of a text one edit at a time is in flight. */
  nextItems(): Item[] {
    const sent = this.sent.flatMap((batch) => batch.items);
    const editing = new Set(sent.filter((item) => item.edit !== undefined).map((item) => item.target));
    const items: Item[] = [];
    for (const item of this.unsent.slice(0, this.count())) {
      if (item.edit !== undefined) {
        if (editing.has(item.target)) {
          break;
        }
        editing.add(item.target);
      }
      items.push(item);
    }
    return items;
  }

  /** How many of the first unsent items may go together: whole actions; undo and long ones by themselves. */
  private count(): number {
    let count = 0;
    for (let first = this.unsent[0]; first !== undefined; first = this.unsent[count]) {
      let end = count;
      while (end < this.unsent.length && this.unsent[end]?.action === first.action) {
        end++;
      }
      const long = end - count > limit.MAX_OPERATIONS || first.action === this.cutAction;
      const alone = first.kind !== "do" || long;
      if (count && (alone || end > limit.MAX_OPERATIONS)) {
        break;
      }
      count = end;
      if (alone) {
        break;
      }
    }
    return Math.min(count, limit.MAX_OPERATIONS);
  }

  // What is received. The screen follows when `refresh` is called.

  /** The next commit of the full lane; `own`: it is this batch of ours, the first in flight. */
  commit(commit: Commit, own: Sent | undefined): Event[] {
    const events: Event[] = [];
    const texts = this.baseTexts(true);
    if (own === undefined) {
      for (const operation of commit.operations) {
        const before = operation.kind === "editText" ? texts.get(operation.id) : undefined;
        if (operation.kind === "editText" && before !== undefined) {
          const edit = text.check(operation.pieces);
          texts.set(operation.id, text.apply(before, edit));
          events.push(this.movePast(operation.id, edit));
        }
      }
    }
    const earlier = this.confirmed.apply(commit);
    if (own !== undefined) {
      own.landed = commit.revision;
      own.before = fieldsBefore(commit.operations, commit.revision, earlier);
    }
    events.push(...this.settle(texts));
    this.change(earlier.keys());
    return events;
  }

  /** A frame of the merged lane. */
  merge(states: readonly AnnotationState[], revision: number): Event[] {
    const texts = this.baseTexts(true);
    this.confirmed.merge(states, revision);
    const events = this.settle(texts);
    this.change(states.map((state) => state.annotation.id));
    return events;
  }

  /** Nothing for this audience up to a revision. */
  progress(revision: number): Event[] {
    const texts = this.baseTexts(true);
    this.confirmed.revision = Math.max(this.confirmed.revision, revision);
    const events = this.settle(texts);
    return events.length ? [...events, this.refresh()] : [];
  }

  /** A snapshot. */
  restart(states: readonly AnnotationState[], revision: number, epoch: number): Event[] {
    const texts = this.baseTexts(true);
    this.confirmed.restart(states, revision, epoch);
    this.texts = new Map();
    this.stale.clear();
    const events = this.settle(texts);
    this.rebuild();
    return [...events, { kind: "changed", ids: undefined }];
  }

  private change(ids: Iterable<Id>): void {
    for (const id of ids) {
      this.stale.add(id);
    }
  }

  /** Shows what has been received. */
  refresh(): Event {
    const ids = this.rebuild();
    for (const id of this.stale) {
      ids.add(id);
    }
    this.stale.clear();
    return { kind: "changed", ids };
  }

  /** The confirmed texts that pending and doubtful edits are made on; inverse ones too, if so asked. */
  baseTexts(withUndo: boolean): Map<Id, string> {
    const wanted = new Set(this.edits().map((item) => item.target));
    if (withUndo) {
      [...this.undo.texts(), ...this.redo.texts()].forEach((id) => wanted.add(id));
    }
    const texts = new Map<Id, string>();
    if (wanted.size === 0) {
      return texts;
    }
    // A creation of which no answer came may turn out to be there: edits after it are made on its own text.
    for (const { operation } of [...this.sentItems(), ...this.doubt]) {
      if (operation.kind === "create") {
        texts.set(operation.annotation.id, operation.annotation.text);
      }
    }
    this.texts.forEach((each, id) => texts.set(id, each));
    for (const id of wanted) {
      const state = this.confirmed.get(id);
      if (state !== undefined) {
        texts.set(id, state.annotation.text);
      }
    }
    return new Map([...texts].filter(([id]) => wanted.has(id)));
  }

  private sentItems(): Item[] {
    return this.sent.flatMap((batch) => batch.items);
  }

  private edits(): Item[] {
    return [...this.sentItems(), ...this.unsent, ...this.doubt].filter((item) => item.edit !== undefined);
  }

  /**
   * Takes out the batches that what was received holds, and moves the rest past what else changed.
   *
   * `texts` are those confirmed before; they become what they are with our own batches alone.
   */
  private settle(texts: Map<Id, string>): Event[] {
    const events: Event[] = [];
    for (let batch = this.sent[0]; batch !== undefined; batch = this.sent[0]) {
      const { landed, clientSeq } = batch;
      if (landed === undefined || landed > this.confirmed.revision) {
        break;
      }
      this.sent.shift();
      this.acknowledge(batch, landed, texts);
      events.push({ kind: "saved", clientSeq, revision: landed });
    }
    for (const [id, ours] of texts) {
      const now = this.confirmed.get(id)?.annotation.text;
      if (now !== undefined && now !== ours) {
        events.push(this.movePast(id, text.diff(ours, now)));
      }
    }
    return events;
  }

  /** One of our batches landed: it can be undone, and what was made on the text before it is moved past it. */
  private acknowledge(batch: Sent, revision: number, texts: Map<Id, string>): void {
    const operations = batch.items.map((item) => item.operation);
    const entry = new Entry(actionOf(batch), restores(operations, revision, batch.before ?? []));
    for (const item of batch.items) {
      const id = item.target;
      if (item.operation.kind === "create") {
        texts.set(id, item.operation.annotation.text);
      }
      const before = texts.get(id);
      if (item.edit === undefined || before === undefined || text.lengthBefore(item.edit) !== text.length(before)) {
        continue;
      }
      texts.set(id, text.apply(before, item.edit));
      this.undo.movePast(id, item.edit);
      this.redo.movePast(id, item.edit);
      rebase.movePast(this.doubt, id, item.edit);
      entry.edits.set(id, text.invert(item.edit, before));
    }
    if (batch.before === undefined && batch.items.some((item) => item.edit === undefined)) {
      return;
    }
    const first = batch.items[0];
    if (first?.kind !== "undo") {
      this.undo.push(entry);
    } else if (first.action > this.lastDo) {
      this.redo.push(entry);
    }
  }

  /** Moves everything that is made on a text past an edit of somebody else. */
  private movePast(id: Id, landed: Edit): Event {
    this.undo.movePast(id, landed);
    this.redo.movePast(id, landed);
    rebase.movePast(this.doubt, id, landed);
    const edit = rebase.movePast([...this.sentItems(), ...this.unsent], id, landed);
    return { kind: "textMoved", id, edit };
  }

  /** Shows everything anew. Gives what pending work touched before or touches now. */
  rebuild(): Set<Id> {
    return this.screen.rebuild(this.sent, this.unsent, this.personId, this.movesId);
  }

  // What was refused, and what begins anew.

  /** Makes all that is pending new work of another client_id. Batches that landed are none of it. */
  renew(clientId: Id): void {
    this.unsent = [...this.takeSent(), ...this.unsent];
    this.restate(clientId);
  }

  /** Pending moves become moves to where they end now, made by another client_id. */
  restate(clientId: Id): void {
    const { revision, timeMs } = this.confirmed;
    const by = { revision: revision + 1, personId: this.personId, clientId: this.movesId, timeMs };
    rebase.restate(new Change(this.confirmed, by), this.unsent, revision);
    this.movesId = clientId;
  }

  /** Takes out unsent items and what was built on them. */
  drop(failed: readonly Item[]): Operation[] {
    const [kept, dropped] = rebase.without(this.unsent, failed);
    this.unsent = kept;
    return dropped.map((item) => item.current());
  }

  /** What was sent, and what was built on it (or everything), may have been saved or not. */
  putInDoubt(everything: boolean): Operation[] {
    const sent = this.takeSent();
    const pending = [...sent, ...this.unsent];
    const [kept, doubtful] = everything ? [[], pending] : rebase.without(pending, sent);
    this.unsent = kept;
    rebase.stackOn(this.doubt, doubtful);
    this.doubt.push(...doubtful);
    return doubtful.map((item) => item.current());
  }

  /** What is in doubt, as new work: without the annotations that turned out to be there. */
  takeDoubt(): Operation[] {
    const doubt = this.doubt;
    this.doubt = [];
    rebase.stackOn(this.edits(), doubt);
    return doubt
      .filter(({ operation, target }) => operation.kind !== "create" || this.confirmed.get(target) === undefined)
      .map((item) => item.current());
  }

  private takeSent(): Item[] {
    const taken = this.sent.filter((batch) => batch.landed === undefined).flatMap((batch) => batch.items);
    this.sent = this.sent.filter((batch) => batch.landed !== undefined);
    return taken;
  }
}

/** The action that a batch is of; of several: none that another batch has. */
function actionOf(batch: Sent): number {
  const actions = new Set(batch.items.map((item) => item.action));
  const [only] = actions;
  return actions.size === 1 && only !== undefined ? only : -batch.clientSeq;
}

/** The last unsent edit of a text with more typed to it; undefined: it is better an edit of its own. */
function composed(last: Item, typed: Edit): Edit | undefined {
  if (last.edit === undefined || last.kind !== "do" || text.lengthAfter(last.edit) !== text.lengthBefore(typed)) {
    return undefined;
  }
  const edit = text.compose(last.edit, typed);
  const fits = text.insertedBytes(edit) <= limit.MAX_OPERATION_TEXT_BYTES && edit.length <= limit.MAX_PIECES;
  return fits ? edit : undefined;
}
