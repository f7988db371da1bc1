/** What a client makes of the server's messages. */

import * as service from "../gen/rushes/annotation/v1/annotation_service_pb";
import { newId, toHex } from "./hex";
import type { Commit, Operation, Outcome } from "./model";
import type { Event } from "./pending_event";
import type { Kind, Sent } from "./pending_item";
import { PendingState } from "./pending_state";
import { REASONS, Refuse } from "./refusal";
import * as wire from "./wire";

/** Refusals that blame no operation: all of the batch is sent again as new work. */
const BLAMELESS: ReadonlySet<string> = new Set(["STALE_BASE", "MAY_NOT_ANNOTATE", "ABORTED"]);

/** The receiving half of a PendingClient. */
export class PendingInbox extends PendingState {
  /** Takes a message of the server. */
  receive(response: service.CollaborateResponse): Event[] {
    const { message } = response;
    const opening = this.phase === "opening";
    if ((!opening && this.phase !== "open") || opening !== (message.case === "opened")) {
      return [];
    }
    switch (message.case) {
      case "presence":
        return [{ kind: "presenceReceived", presence: message.value }];
      case "pong":
        return [{ kind: "pongReceived", pong: message.value }];
      case "trouble":
        return [{ kind: "trouble", status: message.value }];
      default:
        return this.receiveDocument(message);
    }
  }

  private receiveDocument(message: service.CollaborateResponse["message"]): Event[] {
    let events: Event[];
    try {
      events = this.on(message);
    } catch (error) {
      if (!(error instanceof Refuse || error instanceof wire.TooLarge)) {
        throw error;
      }
      // A commit that does not fit what is here: begin with a snapshot rather than go on with what differs.
      this.confirmed.epoch = 0;
      return [this.leave("DIVERGED")];
    }
    return [...events, ...this.goOn(), ...this.takeBack()];
  }

  private on(message: service.CollaborateResponse["message"]): Event[] {
    switch (message.case) {
      case "opened":
        return this.onOpened(message.value);
      case "snapshotPart":
        return this.onSnapshotPart(message.value);
      case "committed":
        return this.onCommitted(message.value);
      case "merged":
        return this.onMerged(message.value);
      case "progressRevision":
        return this.ready ? this.work.progress(wire.exact(message.value)) : [];
      case "outcome":
        return this.onOutcome(message.value);
      case "refused":
        return this.onRefused(message.value);
      case "resend":
        this.resend = true;
        return [];
      case "reset":
        return this.onReset(message.value);
      case "rights":
        return this.onRights(message.value);
      default:
        return [];
    }
  }

  private onOpened(opened: service.CollaborateOpened): Event[] {
    const { work } = this;
    const { permissions, personId } = opened;
    const epoch = wire.exact(opened.epoch);
    const outcomes = opened.outcomes.map(wire.outcome);
    this.phase = "open";
    this.permissions = permissions;
    const stranger = work.personId !== "" && work.personId !== personId;
    work.personId = personId;
    this.newEpoch = this.epoch !== 0 && this.epoch !== epoch;
    this.openedEpoch = epoch;
    if (!this.newEpoch) {
      this.epoch = epoch;
    }
    this.resend = true;
    this.acked = this.confirmed.revision;
    work.rebuild();
    const events: Event[] = [
      { kind: "opened", timeMs: wire.exact(opened.timeMs) },
      { kind: "rightsChanged", permissions },
    ];
    if (stranger) {
      return [...events, ...this.putInDoubt("OTHER_PERSON", true)];
    }
    if (this.newEpoch) {
      this.ready = false;
      for (const batch of work.sent) {
        batch.landed = undefined;
      }
    }
    outcomes.forEach((outcome) => this.takeOutcome(outcome));
    return this.newEpoch ? events : [...events, ...this.compareOutcomes(opened, outcomes)];
  }

