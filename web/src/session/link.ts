/**
 * Drives a PendingClient over a stream: moves messages and events, keeps time, connects again. What is sent and when, the
 * client decides; what becomes of the call, `afterEnd` does.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Event, PendingClient } from "../document";
import {
  CollaborateRequestSchema,
  CollaborateResponseSchema,
  type CollaborateRequest,
  type CollaborateResponse,
  type PresenceState,
} from "../gen/rushes/annotation/v1/annotation_service_pb";
import { Authors } from "./authors";
import { waitTold } from "./backoff";
import type { Ended } from "./socket";
import { Stream } from "./stream";

const PATH = "/rushes.annotation.v1.AnnotationService/Collaborate";
const PING_MS = 4000;
/** Without a sign of life for so long the stream is given up. */
const SILENT_MS = 12_000;
const OPENING_MS = 12_000;
/** A stream that lasted so long was a good one: the next try is made at once. */
const STEADY_MS = 3000;

export type LinkState =
  | { kind: "connecting"; again: boolean }
  | { kind: "open" }
  /** Waits before the next try. */
  | { kind: "waiting"; untilMs: number }
  /** Cannot go on by itself. */
  | { kind: "refused"; why: "signedOut" | "gone" | "forbidden"; message: string }
  | { kind: "stopped" };

export interface LinkOptions {
  /** The frame being looked at. */
  frame: () => number;
  events: (events: readonly Event[]) => void;
  /** A message, before anything is made of it. Gives whether to go on from what is held; else it begins afresh. */
  heard: (response: CollaborateResponse) => boolean;
  state: (state: LinkState) => void;
  latency: (milliseconds: number) => void;
}

/** What to do after the server ended the call. */
export function afterEnd(status: Ended): "again" | "afresh" | "signedOut" | "gone" | "forbidden" {
  if (status.code === 16) return "signedOut";
  if (status.code === 5) return "gone";
  if (status.code === 7) return "forbidden";
  return status.reason === "AUDIENCE_CHANGED" ? "afresh" : "again";
}

export class Link {
  private stream: Stream | undefined;
  private authors = new Authors();
  private failures = 0;
  private pollTimer = 0;
  private retryTimer = 0;
  private pingTimer = 0;
  private openingTimer = 0;
  private heardMs = 0;
  /** When the first ping was sent that is not answered. */
  private pingedMs = 0;
  private openedMs = 0;
  private state: LinkState = { kind: "stopped" };
  private readonly stopSignal = new AbortController();

  constructor(
    private readonly client: PendingClient,
    private readonly options: LinkOptions,
  ) {}

  /** Connects, and stays connected. */
  start(): void {
    const { signal } = this.stopSignal;
    addEventListener("online", () => this.hurry(), { signal });
    document.addEventListener("visibilitychange", () => (document.hidden ? undefined : this.hurry()), { signal });
    this.connect(false);
  }

  /** Ends for good. */
  stop(): void {
    this.stopSignal.abort();
    this.close();
    clearTimeout(this.retryTimer);
    this.set({ kind: "stopped" });
  }

  /** Something the person does: its events are given out, and what is due is sent. */
  act(run: (client: PendingClient, nowS: number) => readonly Event[]): void {
    const events = run(this.client, now());
    this.options.events(events);
    this.flush();
  }

  /** Sends where one is; dropped while there is no stream. Gives whether it went. */
  presence(state: PresenceState): boolean {
    if (this.state.kind !== "open") return false;
    this.send(create(CollaborateRequestSchema, { message: { case: "presence", value: state } }));
    return true;
  }

  /** Tries again now, such as after signing in. */
  hurry(): void {
    if (this.state.kind === "waiting" || this.state.kind === "refused") this.connect(true);
    else if (this.state.kind === "open") this.ping();
  }

  private set(state: LinkState): void {
    this.state = state;
    this.options.state(state);
  }

  private connect(again: boolean): void {
    if (this.stopSignal.signal.aborted) return;
    clearTimeout(this.retryTimer);
    this.close();
    this.set({ kind: "connecting", again });
    this.openingTimer = window.setTimeout(() => this.lost(true), OPENING_MS);
    this.authors = new Authors();
    this.stream = new Stream(PATH, {
      opened: () => this.open(),
      message: (payload) => this.take(payload),
      ended: (status) => this.ended(status),
      lost: () => this.lost(),
    });
  }

