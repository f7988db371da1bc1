/**
 * A client's end of `Collaborate`, sans-IO: what to send, when, and what becomes of it.
 *
 * Messages, the time and random bytes come in; requests and events go out. Whoever drives it moves bytes and decides
 * nothing. The annotation model's "Transformation" and "Numbers: exactly once" are what it keeps to.
 */

import { create } from "@bufbuild/protobuf";
import * as service from "../gen/rushes/annotation/v1/annotation_service_pb";
import { InvalidArgument, NotFound } from "./errors";
import { fromHex } from "./hex";
import * as limit from "./limit";
import type { Id, Operation } from "./model";
import { checkOperation } from "./operation";
import type { Event } from "./pending_event";
import { PendingInbox } from "./pending_inbox";
import type { Kind, Sent } from "./pending_item";
import { REASONS, Refuse } from "./refusal";
import * as text from "./text";
import { DEPTH } from "./undo";

export const BATCH_EVERY_S = 0.05;
/**
 * How often a client says how far it has read, a quarter more or less: each at a pace of its own, since thousands who
 * had their first note together would all say so together for ever.
 */
export const ACK_EVERY_S = 2;
export const IDLE_S = 24 * 3600;

/** One client on one video: its confirmed document, its pending work and its screen. */
export class PendingClient extends PendingInbox {
  // What a person does.

  /** One action: on the screen at once, sent when it may. Throws InvalidArgument and then does nothing. */
  submit(operations: readonly Operation[], nowS: number): Event[] {
    const lengths = new Map<Id, number>();
    for (const operation of operations) {
      check(operation);
      if (operation.kind === "create") {
        lengths.set(operation.annotation.id, text.length(operation.annotation.text));
      } else if (operation.kind === "editText") {
        this.checkEdit(operation.id, operation.pieces, lengths);
      }
    }
    const events = this.renameIfIdle(nowS);
    this.asked.length = 0;
    return operations.length ? [...events, ...this.work.add(operations, "do")] : events;
  }

  /** The text of an annotation as it shall be. Throws NotFound and InvalidArgument and then does nothing. */
  editText(id: Id, after: string, nowS: number): Event[] {
    const state = this.screen.get(id);
    if (state === undefined) {
      throw new NotFound("there is no such annotation");
    }
    checkLetters(after);
    if (text.bytesOf(after) > limit.MAX_TEXT_BYTES) {
      throw new InvalidArgument(REASONS.TEXT_TOO_LONG[1], "TEXT_TOO_LONG");
    }
    const events = this.renameIfIdle(nowS);
    this.asked.length = 0;
    return [...events, ...this.work.type(id, state.annotation.text, after)];
  }

  /** Undoes one's own last batch; waits while anything is pending, until the next thing one does. */
  undo(nowS: number): Event[] {
    return this.askBack("undo", nowS);
  }

  /** Undoes the undo. */
  redo(nowS: number): Event[] {
    return this.askBack("redo", nowS);
  }

  /** What is in doubt goes out as new work, but for annotations that there are. */
  resendDoubt(nowS: number): Event[] {
    return [...this.renameIfIdle(nowS), ...this.work.add(this.work.takeDoubt(), "do")];
  }

  /** What is in doubt is forgotten. */
  discardDoubt(): void {
    this.work.doubt = [];
  }

  // What goes out.

  /** The first message of a new stream. */
  connect(frame: number): service.CollaborateRequest {
    this.phase = "opening";
    this.resend = false;
    this.parts = [];
    if (this.work.sent.length === 0 && this.nextSeq > 1) {
      this.rename();
    }
    // With nothing of the document there is no revision to resume from.
    this.ready = this.confirmed.epoch !== 0;
    const open = create(service.CollaborateOpenSchema, {
      videoId: BigInt(this.videoId),
      clientId: fromHex(this.clientId),
      frame,
      delivery: this.delivery,
      audience: this.audience,
    });
    if (this.ready) {
      open.resumeRevision = BigInt(this.confirmed.revision);
      open.epoch = BigInt(this.confirmed.epoch);
    }
    return request({ case: "open", value: open });
  }

  /** The stream is closed. */
  disconnected(): void {
    this.phase = "closed";
  }

