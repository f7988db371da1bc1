/**
 * What operations do to annotations: the same on the server, on a client's confirmed document and on its screen.
 *
 * A Change holds what it touched apart until it is landed, so a refused batch leaves nothing behind. It does not judge:
 * rights, limits and transformation come before it (fold.ts).
 */

import * as field from "./field";
import type { StateDraft } from "./field";
import { MAX_MOVES } from "./limit";
import { Audience, EMPTY_BOX, ORIGIN_POINT } from "./model";
import type {
  Annotation,
  AnnotationState,
  Id,
  MoveEntry,
  MoveOperation,
  Operation,
  ResizeOperation,
  RestoreOperation,
  SetDeletedOperation,
  SetFieldsOperation,
} from "./model";
import type { Notes } from "./table";
import * as text from "./text";

/** Whose change it is, and when. */
export interface By {
  readonly revision: number;
  readonly personId: string;
  readonly clientId: Id;
  readonly timeMs: number;
}

/** Operations of one client on annotations, beside what they are made on. */
export class Change implements Notes {
  revision: number;
  readonly personId: string;
  readonly clientId: Id;
  readonly timeMs: number;
  /** States after the change. */
  readonly touched = new Map<Id, AnnotationState>();
  /** What it created -> the root of its thread. */
  readonly created = new Map<Id, Id>();
  /** What became readable by the client audience. */
  readonly published: Id[] = [];
  private readonly drafts = new Map<Id, StateDraft>();

  constructor(
    private readonly base: Notes,
    by: By,
  ) {
    this.revision = by.revision;
    this.personId = by.personId;
    this.clientId = by.clientId;
    this.timeMs = by.timeMs;
  }

  /** Another batch of the same client on top: states handed out so far stay as they are. */
  begin(revision: number): void {
    this.revision = revision;
    this.drafts.clear();
  }

  get(id: Id): AnnotationState | undefined {
    return this.touched.get(id) ?? this.base.get(id);
  }

  root(id: Id): Id {
    return this.created.get(id) ?? this.base.root(id);
  }

  thread(rootId: Id): Id[] {
    const mine = [...this.created].filter(([id, root]) => root === rootId && id !== rootId).map(([id]) => id);
    return [...this.base.thread(rootId), ...mine];
  }

  /** Does an operation as a commit holds it. False: there was nothing to do it to, or it has no effect. */
  apply(operation: Operation, index: number): boolean {
    if (operation.kind === "create") {
      return this.create(operation.annotation, index);
    }
    if (operation.kind === "present") {
      this.present(operation.state);
      return true;
    }
    const now = operation.kind === "none" ? undefined : this.get(operation.id);
    if (operation.kind === "none" || now === undefined) {
      return false;
    }
    switch (operation.kind) {
      case "move":
        return this.move(operation, now);
      case "resize":
        return this.resize(operation, now);
      case "setFields":
        return this.setFields(operation, now);
      case "editText":
        return this.editText(operation.id, now, text.check(operation.pieces));
      case "setDeleted":
        return this.setDeleted(operation, now);
      case "restore":
        return this.restore(operation, now);
    }
  }

  /** The annotation, of which `now` is the state, to be modified: a copy, once in each batch. */
  private writable(id: Id, now: AnnotationState): StateDraft {
    const known = this.drafts.get(id);
    if (known !== undefined) {
      return known;
    }
    const draft = { ...now, annotation: { ...now.annotation, updatedMs: this.timeMs }, stamps: [...now.stamps] };
    return this.keep(draft);
  }

  private keep(draft: StateDraft): StateDraft {
    const { id } = draft.annotation;
    this.touched.set(id, draft);
    this.drafts.set(id, draft);
    return draft;
  }

