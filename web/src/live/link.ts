/** The stream of one person in a live room: moves messages, connects again, and sends again what was not answered. */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  SignalDoneSchema,
  SignalRequestSchema,
  SignalResponseSchema,
  type SignalDone,
  type SignalOpened,
  type SignalRequest,
  type SignalResponse,
} from "../gen/rushes/signaling/v1/room_service_pb";
import { waitMs } from "../session/backoff";
import type { Ended } from "../session/socket";
import { Stream } from "../session/stream";

const PATH = "/rushes.signaling.v1.RoomService/Signal";
const PING_MS = 4000;
/** The first pings follow each other: the quickest answer of several tells the server's time. */
const FIRST_PINGS = 6;
const FIRST_PING_MS = 250;
const SILENT_MS = 12_000;
const LEAVE_MS = 2000;

export type LinkState = "connecting" | "open" | "waiting" | "over";
export type What = NonNullable<MessageInitShape<typeof SignalRequestSchema>["what"]>;

export interface LinkOptions {
  project: bigint;
  room: string;
  heard: (response: SignalResponse) => void;
  state: (state: LinkState, why?: Ended) => void;
  pong: (askedMs: number, serverMs: number) => void;
  /** Who one was before the page was loaded again; empty: nobody. */
  participant: string;
}

const CANCELLED = 1;
/** Statuses that another try does not mend: no such room, not allowed, over, full. */
const FINAL = new Set([3, 5, 7, 9, 16]);

export class SignalLink {
  private stream: Stream | undefined;
  private participant: string;
  private after = 0n;
  private number = 0n;
  private waiting = new Map<bigint, { request: SignalRequest; done: (done: SignalDone) => void }>();
  private failures = 0;
  private open = false;
  private over = false;
  private retry = 0;
  private pinger = 0;
  private pings = 0;
  private heardMs = 0;

  constructor(private readonly options: LinkOptions) {
    this.participant = options.participant;
  }

  start(): void {
    this.connect();
    addEventListener("online", this.hurry);
  }

  /** Leaves; nothing is sent again. The server ends the stream once it knows: who cuts it first is only taken to be away. */
  stop(): void {
    if (!this.open) return this.end();
    this.write(create(SignalRequestSchema, { number: ++this.number, what: { case: "leave", value: true } }));
    this.over = true;
    this.giveUp();
    removeEventListener("online", this.hurry);
    clearTimeout(this.pinger);
    setTimeout(() => this.close(), LEAVE_MS);
  }

  private end(why?: Ended): void {
    this.over = true;
    this.giveUp();
    removeEventListener("online", this.hurry);
    clearTimeout(this.retry);
    this.close();
    this.options.state("over", why);
  }

  /** Nobody will answer what waits. */
  private giveUp(): void {
    for (const [number, { done }] of this.waiting) done(create(SignalDoneSchema, { number, error: { code: CANCELLED } }));
    this.waiting.clear();
  }

  private readonly hurry = (): void => {
    if (!this.open && !this.over) this.connect();
  };

  /** Asks for something; resolves with what became of it. */
  ask(what: What): Promise<SignalDone> {
    if (this.over) return Promise.resolve(create(SignalDoneSchema, { error: { code: CANCELLED } }));
    const number = ++this.number;
    const request = create(SignalRequestSchema, { number, what });
    return new Promise((done) => {
      this.waiting.set(number, { request, done });
      if (this.open) this.write(request);
    });
  }

  private write(request: SignalRequest): void {
    this.stream?.send(toBinary(SignalRequestSchema, request));
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.close();
    this.options.state("connecting");
    this.stream = new Stream(PATH, {
      opened: () => {
        const { project: projectId, room: roomId } = this.options;
        const opening = { projectId, roomId, participantId: this.participant, after: this.after, together: true };
        this.write(create(SignalRequestSchema, { what: { case: "open", value: opening } }));
      },
      message: (payload) => {
        this.heardMs = performance.now();
        if (!this.over) this.message(fromBinary(SignalResponseSchema, payload));
      },
      ended: (status) => this.ended(status),
      lost: () => this.lost(),
    });
  }

  private close(dead = false): void {
    clearTimeout(this.pinger);
    this.open = false;
    this.stream?.close({ dead });
    this.stream = undefined;
  }

  private lost(dead = false): void {
    if (this.over) return;
    this.close(dead);
    this.options.state("waiting");
    this.retry = window.setTimeout(() => this.connect(), Math.max(100, waitMs(this.failures++, Math.random())));
  }

  private ended(status: Ended): void {
    if (this.over) this.close();
    else if (FINAL.has(status.code) || status.code === 0) this.end(status);
    else this.lost();
  }

  private message(response: SignalResponse): void {
    const { what } = response;
    if (what.case === "events") {
      for (const value of what.value.events) this.message(create(SignalResponseSchema, { what: { case: "event", value } }));
      return;
    }
    if (what.case === "opened") {
      this.after = what.value.ordinal;
      // It comes once more on the same stream when one is let in: what was asked on it is under way.
      if (!this.open) this.opened(what.value);
    } else if (what.case === "event") {
      this.after = what.value.ordinal;
    } else if (what.case === "done") {
      this.waiting.get(what.value.number)?.done(what.value);
      this.waiting.delete(what.value.number);
    } else if (what.case === "pong") {
      this.options.pong(Number(what.value.pingMs), Number(what.value.timeMs));
    }
    this.options.heard(response);
  }

  private opened({ participantId, done }: SignalOpened): void {
    this.failures = 0;
    this.open = true;
    if (participantId !== this.participant) this.begin();
    else if (this.number < done && this.waiting.size === 0) this.number = done; // of the page before
    this.participant = participantId;
    for (const [number, { request, done: tell }] of this.waiting) {
      if (number > done) {
        this.write(request);
      } else {
        // Done before the cut; only its answer was lost.
        this.waiting.delete(number);
        tell(create(SignalDoneSchema, { number }));
      }
    }
    this.options.state("open");
    this.pings = 0;
    this.ping();
  }

  /** Somebody new by the server's reckoning: what was asked in the life before may be done already, and is not asked again. */
  private begin(): void {
    if (this.participant === "") return;
    this.giveUp();
    this.number = 0n;
  }

  private ping(): void {
    clearTimeout(this.pinger);
    if (performance.now() - this.heardMs > SILENT_MS) return this.lost(true);
    this.write(create(SignalRequestSchema, { what: { case: "pingMs", value: BigInt(Math.round(performance.now())) } }));
    this.pinger = window.setTimeout(() => this.ping(), ++this.pings < FIRST_PINGS ? FIRST_PING_MS : PING_MS);
  }
}
