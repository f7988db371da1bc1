/** The stream of one person in a live room: moves messages, connects again, and sends again what was not answered. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  SignalRequestSchema,
  SignalResponseSchema,
  type SignalDone,
  type SignalOpened,
  type SignalRequest,
  type SignalResponse,
} from "../gen/rushes/signaling/v1/room_service_pb";
import type { Ended } from "../session/socket";
import { Stream } from "../session/stream";
import { cancelled, Outbox, retryOf, type What } from "./outbox";

const PATH = "/rushes.signaling.v1.RoomService/Signal";
const PING_MS = 4000;
/** The first pings follow each other: the quickest answer of several tells the server's time. */
const FIRST_PINGS = 6;
const FIRST_PING_MS = 250;
const SILENT_MS = 12_000;
const DOUBT_MS = 2500;
const LEAVE_MS = 2000;
const LOOK_MS = 500;

/** `lost`: five tries in a row failed; it is tried now and then, and when somebody wants it. */
export type LinkState = "connecting" | "open" | "waiting" | "lost" | "over";

export interface LinkOptions {
  project: bigint;
  room: string;
  heard: (response: SignalResponse) => void;
  state: (state: LinkState, why?: Ended) => void;
  pong: (askedMs: number, serverMs: number) => void;
  /** Who one was before the page was loaded again; empty: nobody. */
  participant: string;
}

export interface Answered {
  done: SignalDone;
  description: string;
}

/** Statuses that another try does not mend: no such room, not allowed, over, full. */
const FINAL = new Set([3, 5, 7, 9, 16]);

export class SignalLink {
  private stream: Stream | undefined;
  private participant: string;
  private after = 0n;
  private readonly outbox = new Outbox();
  private failures = 0;
  private open = false;
  private over = false;
  private retry = 0;
  private pinger = 0;
  private pings = 0;
  private looker = 0;
  private heardMs = 0;
  private triedMs = 0;
  /** A description that came: what was done with the request for it follows at once. */
  private description = "";

  constructor(private readonly options: LinkOptions) {
    this.participant = options.participant;
  }

  start(): void {
    this.connect();
    addEventListener("online", this.hurry);
    this.looker = window.setInterval(() => this.look(), LOOK_MS);
  }

  /** What nobody answered is sent again; when that does not help, the stream is dead. */
  private look(): void {
    if (!this.open) {
      if (this.stream && performance.now() - this.triedMs > SILENT_MS) this.lost(true);
      return;
    }
    const due = this.outbox.due(performance.now());
    if (!due) return this.lost();
    for (const request of due) this.write(request);
  }

  /** Leaves; nothing is sent again. The server ends the stream once it knows: who cuts it first is only taken to be away. */
  stop(): void {
    if (!this.open) return this.end();
    this.write(this.outbox.last({ case: "leave", value: true }));
    this.finish();
    clearTimeout(this.pinger);
    setTimeout(() => this.close(), LEAVE_MS);
  }

  private end(why?: Ended): void {
    this.finish();
    clearTimeout(this.retry);
    this.close();
    this.options.state("over", why);
  }

  private finish(): void {
    this.over = true;
    this.outbox.giveUp();
    removeEventListener("online", this.hurry);
    clearInterval(this.looker);
  }

  /** Tries again at once. */
  readonly hurry = (): void => {
    if (this.open || this.over) return;
    this.failures = 0;
    this.connect();
  };

  /** Asks for something; resolves with what became of it, and the description that answers it. */
  ask(what: What): Promise<Answered> {
    if (this.over) return Promise.resolve({ done: cancelled(), description: "" });
    return new Promise((resolve) => {
      const request = this.outbox.put(what, performance.now(), (done, description) => resolve({ done, description }));
      if (this.open) this.write(request);
    });
  }

  private write(request: SignalRequest): void {
    this.stream?.send(toBinary(SignalRequestSchema, request));
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.close();
    if (!retryOf(this.failures, 0).lost) this.options.state("connecting");
    this.triedMs = performance.now();
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

  /** Something else does not get through: without an answer soon, the way is taken to be dead. */
  doubt(): void {
    if (!this.open) return this.hurry();
    const sinceMs = performance.now();
    this.pings = 0;
    this.ping();
    setTimeout(() => {
      if (this.open && this.heardMs < sinceMs) this.lost(true);
    }, DOUBT_MS);
  }

  private lost(dead = false): void {
    if (this.over) return;
    this.close(dead);
    const { waitMs, lost } = retryOf(this.failures++, Math.random());
    this.options.state(lost ? "lost" : "waiting");
    this.retry = window.setTimeout(() => this.connect(), waitMs);
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
    } else if (what.case === "published" || what.case === "slots") {
      this.description = what.value;
    } else if (what.case === "done") {
      this.outbox.answered(what.value, this.description);
      this.description = "";
    } else if (what.case === "pong") {
      this.options.pong(Number(what.value.pingMs), Number(what.value.timeMs));
    }
    this.options.heard(response);
  }

  private opened({ participantId, done }: SignalOpened): void {
    this.failures = 0;
    this.open = true;
    if (this.participant !== "" && participantId !== this.participant) this.outbox.begin();
    this.participant = participantId;
    for (const request of this.outbox.resume(done, performance.now())) this.write(request);
    this.options.state("open");
    this.pings = 0;
    this.ping();
  }

  private ping(): void {
    clearTimeout(this.pinger);
    if (performance.now() - this.heardMs > SILENT_MS) return this.lost(true);
    this.write(create(SignalRequestSchema, { what: { case: "pingMs", value: BigInt(Math.round(performance.now())) } }));
    this.pinger = window.setTimeout(() => this.ping(), ++this.pings < FIRST_PINGS ? FIRST_PING_MS : PING_MS);
  }
}