  /** A new annotation; of one with an id that exists nothing becomes. */
  create(annotation: Annotation, index: number): boolean {
    const { id, parentId } = annotation;
    if (this.get(id) !== undefined) {
      return false;
    }
    const times = { createdMs: this.timeMs, updatedMs: this.timeMs };
    const made = { ...annotation, ...times, authorId: this.personId, deleted: false };
    let rootId = id;
    if (parentId) {
      rootId = this.root(parentId);
      made.audience = this.get(rootId)?.annotation.audience ?? made.audience;
    }
    this.keep({ annotation: made, orderRevision: this.revision, orderIndex: index, stamps: [], moves: [] });
    this.created.set(id, rootId);
    if (this.published.includes(rootId)) {
      // Its readers do not know the thread yet: it is presented to them together with it.
      this.published.push(id);
    }
    return true;
  }

  /** An annotation as it is, in the place of what was known of it. */
  private present(state: AnnotationState): void {
    this.keep({ ...state, annotation: { ...state.annotation }, stamps: [...state.stamps] });
  }

  /** To the mean of all moves that have not seen each other. */
  move(move: MoveOperation, now: AnnotationState): boolean {
    const state = this.writable(move.id, now);
    const unseen = state.moves.filter(
      (each) => each.revision > move.seenRevision && each.clientId !== this.clientId,
    );
    const mine: MoveEntry = { revision: this.revision, clientId: this.clientId, to: move.to ?? ORIGIN_POINT };
    const entries = [...unseen.slice(-(MAX_MOVES - 1)), mine];
    state.moves = entries;
    state.annotation.position = {
      x: Math.floor(entries.reduce((sum, each) => sum + each.to.x, 0) / entries.length),
      y: Math.floor(entries.reduce((sum, each) => sum + each.to.y, 0) / entries.length),
    };
    this.stamp(state, "position");
    return true;
  }

  /** Sets the edges that are given. */
  resize(resize: ResizeOperation, now: AnnotationState): boolean {
    const state = this.writable(resize.id, now);
    for (const edge of field.EDGES) {
      const value = resize[edge];
      if (value !== undefined) {
        state.annotation.box = { ...(state.annotation.box ?? EMPTY_BOX), [edge]: value };
        this.stamp(state, edge);
      }
    }
    return true;
  }

  /** Sets fields; publishing a root publishes its thread. */
  setFields(setFields: SetFieldsOperation, now: AnnotationState): boolean {
    const state = this.writable(setFields.id, now);
    for (const value of setFields.fields) {
      if (value.field === "audience") {
        this.publish(setFields.id);
      } else {
        field.write(state.annotation, value);
      }
      this.stamp(state, value.field);
    }
    return true;
  }

  private publish(id: Id): void {
    for (const member of this.thread(id)) {
      const now = this.get(member);
      if (now !== undefined && now.annotation.audience !== Audience.CLIENT) {
        const state = this.writable(member, now);
        state.annotation.audience = Audience.CLIENT;
        this.stamp(state, "audience");
        this.published.push(member);
      }
    }
  }

  /** Edits the text; the edit spans it, else Refuse. */
  editText(id: Id, now: AnnotationState, edit: text.Edit): boolean {
    const edited = text.apply(now.annotation.text, edit);
    const state = this.writable(id, now);
    state.annotation.text = edited;
    this.stamp(state, "text");
    return true;
  }

  /** Deletes, or brings back. */
  setDeleted(setDeleted: SetDeletedOperation, now: AnnotationState): boolean {
    const state = this.writable(setDeleted.id, now);
    state.annotation.deleted = setDeleted.deleted;
    this.stamp(state, "deleted");
    return true;
  }

  /** Undoes a field; without effect when somebody has set it since. An audience is never taken back. */
  restore(restore: RestoreOperation, now: AnnotationState): boolean {
    const name = restore.value.field;
    if (name === "audience" || field.stampOf(now, name) !== restore.madeRevision) {
      return false;
    }
    const state = this.writable(restore.id, now);
    field.write(state.annotation, restore.value);
    if (name === "position") {
      const mine = state.moves.findIndex((entry) => entry.clientId === this.clientId);
      state.moves = state.moves.filter((_, index) => index !== mine);
    }
    field.setStamp(state, name, restore.stampRevision, this.personId);
    return true;
  }

  private stamp(state: StateDraft, name: string): void {
    field.setStamp(state, name, this.revision, this.personId);
  }
}
