/** The page's one WebSocket for all of its streams, opened when the first is and closed after the last. */
import { ClientMux, PATH, SUBPROTOCOL, type Heard } from "./mux";
import type { Ended } from "./socket";

/** A socket without a call stays for so long: another is likely to follow. */
const UNUSED_MS = 10_000;
/** A call that was finished may take so long to end by itself. */
const LEAVE_MS = 5000;
/** A socket that said something in so long is alive, whatever one of its calls does. */
const ALIVE_MS = 8000;
const UNAUTHENTICATED = 16;

/** Whoever has a call here. */
export interface Member {
  opened: () => void;
  message: (payload: Uint8Array) => void;
  ended: (status: Ended) => void;
  lost: () => void;
  /** Nobody may have a call here. */
  alone: () => void;
}

let current: SharedSocket | undefined;

/** The socket for a new call. */
export function shared(): SharedSocket {
  return (current ??= new SharedSocket());
}

/** Who one is has changed, and a socket is who opened it: calls that begin from now on get another. */
export function renew(): void {
  current = undefined;
}

export class SharedSocket {
  private readonly socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${PATH}`, SUBPROTOCOL);
  private readonly mux = new ClientMux();
  private readonly members = new Map<number, Member>();
  private readonly before: Uint8Array<ArrayBuffer>[] = [];
  private readonly gone = new AbortController();
  private isOpen = false;
  private heardMs = 0;
  private unused = 0;

  constructor() {
    const { signal } = this.gone;
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.opened(), { signal });
    this.socket.addEventListener("message", ({ data }) => this.take(new Uint8Array(data as ArrayBuffer)), { signal });
    this.socket.addEventListener("close", () => this.drop(), { signal });
    addEventListener("offline", () => this.drop(), { signal });
  }

  /** Begins a call; gives its number. */
  join(path: string, member: Member): number {
    clearTimeout(this.unused);
    const { number, send } = this.mux.open(path);
    this.members.set(number, member);
    this.send(send);
    // Never before whoever joins knows its number.
    if (this.isOpen) queueMicrotask(() => this.members.get(number)?.opened());
    return number;
  }

  say(number: number, payload: Uint8Array): void {
    this.send(this.mux.say(number, payload));
  }

  finish(number: number): void {
    this.send(this.mux.finish(number));
  }

  /** A call's user is gone. What it said is still heard; then the call ends, if need be by force. */
  leave(number: number, dead: boolean): void {
    if (!this.members.delete(number)) return;
    if (dead && performance.now() - this.heardMs > ALIVE_MS) return this.drop();
    setTimeout(() => this.send(this.mux.cancel(number)), LEAVE_MS);
  }

  private opened(): void {
    this.isOpen = true;
    this.heardMs = performance.now();
    for (const message of this.before.splice(0)) this.socket.send(message);
    for (const member of [...this.members.values()]) member.opened();
  }

  private send(messages: Uint8Array<ArrayBuffer>[]): void {
    if (!this.isOpen) this.before.push(...messages);
    else if (this.socket.readyState === WebSocket.OPEN) for (const message of messages) this.socket.send(message);
  }

  private take(bytes: Uint8Array): void {
    this.heardMs = performance.now();
    try {
      const heard = this.mux.receive(bytes);
      if (heard) this.tell(heard);
    } catch (error) {
      // What cannot be read cannot be trusted.
      this.drop();
      throw error;
    }
  }

  private tell({ number, events, send, over }: Heard): void {
    this.send(send);
    const member = this.members.get(number);
    if (over) this.members.delete(number);
    for (const event of events) {
      if (event.kind === "message") member?.message(event.payload);
      else this.end(number, event.status);
    }
    // Without a status it was cut by the server: the same as if the socket were.
    if (over && this.members.size + this.mux.size === 0) this.rest();
    if (over) member?.lost();
  }

  private end(number: number, status: Ended): void {
    const member = this.members.get(number);
    this.members.delete(number);
    // Of a call whose token alone has expired the cookie is as good as ever.
    if (status.code === UNAUTHENTICATED && status.reason !== "TOKEN_EXPIRED" && current === this) current = undefined;
    member?.ended(status);
  }

  /** Nobody has a call here: the socket goes, if nobody comes. */
  private rest(): void {
    clearTimeout(this.unused);
    this.unused = window.setTimeout(() => this.drop(), current === this ? UNUSED_MS : 0);
  }

  /** The socket is gone, or as good as gone. */
  private drop(): void {
    if (this.gone.signal.aborted) return;
    this.gone.abort();
    clearTimeout(this.unused);
    if (current === this) current = undefined;
    this.socket.close();
    const members = [...this.members.values()];
    this.members.clear();
    for (const member of members) {
      if (this.isOpen) member.lost();
      else member.alone();
    }
  }
}
