/**
 * What one asked a live room for and had no answer to yet: numbered in order, sent again when nothing is heard of it, and after a cut. Pure:
 * time comes in.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SignalDoneSchema, SignalRequestSchema, type SignalDone, type SignalRequest } from "../gen/rushes/signaling/v1/room_service_pb";
import { waitMs } from "../session/backoff";

export type What = NonNullable<MessageInitShape<typeof SignalRequestSchema>["what"]>;

/** Without an answer for so long, a request is sent again. */
export const RESEND_MS = 2000;
/** So many times; after that the way to the server is taken for dead. */
export const RESENDS = 3;
/** So many times in a row a cut stream is tried again, longer and longer; after that only now and then, and the page says so. */
export const TRIES = 5;
const LATER_MS = 8000;
const CANCELLED = 1;
/** Of these the room's record knows nothing: what is done says nothing of them, and the server answers one that is sent again as before. */
const UNRECORDED: ReadonlySet<What["case"]> = new Set(["publish", "subscribe", "slotsAnswer", "show"] as const);

/** How long to wait before the next try, when so many in a row failed; and whether that is only now and then. */
export function retryOf(failures: number, random: number): { waitMs: number; lost: boolean } {
  return failures < TRIES ? { waitMs: Math.max(100, waitMs(failures, random)), lost: false } : { waitMs: LATER_MS * (0.5 + random / 2), lost: true };
}

/** What became of a request, and the description that came right before that was said; empty: none did. */
export type Tell = (done: SignalDone, description: string) => void;

interface Asked {
  request: SignalRequest;
  done: Tell;
  /** When it was sent last, and how often again since there was a way. */
  sentMs: number;
  again: number;
}

export class Outbox {
  private number = 0n;
  private waiting = new Map<bigint, Asked>();
  /** Something may have been sent. */
  private begun = false;

  /** Numbers a request; `done` is told what became of it. */
  put(what: What, nowMs: number, done: Tell): SignalRequest {
    const request = create(SignalRequestSchema, { number: ++this.number, what });
    this.waiting.set(request.number, { request, done, sentMs: nowMs, again: 0 });
    return request;
  }

  /** A request that nobody waits for. */
  last(what: What): SignalRequest {
    return create(SignalRequestSchema, { number: ++this.number, what });
  }

  answered(done: SignalDone, description = ""): void {
    this.waiting.get(done.number)?.done(done, description);
    this.waiting.delete(done.number);
  }

  /** What is to be sent again by now, in order; undefined: it was, and nobody answers. */
  due(nowMs: number): SignalRequest[] | undefined {
    const late = [...this.waiting.values()].filter((each) => nowMs - each.sentMs >= RESEND_MS);
    if (late.some((each) => each.again >= RESENDS)) return undefined;
    return late.map((each) => {
      each.again++;
      each.sentMs = nowMs;
      return each.request;
    });
  }

  /**
   * There is a way again, to somebody who has done all acts up to a number: what is to be sent, in order. The answers to the other acts
   * were lost; of what is no act the answer is what was wanted, so that is asked for again.
   */
  resume(done: bigint, nowMs: number): SignalRequest[] {
    if (!this.begun) this.follow(done);
    this.begun = true;
    for (const [number, { request, done: tell }] of this.waiting) {
      if (number > done || UNRECORDED.has(request.what.case)) continue;
      this.waiting.delete(number);
      tell(create(SignalDoneSchema, { number }), "");
    }
    return [...this.waiting.values()].map((each) => {
      each.again = 0;
      each.sentMs = nowMs;
      return each.request;
    });
  }

  /** Nothing was sent yet, so what is done was asked by the page before: what waits is numbered behind it. */
  private follow(done: bigint): void {
    const waiting = [...this.waiting.values()];
    this.number = done;
    for (const { request } of waiting) request.number = ++this.number;
    this.waiting = new Map(waiting.map((each) => [each.request.number, each]));
  }

  /** Nobody will answer what waits. */
  giveUp(): void {
    for (const [number, { done }] of this.waiting) done(create(SignalDoneSchema, { number, error: { code: CANCELLED } }), "");
    this.waiting.clear();
  }

  /**
   * Somebody new by the server's reckoning: what was asked in the life before may be done already, and is not asked again. What a page
   * asked before its first stream opened is of no life before.
   */
  begin(): void {
    if (!this.begun) return;
    this.giveUp();
    this.number = 0n;
    this.begun = false;
  }
}

/** What is answered when there is nobody to ask. */
export function cancelled(): SignalDone {
  return create(SignalDoneSchema, { error: { code: CANCELLED } });
}
