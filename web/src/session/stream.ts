/**
 * A call of many messages: one of many on the page's one socket (`rushes-streams`), or on a socket of its own where that is
 * refused. Moves bytes; what is said and what becomes of it, its user decides.
 */
import { shared, type SharedSocket } from "./shared_socket";
import { ClientSocket, SUBPROTOCOL, type Ended } from "./socket";

export interface StreamUser {
  /** There is a way to the server: the first message may go. */
  opened: () => void;
  message: (payload: Uint8Array) => void;
  /** The server has ended the call. */
  ended: (status: Ended) => void;
  /** The way to the server is gone, or was never there; or what came cannot be read. */
  lost: () => void;
}

export class Stream {
  private way: { socket: SharedSocket; number: number } | undefined;
  private own: WebSocket | undefined;
  private codec = new ClientSocket();
  private over = false;
  private readonly gone = new AbortController();

  constructor(
    private readonly path: string,
    private readonly user: StreamUser,
  ) {
    const socket = shared();
    this.way = { socket, number: socket.join(path, this) };
  }

  /** A serialised message; dropped where there is no way to the server. */
  send(payload: Uint8Array): void {
    if (this.over) return;
    if (this.way) this.way.socket.say(this.way.number, payload);
    else if (this.own?.readyState === WebSocket.OPEN) this.own.send(this.codec.message(payload));
  }

  /** Nothing more is said. */
  finish(): void {
    if (this.over) return;
    if (this.way) this.way.socket.finish(this.way.number);
    else if (this.own?.readyState === WebSocket.OPEN) this.own.send(this.codec.finish());
  }

  /** Ends the call; its user hears nothing more. `dead`: for want of a sign of life, so that the socket may be dead too. */
  close({ dead = false } = {}): void {
    if (this.over) return;
    this.finish();
    this.end();
    this.way?.socket.leave(this.way.number, dead);
  }

  private end(): void {
    this.over = true;
    this.gone.abort();
    this.own?.close();
  }

  // -- what the shared socket says -----------------------------------------------------------------------------

  opened(): void {
    if (!this.over) this.user.opened();
  }

  message(payload: Uint8Array): void {
    if (!this.over) this.user.message(payload);
  }

  ended(status: Ended): void {
    if (this.over) return;
    this.end();
    this.user.ended(status);
  }

  lost(): void {
    if (this.over) return;
    this.end();
    this.user.lost();
  }

  /** The shared socket never opened: perhaps something between here and the server does not let it through. */
  alone(): void {
    this.way = undefined;
    if (this.over) return;
    const own = (this.own = new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.path}`, SUBPROTOCOL));
    own.binaryType = "arraybuffer";
    own.addEventListener("open", () => {
      if (this.over) return;
      own.send(this.codec.headers());
      this.opened();
    });
    own.addEventListener("message", ({ data }) => this.take(new Uint8Array(data as ArrayBuffer)));
    own.addEventListener("close", () => this.lost());
    addEventListener("offline", () => this.lost(), { signal: this.gone.signal });
  }

  private take(bytes: Uint8Array): void {
    if (this.over) return;
    try {
      for (const event of this.codec.receive(bytes)) {
        if (event.kind === "ended") this.ended(event.status);
        else this.message(event.payload);
      }
    } catch (error) {
      this.lost();
      throw error;
    }
  }
}
