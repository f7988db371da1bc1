/** A server of one video without I/O: the log, its fold and the lanes. */

import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb";
import { StatusSchema } from "../../gen/google/rpc/status_pb";
import * as service from "../../gen/rushes/annotation/v1/annotation_service_pb";
import { BatchSchema, type Batch } from "../../gen/rushes/annotation/v1/operation_pb";
import { DocumentStateSchema, RecordSchema, type Record } from "../../gen/rushes/annotation/v1/record_pb";
import { apply } from "../apply";
import { view, visibleAnnotations } from "../audience";
import { Document } from "../document";
import { fromHex, toHex } from "../hex";
import { fieldsBefore } from "../inverse";
import type { AnnotationState, Audience, Refusal } from "../model";
import { checkBatch } from "../operation";
import type { Applied, Result } from "../result";
import * as wire from "../wire";
import type { Random } from "./random";

export const VIDEO = 7;
export const FRAMES = 240;

/** Who is at the other end. */
export interface Person {
  readonly personId: string;
  readonly permissions: number;
  readonly audience: Audience;
}

type Down = service.CollaborateResponse["message"];

/** One stream: what is on its way in both directions, as bytes. */
export class Session {
  reached = 0;
  readonly up: Uint8Array[] = [];
  readonly down: Uint8Array[] = [];
  held: service.Refused[] = [];
  outcomes: { revision: number; own: service.OwnOutcome }[] = [];

  constructor(
    readonly person: Person,
    readonly clientId: string,
    public merged: boolean,
  ) {}

  send(message: Down): void {
    const response = create(service.CollaborateResponseSchema);
    response.message = message;
    this.down.push(toBinary(service.CollaborateResponseSchema, response));
  }
}

/** The log, its fold, and the lanes. */
export class Server {
  epoch = 1;
  document = new Document(VIDEO, 1);
  nowMs = 1_000_000;
  /** Revisions before it cannot be resumed from. */
  firstKept = 0;
  sessions: Session[] = [];
  private log: Record[] = [];
  private folded = 0;
  private applied: Applied[] = [];

  constructor(private readonly random: Random) {}

  /** A new stream of a client: supersedes an older one. */
  open(person: Person, request: service.CollaborateOpen, merged: boolean): Session {
    const clientId = toHex(request.clientId);
    this.sessions = this.sessions.filter((each) => each.clientId !== clientId);
    const session = new Session(person, clientId, merged);
    this.sessions.push(session);
    const window = this.document.window(person.personId, clientId, this.nowMs);
    const opened = create(service.CollaborateOpenedSchema, {
      ...person,
      epoch: BigInt(this.epoch),
      revision: BigInt(this.document.revision),
      outcomes: window?.outcomes.map(wire.outcomeMessage) ?? [],
      known: window !== undefined,
      closed: window?.closed ?? false,
      timeMs: BigInt(this.nowMs),
    });
    session.send({ case: "opened", value: opened });
    const resume = request.resumeRevision === undefined ? undefined : Number(request.resumeRevision);
    const sameEpoch = request.epoch === BigInt(this.epoch);
    if (resume !== undefined && sameEpoch && resume >= this.firstKept) {
      session.reached = resume;
      return session;
    }
    if (resume !== undefined) {
      const reason = sameEpoch ? service.ResetReason.COMPACTED : service.ResetReason.EPOCH;
      const reset = create(service.ResetSchema, { reason, epoch: BigInt(this.epoch) });
      session.send({ case: "reset", value: reset });
    }
    this.sendSnapshot(session);
    return session;
  }

  private sendSnapshot(session: Session): void {
    const states = visibleAnnotations(this.document, session.person.audience);
    const parts: AnnotationState[][] = [[], []];
    states.forEach((state) => parts[this.random.int(0, 1)]?.push(state));
    parts.forEach((part, index) => {
      const value = create(service.SnapshotPartSchema, {
        revision: BigInt(this.document.revision),
        index,
        last: index === 1,
        annotations: part.map(wire.stateMessage),
      });
      session.send({ case: "snapshotPart", value });
    });
    session.reached = this.document.revision;
  }

  /** A message of a client: a batch is checked and appended. */
  take(session: Session, bytes: Uint8Array): void {
    const { message } = fromBinary(service.CollaborateRequestSchema, bytes);
    if (message.case !== "submit") {
      return;
    }
    const batch = message.value;
    const refused = checkBatch(batch.operations.map(wire.operation), FRAMES);
    const record = create(RecordSchema, {
      rules: 1,
      epoch: BigInt(this.epoch),
      videoId: BigInt(VIDEO),
      personId: session.person.personId,
      permissions: session.person.permissions,
      clientId: fromHex(session.clientId),
      hash: hashOf(batch),
      timeMs: BigInt(this.nowMs),
      frameCount: FRAMES,
      batch: refused === undefined ? batch : create(BatchSchema, { ...batch, operations: [] }),
    });
    if (refused !== undefined) {
      record.refused = wire.refusalMessage(refused);
    }
    this.log.push(record);
  }