  /** Whether what the server knows of this client_id continues what was sent. */
  private compareOutcomes(opened: service.CollaborateOpened, outcomes: readonly Outcome[]): Event[] {
    const unanswered = this.work.sent.find((batch) => batch.landed === undefined);
    const last = outcomes.reduce((most, outcome) => Math.max(most, outcome.clientSeq), 0);
    if (unanswered !== undefined && this.committed && (!opened.known || last + 1 < unanswered.clientSeq)) {
      return this.putInDoubt("UNKNOWN_CLIENT", false);
    }
    if (opened.closed && this.refusing === undefined) {
      const atRevision = wire.exact(opened.revision);
      this.refusing = { clientSeq: 0, atRevision, index: undefined, reason: "ABORTED", message: "" };
    }
    return [];
  }

  private onSnapshotPart(part: service.SnapshotPart): Event[] {
    if (part.index === 0) {
      this.parts = [];
    }
    this.parts.push(...part.annotations.map(wire.state));
    this.ready = false;
    if (!part.last) {
      return [];
    }
    const { work, parts } = this;
    this.parts = [];
    if (this.newEpoch) {
      work.undo.clear();
      work.redo.clear();
    }
    const events = work.restart(parts, wire.exact(part.revision), this.openedEpoch);
    this.ready = true;
    if (this.newEpoch) {
      events.push(...this.beginEpoch());
    } else if (work.movesId !== this.clientId) {
      work.restate(this.clientId);
      work.rebuild();
    }
    return events;
  }

  /** What is not known to be saved goes out as new work; stamps of the old log mean nothing in the new one. */
  private beginEpoch(): Event[] {
    const { work } = this;
    this.newEpoch = false;
    this.epoch = this.openedEpoch;
    work.renew(this.clientId);
    const events: Event[] = [];
    const restores = work.unsent.filter((item) => item.operation.kind === "restore");
    if (restores.length) {
      events.push(dropped(work.drop(restores), "STALE_BASE", REASONS.STALE_BASE[1]));
    }
    this.rename();
    work.rebuild();
    return [...events, this.leave("EPOCH")];
  }

  private onCommitted(committed: service.Committed): Event[] {
    const events: Event[] = [];
    let taken = false;
    let hole = false;
    for (const message of committed.commits) {
      const commit = wire.commit(message);
      if (!this.ready || commit.revision <= this.confirmed.revision) {
        continue;
      }
      if (commit.revision !== this.confirmed.revision + 1) {
        hole = true;
        break;
      }
      const own = this.own(commit);
      this.committed ||= own !== undefined;
      events.push(...this.work.commit(commit, own));
      taken = true;
    }
    if (taken) {
      events.push(this.work.refresh());
    }
    return hole ? [...events, this.leave("HOLE")] : events;
  }

  private onMerged(merged: service.Merged): Event[] {
    const revision = wire.exact(merged.toRevision);
    if (!this.ready || revision <= this.confirmed.revision) {
      return [];
    }
    if (wire.exact(merged.fromRevision) > this.confirmed.revision) {
      return [this.leave("HOLE")];
    }
    return [...this.work.merge(merged.annotations.map(wire.state), revision), this.work.refresh()];
  }

  private onOutcome(own: service.OwnOutcome): Event[] {
    const message = own.outcome;
    if (message === undefined) {
      return [];
    }
    const outcome = wire.outcome(message);
    for (const batch of this.work.sent) {
      if (batch.clientSeq === outcome.clientSeq && batch.landed === undefined) {
        const onlyTexts = batch.items.every((item) => item.edit !== undefined);
        batch.before = own.before.length || onlyTexts ? own.before.map(wire.fieldBefore) : undefined;
      }
    }
    this.takeOutcome(outcome);
    return this.ready ? this.work.progress(this.confirmed.revision) : [];
  }

  private onRefused(refused: service.Refused): Event[] {
    if (toHex(refused.clientId) !== this.clientId) {
      return [];
    }
    const reason = wire.reasonOf(refused.status);
    if (reason === "OUT_OF_ORDER") {
      return [this.leave(reason)];
    }
    if (reason === "UNKNOWN_CLIENT") {
      return this.putInDoubt(reason, false);
    }
    const clientSeq = wire.exact(refused.clientSeq);
    if (this.refusing === undefined || clientSeq < this.refusing.clientSeq) {
      const message = refused.status?.message ?? "";
      const atRevision = wire.exact(refused.atRevision);
      this.refusing = { clientSeq, atRevision, index: refused.index, reason, message };
    }
    return [];
  }