  /** What is to be sent now, in order. */
  poll(nowS: number): service.CollaborateRequest[] {
    const requests: service.CollaborateRequest[] = [];
    if (this.phase !== "open") {
      return requests;
    }
    if (this.maySend()) {
      if (this.resend) {
        this.resend = false;
        const unanswered = this.work.sent.filter((batch) => batch.landed === undefined);
        requests.push(...unanswered.map((batch) => request({ case: "submit", value: batch.message() })));
      }
      const batch = nowS >= this.nextBatchS ? this.cut() : undefined;
      if (batch !== undefined) {
        this.nextBatchS = nowS + BATCH_EVERY_S;
        this.lastBatchS = nowS;
        requests.push(request({ case: "submit", value: batch.message() }));
      }
    }
    if (this.confirmed.revision > this.acked && nowS >= this.nextAckS) {
      this.nextAckS = nowS + ACK_EVERY_S * (0.75 + Number.parseInt(this.clientId.slice(-2), 16) / 510);
      this.acked = this.confirmed.revision;
      requests.push(request({ case: "ackRevision", value: BigInt(this.acked) }));
    }
    return requests;
  }

  /** When `poll` may have something to send; undefined: not before something is received or done. */
  wakeAt(nowS: number): number | undefined {
    if (this.phase !== "open") {
      return undefined;
    }
    const times: number[] = [];
    if (this.maySend()) {
      if (this.resend) {
        times.push(nowS);
      }
      if (this.inFlight < limit.MAX_IN_FLIGHT && this.work.nextItems().length) {
        times.push(this.nextBatchS);
      }
    }
    if (this.confirmed.revision > this.acked) {
      times.push(this.nextAckS);
    }
    return times.length ? Math.min(...times) : undefined;
  }

  // The parts of it.

  private maySend(): boolean {
    return this.ready && this.writable && this.refusing === undefined && !this.newEpoch;
  }

  private cut(): Sent | undefined {
    const batch = this.inFlight < limit.MAX_IN_FLIGHT ? this.work.cut(this.nextSeq) : undefined;
    if (batch !== undefined) {
      this.nextSeq++;
    }
    return batch;
  }

  private renameIfIdle(nowS: number): Event[] {
    const idle = this.nextSeq > 1 && this.inFlight === 0 && nowS - this.lastBatchS > IDLE_S;
    if (this.phase !== "open" || !idle) {
      return [];
    }
    this.rename();
    return [this.leave("IDLE")];
  }

  private askBack(kind: Kind, nowS: number): Event[] {
    if (this.asked.length < DEPTH) {
      this.asked.push(kind);
    }
    return [...this.renameIfIdle(nowS), ...this.takeBack()];
  }

  private checkEdit(id: Id, edit: text.Edit, lengths: Map<Id, number>): void {
    const length = lengths.get(id) ?? text.length(this.screen.get(id)?.annotation.text ?? "");
    if (text.lengthBefore(edit) !== length) {
      throw new InvalidArgument(REASONS.TEXT_MISMATCH[1], "TEXT_MISMATCH");
    }
    lengths.set(id, text.lengthAfter(edit));
  }
}

function request(message: service.CollaborateRequest["message"]): service.CollaborateRequest {
  const own = create(service.CollaborateRequestSchema);
  own.message = message;
  return own;
}

function checkLetters(letters: string): void {
  if (text.hasSurrogate(letters)) {
    throw new InvalidArgument("the text holds half of a surrogate pair", "INVALID_EDIT");
  }
}

/** Every string of an operation, for UTF-8 cannot carry all that JavaScript's strings can hold. */
function strings(operation: Operation): string[] {
  switch (operation.kind) {
    case "create": {
      const { text: own, tags, attachments, origin } = operation.annotation;
      const titles = attachments.flatMap((each) => [each.title, each.target?.value ?? ""]);
      return [own, ...tags, ...titles, origin?.authorId ?? ""];
    }
    case "editText":
      return operation.pieces.filter((part) => typeof part === "string");
    case "setFields":
      return operation.fields.flatMap(({ field, value }) =>
        value?.kind === "attachment" ? [field, value.attachment.title, value.attachment.target?.value ?? ""] : [field],
      );
    default:
      return [];
  }
}

function check(operation: Operation): void {
  strings(operation).forEach(checkLetters);
  try {
    checkOperation(operation);
  } catch (error) {
    if (error instanceof Refuse) {
      throw new InvalidArgument(error.message, error.reason);
    }
    throw error;
  }
}
