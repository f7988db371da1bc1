/**
 * Rule set 1: what becomes of a record, in the order of "Numbers: exactly once" of the annotation model.
 *
 * Pure and total: any record gives a result, the same on every instance and at every replay. Published, so what it
 * decides never changes; a change of rules is another rule set (rules.ts). Servers fold; here it is what proves that
 * both languages say the same, and what the tests' server runs.
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as ops from "../gen/rushes/annotation/v1/operation_pb";
import type { Record as RecordMessage } from "../gen/rushes/annotation/v1/record_pb";
import { Change } from "./change";
import type { Document, Window } from "./document";
import { toHex } from "./hex";
import * as limit from "./limit";
import { Audience, Permission } from "./model";
import type { AnnotationState, Id, LandedEdit, Operation, Outcome, Refusal } from "./model";
import { checkOperations } from "./operation";
import { Refuse, refusal } from "./refusal";
import type { Applied, Duplicate, Ignored, Result } from "./result";
import * as text from "./text";
import * as wire from "./wire";

type Of<Kind extends Operation["kind"]> = Operation & { kind: Kind };

/** A record with its numbers read. */
interface Sent {
  readonly record: RecordMessage;
  readonly batch: ops.Batch;
  readonly clientId: Id;
  readonly clientSeq: number;
  readonly baseRevision: number;
  readonly nowMs: number;
}

/** Applies a record to a document, in place, whole or not at all. */
export function fold(document: Document, record: RecordMessage): Result {
  if (record.clientId.length !== limit.ID_BYTES) {
    return { kind: "ignored", refusal: refusal("INVALID_CLIENT") };
  }
  const batch = record.batch ?? create(ops.BatchSchema);
  const timeMs = wire.bounded(record.timeMs);
  const sent: Sent = {
    record,
    batch,
    clientId: toHex(record.clientId),
    clientSeq: wire.bounded(batch.clientSeq),
    baseRevision: wire.bounded(batch.baseRevision),
    nowMs: Math.max(document.timeMs, timeMs >= 0 && timeMs <= limit.MAX_NUMBER ? timeMs : 0),
  };
  const { clientId, nowMs } = sent;
  const window = document.window(record.personId, clientId, nowMs);
  const stale = document.isStale(wire.bounded(record.epoch), sent.baseRevision, nowMs);
  const early = numbered(window, sent, stale);
  if (early !== undefined) {
    return early;
  }
  const known = window ?? { personId: record.personId, clientId, lastSeq: 0, closed: false, lastMs: 0, outcomes: [] };
  return take(document, sent, known, stale);
}

/** Steps 1 and 2: what was sent before, cannot land any more, or is too early. Undefined: it is this client's next. */
function numbered(window: Window | undefined, sent: Sent, stale: boolean): Duplicate | Ignored | undefined {
  const number = sent.clientSeq;
  const outcome = window?.outcomes.find((each) => each.clientSeq === number);
  if (outcome !== undefined) {
    return { kind: "duplicate", outcome, same: outcome.hash === sent.record.hash };
  }
  if (window?.closed) {
    return { kind: "ignored", refusal: refusal("ABORTED") };
  }
  const last = window?.lastSeq ?? 0;
  if (number <= last) {
    return { kind: "ignored", refusal: undefined };
  }
  if (number > last + 1) {
    return { kind: "ignored", refusal: refusal("OUT_OF_ORDER") };
  }
  return window === undefined && stale ? { kind: "ignored", refusal: refusal("UNKNOWN_CLIENT") } : undefined;
}

