/** The state of one video's fold: its annotations, and what exactly-once and transformation need to know. */

import { create, toBinary } from "@bufbuild/protobuf";
import * as ops from "../gen/rushes/annotation/v1/operation_pb";
import * as records from "../gen/rushes/annotation/v1/record_pb";
import { compareCodePoints, fromHex, toHex } from "./hex";
import * as limit from "./limit";
import type { Id, LandedEdit, Outcome } from "./model";
import { Table } from "./table";
import * as wire from "./wire";

/** What is known of one client. */
export interface Window {
  readonly personId: string;
  readonly clientId: Id;
  readonly lastSeq: number;
  readonly closed: boolean;
  readonly lastMs: number;
  readonly outcomes: readonly Outcome[];
}

interface RevisionTime {
  readonly revision: number;
  readonly timeMs: number;
}

/** Everything that the fold of one video depends on. Only `apply` changes it. */
export class Document extends Table {
  /** Records that changed the state so far. */
  ordinal = 0;
  revision = 0;
  /** Time of the last record that changed the state. */
  timeMs = 0;
  /** By person and client; the longest silent stands first, so that forgetting looks at the front alone. */
  private readonly windows = new Map<string, Window>();
  private readonly edits = new Set<LandedEdit>();
  private readonly editsOf = new Map<Id, LandedEdit[]>();
  private times: RevisionTime[] = [];

  constructor(
    readonly videoId: number,
    /** Incarnation of the log: no part of the state. */
    readonly epoch: number,
  ) {
    super();
  }

  /** The document that a snapshot holds. */
  static fromState(state: records.DocumentState, epoch: number): Document {
    const document = new Document(wire.exact(state.videoId), epoch);
    document.ordinal = wire.exact(state.ordinal);
    document.revision = wire.exact(state.revision);
    document.timeMs = wire.exact(state.timeMs);
    document.put(state.annotations.map(wire.state));
    const windows = state.clients.map(toWindow).sort((a, b) => a.lastMs - b.lastMs);
    for (const window of windows) {
      document.windows.set(key(window.personId, window.clientId), window);
    }
    for (const landed of state.edits) {
      document.addEdit({
        revision: wire.exact(landed.revision),
        personId: landed.personId,
        clientId: toHex(landed.clientId),
        id: toHex(landed.edit?.id ?? new Uint8Array()),
        edit: wire.edit(landed.edit?.pieces ?? []),
      });
    }
    document.times = state.times.map((each) => ({
      revision: wire.exact(each.revision),
      timeMs: wire.exact(each.timeMs),
    }));
    return document;
  }

  /** The state as a snapshot holds it. */
  toState(): records.DocumentState {
    const windows = [...this.windows.values()].sort(
      (a, b) => compareCodePoints(a.personId, b.personId) || compareCodePoints(a.clientId, b.clientId),
    );
    return create(records.DocumentStateSchema, {
      videoId: BigInt(this.videoId),
      ordinal: BigInt(this.ordinal),
      revision: BigInt(this.revision),
      timeMs: BigInt(this.timeMs),
      annotations: this.annotations.map(wire.stateMessage),
      clients: windows.map(windowMessage),
      edits: [...this.edits].map(editMessage),
      times: this.times.map(({ revision, timeMs }) =>
        create(records.RevisionTimeSchema, { revision: BigInt(revision), timeMs: BigInt(timeMs) }),
      ),
    });
  }

  /** The state, canonically: equal documents have equal bytes. */
  toBytes(): Uint8Array {
    return toBinary(records.DocumentStateSchema, this.toState());
  }

  /** What is known of a client at a time; undefined: it is unknown, or forgotten by then. */
  window(personId: string, clientId: Id, nowMs: number): Window | undefined {
    const window = this.windows.get(key(personId, clientId));
    return window === undefined || window.lastMs < nowMs - limit.STALE_MS ? undefined : window;
  }

