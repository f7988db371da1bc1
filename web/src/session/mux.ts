/**
 * The client's side of `rushes-streams`: many calls on one WebSocket, each with room of its own. Sans-IO; `docs/gateway.md` has
 * the messages. A number is free again once the server has said END.
 */
import { DATA as FRAME, frameBytes, ProtocolError } from "./grpcweb";
import { CallReader, type SocketEvent } from "./socket";

export const SUBPROTOCOL = "rushes-streams";
export const PATH = "/streams";
const OPEN = 0;
const DATA = 1;
const END = 2;
const CANCEL = 3;
const ROOM = 4;
const HEAD_BYTES = 5;
const FIRST_ROOM = 256 * 1024;
/** Room is given back in pieces of so much: each is a message. */
const GIVEN_BYTES = 64 * 1024;
const HEADERS = "content-type: application/grpc-web+proto\r\n";

type Message = Uint8Array<ArrayBuffer>;

interface Call {
  reader: CallReader;
  /** Bytes that the server takes. */
  room: number;
  /** Bytes that were taken and not given back. */
  owed: number;
  /** Frames that the server has no room for yet. */
  waiting: Uint8Array[];
  /** Nothing more is said; END follows what waits. */
  finishing: boolean;
  finished: boolean;
  /** Nothing that comes counts any more. */
  cancelled: boolean;
}

/** What came: events of one call; `send` goes out in answer. `over`: the call is, whether an event said so or not. */
export interface Heard {
  number: number;
  events: SocketEvent[];
  send: Message[];
  over: boolean;
}

export class ClientMux {
  private readonly calls = new Map<number, Call>();
  private last = 0;

  /** Calls in use. */
  get size(): number {
    return this.calls.size;
  }

  /** Begins a call; gives its number and what to send. */
  open(path: string): { number: number; send: Message[] } {
    const number = (this.last = (this.last % 0xffffffff) + 1);
    this.calls.set(number, {
      reader: new CallReader(),
      room: FIRST_ROOM,
      owed: 0,
      waiting: [],
      finishing: false,
      finished: false,
      cancelled: false,
    });
    return { number, send: [message(OPEN, number, new TextEncoder().encode(`${path}\r\n${HEADERS}`))] };
  }

  /** A message of a call; gives what may go now. */
  say(number: number, payload: Uint8Array): Message[] {
    const call = this.calls.get(number);
    if (!call || call.finishing || call.cancelled) return [];
    call.waiting.push(frameBytes(FRAME, payload));
    return ready(number, call);
  }

  /** Nothing more is said in a call. */
  finish(number: number): Message[] {
    const call = this.calls.get(number);
    if (!call || call.finishing || call.cancelled) return [];
    call.finishing = true;
    return ready(number, call);
  }

  /** A call is not wanted any more: nothing of it is heard from now on. */
  cancel(number: number): Message[] {
    const call = this.calls.get(number);
    if (!call || call.cancelled) return [];
    call.cancelled = true;
    call.waiting = [];
    return [message(CANCEL, number)];
  }

  /** Takes a message of the server; undefined: it is of no call. Throws ProtocolError. */
  receive(bytes: Uint8Array): Heard | undefined {
    if (bytes.length < HEAD_BYTES) throw new ProtocolError("a message is too short");
    const kind = bytes[0];
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    const rest = bytes.subarray(HEAD_BYTES);
    const call = this.calls.get(number);
    if (!call) return undefined;
    const heard: Heard = { number, events: [], send: [], over: false };
    if (kind === DATA) {
      if (!call.cancelled) heard.events = call.reader.receive(rest);
      heard.send = owe(number, call, rest.length);
    } else if (kind === END) {
      this.calls.delete(number);
      heard.over = true;
    } else if (kind === ROOM && rest.length === 4) {
      call.room += new DataView(rest.buffer, rest.byteOffset).getUint32(0);
      heard.send = ready(number, call);
    } else {
      throw new ProtocolError(`a message of the kind ${kind}`);
    }
    return heard;
  }
}

function message(kind: number, number: number, rest: Uint8Array = new Uint8Array(0)): Message {
  const bytes = new Uint8Array(HEAD_BYTES + rest.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, number);
  bytes.set(rest, HEAD_BYTES);
  return bytes;
}

/** What the server has room for; a frame may go in pieces. */
function ready(number: number, call: Call): Message[] {
  if (call.cancelled) return [];
  const out: Message[] = [];
  while (call.room > 0) {
    const frame = call.waiting.shift();
    if (!frame) break;
    const piece = frame.subarray(0, call.room);
    call.room -= piece.length;
    out.push(message(DATA, number, piece));
    if (piece.length < frame.length) call.waiting.unshift(frame.subarray(piece.length));
  }
  if (call.finishing && !call.finished && call.waiting.length === 0) {
    call.finished = true;
    out.push(message(END, number));
  }
  return out;
}

function owe(number: number, call: Call, bytes: number): Message[] {
  call.owed += bytes;
  if (call.owed < GIVEN_BYTES) return [];
  const room = new Uint8Array(4);
  new DataView(room.buffer).setUint32(0, call.owed);
  call.owed = 0;
  return [message(ROOM, number, room)];
}