  private onReset(reset: service.Reset): Event[] {
    this.ready = false;
    this.parts = [];
    if (reset.reason === service.ResetReason.EPOCH && wire.exact(reset.epoch) !== this.openedEpoch) {
      // The log began anew while the stream was open: what `opened` says of this client counts.
      return [this.leave("EPOCH")];
    }
    return [];
  }

  private onRights({ permissions }: service.Rights): Event[] {
    this.permissions = permissions;
    const events: Event[] = [{ kind: "rightsChanged", permissions }];
    return !this.writable && this.pendingCount ? [...events, { kind: "notSaved" }] : events;
  }

  // The parts of it.

  private own(commit: Commit): Sent | undefined {
    const first = this.work.sent[0];
    if (first === undefined) {
      return undefined;
    }
    const mine = commit.clientId === this.clientId && commit.personId === this.personId;
    return first.landed === commit.revision || (mine && commit.clientSeq === first.clientSeq) ? first : undefined;
  }

  private takeOutcome({ clientSeq, result, atRevision }: Outcome): void {
    const batch = this.work.sent.find((each) => each.clientSeq === clientSeq && each.landed === undefined);
    if (batch === undefined || result === undefined) {
      return;
    }
    if (result.kind === "revision") {
      batch.landed = result.revision;
      this.committed = true;
    } else if (this.refusing === undefined) {
      const { reason, message, index } = result.refusal;
      this.refusing = { clientSeq, atRevision, index, reason, message };
    }
  }

  /** Deals with a refusal once all that came before it is here. */
  private goOn(): Event[] {
    const { refusing, work } = this;
    if (refusing === undefined || !this.ready || this.confirmed.revision < refusing.atRevision) {
      return [];
    }
    this.refusing = undefined;
    const { clientSeq, index, reason, message } = refusing;
    const batch = work.sent.find((each) => each.landed === undefined && each.clientSeq === clientSeq);
    work.renew(this.clientId);
    let failed = batch?.items ?? [];
    if (index !== undefined) {
      failed = failed.slice(index, index + 1);
    } else if (BLAMELESS.has(reason)) {
      failed = [];
    }
    const events: Event[] = [];
    if (failed.length) {
      events.push(dropped(work.drop(failed), reason, message));
    }
    if (reason === "MAY_NOT_ANNOTATE") {
      events.push({ kind: "notSaved" });
    }
    this.rename();
    work.rebuild();
    return [...events, this.leave(reason)];
  }

  private putInDoubt(reason: string, everything: boolean): Event[] {
    const operations = this.work.putInDoubt(everything);
    this.rename();
    this.work.rebuild();
    const events: Event[] = operations.length ? [{ kind: "inDoubt", operations }] : [];
    return [...events, this.leave(reason)];
  }

  /** Takes a new client_id; nothing is in flight. */
  protected rename(): void {
    this.clientId = newId(this.randomBytes);
    this.nextSeq = 1;
    this.committed = false;
    this.refusing = undefined;
    if (this.confirmed.epoch) {
      this.work.restate(this.clientId);
    }
  }

  protected leave(reason: string): Event {
    this.phase = "leaving";
    return { kind: "reconnect", reason };
  }

  /** Does the undo or redo that is waited for, once nothing is pending. */
  protected takeBack(): Event[] {
    const { work } = this;
    if (this.asked.length === 0 || work.sent.length || work.unsent.length || !this.ready) {
      return [];
    }
    return work.takeBack(this.asked.shift() as Kind) ?? [{ kind: "undoVoid" }];
  }
}

function dropped(operations: Operation[], reason: string, message: string): Event {
  return { kind: "dropped", operations, reason, message };
}