  /** Whether a base is of another epoch, in the future, or too far behind to transform from. */
  isStale(epoch: number, baseRevision: number, nowMs: number): boolean {
    if ((epoch && epoch !== this.epoch) || baseRevision < 0 || baseRevision > this.revision) {
      return true;
    }
    if (baseRevision === this.revision) {
      return false;
    }
    if (this.revision - baseRevision > limit.MAX_BEHIND) {
      return true;
    }
    // The time kept at or before the next revision's: it is at most an hour too early, for everybody alike.
    const kept = this.times.filter((each) => each.revision <= baseRevision + 1).at(-1);
    return kept === undefined || kept.timeMs < nowMs - limit.STALE_MS;
  }

  /** The text edits of an annotation that landed after a revision, in order. */
  editsSince(id: Id, revision: number): LandedEdit[] {
    const landed = this.editsOf.get(id) ?? [];
    let from = landed.length;
    while (from > 0 && (landed[from - 1] as LandedEdit).revision > revision) {
      from--;
    }
    return landed.slice(from);
  }

  private addEdit(edit: LandedEdit): void {
    this.edits.add(edit);
    const landed = this.editsOf.get(edit.id);
    if (landed === undefined) {
      this.editsOf.set(edit.id, [edit]);
    } else {
      landed.push(edit);
    }
  }

  /** Counts a record that changes the state, and forgets what is too old. Gives its ordinal. */
  advance(window: Window, outcome: Outcome, nowMs: number): number {
    const outcomes = [...window.outcomes, outcome].slice(-limit.MAX_OUTCOMES);
    const own = key(window.personId, window.clientId);
    this.windows.delete(own);
    this.windows.set(own, { ...window, lastSeq: outcome.clientSeq, lastMs: nowMs, outcomes });
    this.timeMs = nowMs;
    this.forget(nowMs - limit.STALE_MS);
    return this.ordinal++;
  }

  /** Takes the next revision, with the text edits that it landed. */
  nextRevision(nowMs: number, edits: Iterable<LandedEdit>): void {
    this.revision++;
    const last = this.times.at(-1);
    if (last === undefined || nowMs >= last.timeMs + limit.TIME_STEP_MS) {
      this.times.push({ revision: this.revision, timeMs: nowMs });
    }
    for (const edit of edits) {
      this.addEdit(edit);
    }
    for (const edit of this.edits) {
      if (edit.revision > this.revision - limit.MAX_BEHIND) {
        break;
      }
      this.edits.delete(edit);
      const rest = this.editsOf.get(edit.id)?.slice(1) ?? [];
      if (rest.length) {
        this.editsOf.set(edit.id, rest);
      } else {
        this.editsOf.delete(edit.id);
      }
    }
  }

  private forget(beforeMs: number): void {
    for (const [own, window] of this.windows) {
      if (window.lastMs >= beforeMs) {
        break;
      }
      this.windows.delete(own);
    }
    const kept = this.times.findIndex((each) => each.timeMs >= beforeMs);
    this.times.splice(0, kept < 0 ? this.times.length : kept);
  }
}

function key(personId: string, clientId: Id): string {
  return clientId + personId;
}

function toWindow(message: records.ClientWindow): Window {
  return {
    personId: message.personId,
    clientId: toHex(message.clientId),
    lastSeq: wire.exact(message.lastSeq),
    closed: message.closed,
    lastMs: wire.exact(message.lastMs),
    outcomes: message.outcomes.map(wire.outcome),
  };
}

function windowMessage(window: Window): records.ClientWindow {
  return create(records.ClientWindowSchema, {
    personId: window.personId,
    clientId: fromHex(window.clientId),
    lastSeq: BigInt(window.lastSeq),
    closed: window.closed,
    lastMs: BigInt(window.lastMs),
    outcomes: window.outcomes.map(wire.outcomeMessage),
  });
}

function editMessage(landed: LandedEdit): records.LandedEdit {
  return create(records.LandedEditSchema, {
    revision: BigInt(landed.revision),
    personId: landed.personId,
    clientId: fromHex(landed.clientId),
    edit: create(ops.EditTextOperationSchema, { id: fromHex(landed.id), pieces: wire.pieces(landed.edit) }),
  });
}