  private open(): void {
    const request = this.client.connect(this.options.frame());
    if (request.message.case === "open") request.message.value.numbersAuthors = true;
    this.send(request);
  }

  private close(dead = false): void {
    for (const timer of [this.pollTimer, this.pingTimer, this.openingTimer]) clearTimeout(timer);
    const { stream } = this;
    this.stream = undefined;
    if (!stream) return;
    this.client.disconnected();
    stream.close({ dead });
  }

  /** The stream is gone, or as good as gone. */
  private lost(dead = false, toldMs = 0): void {
    if (this.state.kind === "refused" || this.state.kind === "stopped") return this.close(dead);
    this.close(dead);
    if (this.state.kind === "open" && performance.now() - this.openedMs > STEADY_MS) this.failures = 0;
    const wait = waitTold(toldMs, this.failures++, Math.random());
    if (wait === 0) return this.connect(true);
    this.set({ kind: "waiting", untilMs: Date.now() + wait });
    clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.connect(true), wait);
  }

  private take(payload: Uint8Array): void {
    this.heardMs = performance.now();
    try {
      this.message(payload);
    } catch (error) {
      // What cannot be read cannot be trusted: begin anew from what is confirmed.
      this.lost();
      throw error;
    }
  }

  private message(payload: Uint8Array): void {
    const response = fromBinary(CollaborateResponseSchema, payload);
    const { message } = response;
    if (message.case === "pong") this.options.latency(Math.max(0, performance.now() - Number(message.value.pingMs)));
    if (message.case === "committed" && !this.authors.spellOut(message.value)) {
      // A commit of nobody is not taken in: begin anew, with a snapshot.
      this.client.confirmed.epoch = 0;
      return this.lost();
    }
    if (!this.options.heard(response)) {
      this.client.confirmed.epoch = 0;
      return this.connect(true);
    }
    const events = this.client.receive(response);
    if (message.case === "opened" && this.state.kind === "connecting") {
      clearTimeout(this.openingTimer);
      this.openedMs = performance.now();
      this.pingedMs = 0;
      this.set({ kind: "open" });
      this.ping();
    }
    this.options.events(events);
    const leave = events.some((event) => event.kind === "reconnect");
    if (leave) {
      this.failures++;
      this.connect(true);
    } else {
      this.flush();
    }
  }

  private ended(status: Ended): void {
    const next = afterEnd(status);
    if (next === "again") return this.lost(false, status.retryMs);
    if (next === "afresh") {
      this.client.confirmed.epoch = 0;
      return this.connect(true);
    }
    this.close();
    this.set({ kind: "refused", why: next, message: status.message });
  }

  private send(request: CollaborateRequest): void {
    this.stream?.send(toBinary(CollaborateRequestSchema, request));
  }

  /** Sends what is due, and wakes when the next is. */
  private flush(): void {
    if (this.state.kind !== "open") return;
    for (const request of this.client.poll(now())) this.send(request);
    clearTimeout(this.pollTimer);
    const wake = this.client.wakeAt(now());
    if (wake !== undefined) this.pollTimer = window.setTimeout(() => this.flush(), Math.max(1, (wake - now()) * 1000));
  }

  /** Measures the way there and back, and finds out when nobody is there any more. */
  private ping(): void {
    clearTimeout(this.pingTimer);
    const nowMs = performance.now();
    const unanswered = this.pingedMs > this.heardMs;
    if (unanswered && nowMs - this.pingedMs > SILENT_MS) return this.lost(true);
    if (!unanswered) this.pingedMs = nowMs;
    this.send(create(CollaborateRequestSchema, { message: { case: "pingMs", value: BigInt(Math.round(nowMs)) } }));
    this.pingTimer = window.setTimeout(() => this.ping(), PING_MS);
  }
}

/** Seconds of a clock that never goes back. */
export function now(): number {
  return performance.now() / 1000;
}