  /** What is appended comes back from the log. */
  fold(): void {
    for (; this.folded < this.log.length; this.folded++) {
      const record = this.log[this.folded] as Record;
      this.answer(record, apply(this.document, record));
    }
  }

  /** Tells the sender what the lanes do not tell. */
  private answer(record: Record, result: Result): void {
    if (result.kind === "applied") {
      this.applied.push(result);
    }
    for (const session of this.sessions) {
      if (session.clientId === toHex(record.clientId) && session.person.personId === record.personId) {
        this.answerTo(session, record, result);
      }
    }
  }

  private answerTo(session: Session, record: Record, result: Result): void {
    const refuse = (why: Refusal, at: number): void => void session.held.push(refusedMessage(record, why, at));
    switch (result.kind) {
      case "applied":
        session.outcomes.push({ revision: Number(result.commit.revision), own: ownOutcome(result) });
        break;
      case "refused":
        refuse(result.refusal, result.at);
        break;
      case "duplicate":
        if (result.outcome.result?.kind === "refusal") {
          refuse(result.outcome.result.refusal, result.outcome.atRevision);
        } else {
          const outcome = wire.outcomeMessage(result.outcome);
          session.send({ case: "outcome", value: create(service.OwnOutcomeSchema, { outcome }) });
        }
        break;
      case "ignored":
        if (result.refusal !== undefined) {
          refuse(result.refusal, this.document.revision);
        }
    }
  }

  /** Puts what is new on the session's lane on its way. */
  pump(session: Session): void {
    const to = this.document.revision;
    if (session.reached < to) {
      const news = this.applied.slice(session.reached, to);
      if (session.merged) {
        this.pumpMerged(session, news, to);
      } else {
        this.pumpFull(session, news);
      }
      session.reached = to;
    }
    session.outcomes = session.outcomes.filter((each) => each.revision > to);
    const due = session.held.filter((refused) => Number(refused.atRevision) <= session.reached);
    session.held = session.held.filter((refused) => !due.includes(refused));
    due.forEach((value) => session.send({ case: "refused", value }));
  }

  private pumpFull(session: Session, news: readonly Applied[]): void {
    for (const applied of news) {
      const commit = view(applied, session.person.audience);
      if (commit === undefined) {
        session.send({ case: "progressRevision", value: applied.commit.revision });
      } else {
        session.send({ case: "committed", value: create(service.CommittedSchema, { commits: [commit] }) });
      }
    }
  }

  private pumpMerged(session: Session, news: readonly Applied[], to: number): void {
    for (const { revision, own } of session.outcomes) {
      if (session.reached < revision && revision <= to) {
        session.send({ case: "outcome", value: own });
      }
    }
    const touched = new Set(news.flatMap((applied) => [...applied.after.keys()]));
    const states = visibleAnnotations(this.document, session.person.audience);
    const value = create(service.MergedSchema, {
      fromRevision: BigInt(session.reached),
      toRevision: BigInt(to),
      annotations: states.filter((state) => touched.has(state.annotation.id)).map(wire.stateMessage),
    });
    session.send({ case: "merged", value });
  }

  /** The process dies and begins again from a snapshot and the log; streams are gone. */
  restart(): void {
    this.fold();
    const state = fromBinary(DocumentStateSchema, this.document.toBytes());
    this.document = Document.fromState(state, this.epoch);
    this.sessions = [];
  }

  /** A restore: the last revisions never were, and the log is another incarnation. */
  loseTail(keep: number): void {
    const kept = this.log;
    this.epoch++;
    this.document = new Document(VIDEO, this.epoch);
    this.applied = [];
    this.log = [];
    for (const record of kept) {
      if (this.document.revision >= keep) {
        break;
      }
      const result = apply(this.document, { ...record, epoch: 0n });
      this.log.push(record);
      if (result.kind === "applied") {
        this.applied.push(result);
      }
    }
    this.folded = this.log.length;
    this.firstKept = Math.min(this.firstKept, this.document.revision);
    this.sessions = [];
  }
}

function hashOf(batch: Batch): bigint {
  return createHash("blake2b512").update(toBinary(BatchSchema, batch)).digest().readBigUInt64LE();
}

function ownOutcome(applied: Applied): service.OwnOutcome {
  const { operations, revision } = wire.commit(applied.commit);
  const before = fieldsBefore(operations, revision, applied.earlier);
  return create(service.OwnOutcomeSchema, {
    outcome: wire.outcomeMessage(applied.outcome),
    before: before.map(({ id, value, stampRevision }) =>
      create(service.FieldBeforeSchema, {
        id: fromHex(id),
        value: wire.fieldValueMessage(value),
        stampRevision: BigInt(stampRevision),
      }),
    ),
  });
}

function refusedMessage(record: Record, why: Refusal, at: number): service.Refused {
  const info = create(ErrorInfoSchema, { reason: why.reason, domain: "rushes" });
  return create(service.RefusedSchema, {
    clientId: record.clientId,
    clientSeq: record.batch?.clientSeq ?? 0n,
    atRevision: BigInt(at),
    index: why.index,
    status: create(StatusSchema, { code: why.code, message: why.message, details: [anyPack(ErrorInfoSchema, info)] }),
  });
}