/** Steps 3 and 4. */
function take(document: Document, sent: Sent, window: Window, stale: boolean): Result {
  const { record } = sent;
  let refused: Refusal | undefined;
  if (record.refused !== undefined) {
    refused = wire.refusal(record.refused);
  } else if (stale) {
    refused = refusal("STALE_BASE");
  } else if (!has(record.permissions, Permission.ANNOTATE)) {
    refused = refusal("MAY_NOT_ANNOTATE");
  } else {
    const operations = sent.batch.operations.map(wire.operation);
    refused = checkOperations(operations, record.frameCount);
    if (refused === undefined) {
      const attempt = new Attempt(document, sent);
      refused = attempt.run(operations);
      if (refused === undefined) {
        return attempt.land(window);
      }
    }
  }
  const at = document.revision;
  const result = { kind: "refusal", refusal: refused } as const;
  const outcome: Outcome = { clientSeq: sent.clientSeq, result, hash: record.hash, atRevision: at };
  const ordinal = document.advance({ ...window, closed: true }, outcome, sent.nowMs);
  return { kind: "refused", ordinal, outcome, refusal: refused, at };
}

function has(permissions: number, permission: Permission): boolean {
  return ((permissions >>> permission) & 1) === 1;
}

/** Step 4: a batch on its way into the document. */
class Attempt {
  private readonly edits: LandedEdit[] = [];
  /** Index of a text edit that others' edits changed -> the edit as applied. */
  private readonly moved = new Map<number, text.Edit>();
  /** Indices of restores without effect. */
  private readonly void: number[] = [];
  private readonly change: Change;
  private readonly editOthers: boolean;
  private readonly seeInternal: boolean;

  constructor(
    private readonly document: Document,
    private readonly sent: Sent,
  ) {
    const { record, clientId, nowMs } = sent;
    this.editOthers = has(record.permissions, Permission.EDIT_OTHERS);
    this.seeInternal = has(record.permissions, Permission.SEE_INTERNAL);
    const revision = document.revision + 1;
    this.change = new Change(document, { revision, personId: record.personId, clientId, timeMs: nowMs });
  }

  /** Does all operations on the side; says why not, if not. */
  run(operations: readonly Operation[]): Refusal | undefined {
    let index = 0;
    try {
      for (const operation of operations) {
        this.one(operation, index);
        index++;
      }
    } catch (error) {
      if (error instanceof Refuse) {
        return refusal(error.reason, index);
      }
      throw error;
    }
    return undefined;
  }

  /** Makes it the document's next revision. */
  land(window: Window): Applied {
    const { document, change, sent } = this;
    const earlier = new Map([...change.touched.keys()].map((id) => [id, document.get(id)]));
    const commit = this.commit();
    document.land(change.touched, change.created);
    document.nextRevision(sent.nowMs, this.edits);
    const result = { kind: "revision", revision: change.revision } as const;
    const outcome: Outcome = { clientSeq: sent.clientSeq, result, hash: sent.record.hash, atRevision: 0 };
    const ordinal = document.advance(window, outcome, sent.nowMs);
    return {
      kind: "applied",
      ordinal,
      commit,
      outcome,
      earlier,
      after: change.touched,
      published: change.published,
    };
  }

  private commit(): ops.Commit {
    const { record, batch } = this.sent;
    // A batch is numbered as a commit: its bytes pass into it as they are.
    const commit = fromBinary(ops.CommitSchema, toBinary(ops.BatchSchema, batch, { writeUnknownFields: false }));
    commit.revision = BigInt(this.change.revision);
    commit.personId = record.personId;
    commit.clientId = record.clientId;
    commit.timeMs = BigInt(this.sent.nowMs);
    for (const [index, edit] of this.moved) {
      const kind = commit.operations[index]?.kind;
      if (kind?.case === "editText") {
        kind.value.pieces = wire.pieces(edit);
      }
    }
    commit.operations = commit.operations.filter((_, index) => !this.void.includes(index));
    return commit;
  }

  private one(operation: Operation, index: number): void {
    const { change } = this;
    switch (operation.kind) {
      case "create":
        this.create(operation, index);
        break;
      case "move":
        this.move(operation);
        break;
      case "resize":
        change.resize(operation, this.target(operation.id));
        break;
      case "setFields":
        this.setFields(operation);
        break;
      case "setDeleted":
        change.setDeleted(operation, this.target(operation.id));
        break;
      case "editText":
        this.editText(operation, index);
        break;
      case "restore":
        this.restore(operation, index);
        break;
      case "present":
      case "none":
        throw new Refuse("UNKNOWN_OPERATION");
    }
  }

  /** The annotation that an operation is about. Refuses what its sender may not see or change. */
  private target(id: Id, resolves = false): AnnotationState {
    const state = this.change.get(id);
    if (state === undefined || !this.sees(state)) {
      throw new Refuse("NOT_FOUND");
    }
    const { personId } = this.sent.record;
    if (!this.editOthers && state.annotation.authorId !== personId) {
      const root = resolves ? this.change.get(this.change.root(id)) : undefined;
      if (root?.annotation.authorId !== personId) {
        throw new Refuse("NOT_YOURS");
      }
    }
    return state;
  }

  private sees(state: AnnotationState): boolean {
    return this.seeInternal || state.annotation.audience === Audience.CLIENT;
  }

  private create({ annotation }: Of<"create">, index: number): void {
    const { change } = this;
    if (change.get(annotation.id) !== undefined) {
      throw new Refuse("ALREADY_EXISTS");
    }
    if (this.document.size + change.created.size >= limit.MAX_ANNOTATIONS) {
      throw new Refuse("TOO_MANY_ANNOTATIONS");
    }
    if (annotation.parentId) {
      const parent = change.get(annotation.parentId);
      if (parent === undefined || !this.sees(parent)) {
        throw new Refuse("NOT_FOUND");
      }
    } else if (!this.seeInternal && annotation.audience !== Audience.CLIENT) {
      throw new Refuse("MAY_NOT_WRITE_INTERNAL");
    }
    // Counted as in the commit, where restores without effect are left out.
    change.create(annotation, index - this.void.length);
  }

  private move(move: Of<"move">): void {
    const now = this.target(move.id);
    if (move.seenRevision < 0 || move.seenRevision > this.sent.baseRevision) {
      throw new Refuse("INVALID_SEEN");
    }
    this.change.move(move, now);
  }

  private setFields(setFields: Of<"setFields">): void {
    const names = setFields.fields.map((value) => value.field);
    const now = this.target(setFields.id, names.length === 1 && names[0] === "resolved");
    if (names.includes("audience") && now.annotation.parentId) {
      throw new Refuse("AUDIENCE_OF_REPLY");
    }
    this.change.setFields(setFields, now);
  }

  private editText({ id, pieces }: Of<"editText">, index: number): void {
    const now = this.target(id);
    const edit = this.pastOthers(id, text.check(pieces));
    if (text.bytesOf(text.apply(now.annotation.text, edit)) > limit.MAX_TEXT_BYTES) {
      throw new Refuse("TEXT_TOO_LONG");
    }
    this.change.editText(id, now, edit);
    if (!text.same(edit, pieces)) {
      this.moved.set(index, edit);
    }
    const { clientId, record } = this.sent;
    this.edits.push({ revision: this.change.revision, personId: record.personId, clientId, id, edit });
  }

  private restore(restore: Of<"restore">, index: number): void {
    const now = this.target(restore.id, restore.value.field === "resolved");
    const base = this.sent.baseRevision;
    const { stampRevision, madeRevision } = restore;
    if (stampRevision < now.orderRevision || stampRevision > base || madeRevision <= 0 || madeRevision > base) {
      throw new Refuse("INVALID_STAMP");
    }
    if (!this.change.restore(restore, now)) {
      this.void.push(index);
    }
  }

  /** The edit moved past what others landed on that text since its base. */
  private pastOthers(id: Id, made: text.Edit): text.Edit {
    const { clientId, record, baseRevision } = this.sent;
    let edit = made;
    let pieces = 0;
    for (const landed of this.document.editsSince(id, baseRevision)) {
      if (landed.clientId === clientId && landed.personId === record.personId) {
        throw new Refuse("STALE_TEXT");
      }
      pieces += landed.edit.length + edit.length;
      if (pieces > limit.MAX_TRANSFORM_PIECES) {
        throw new Refuse("TEXT_TOO_FAR_BEHIND");
      }
      edit = text.transform(landed.edit, edit)[1];
    }
    return edit;
  }
}
