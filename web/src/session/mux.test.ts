import { describe, expect, test } from "vitest";
import { DATA as FRAME, frameBytes, ProtocolError, TRAILERS } from "./grpcweb";
import { ClientMux } from "./mux";

const OPEN = 0;
const DATA = 1;
const END = 2;
const CANCEL = 3;
const ROOM = 4;
const FIRST_ROOM = 256 * 1024;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const bytes = (...parts: (Uint8Array | number[])[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const said = (kind: number, number: number, rest: Uint8Array = new Uint8Array(0)): Uint8Array =>
  bytes([kind, 0, 0, 0, number], rest);
const kinds = (messages: readonly Uint8Array[]): (number | undefined)[] => messages.map((message) => message[0]);
const size = (messages: readonly Uint8Array[]): number => messages.reduce((sum, message) => sum + message.length - 5, 0);
const room = (count: number): Uint8Array => Uint8Array.of(count >>> 24, count >>> 16, count >>> 8, count);
const trailers = (status: number): Uint8Array => frameBytes(TRAILERS, text(`grpc-status: ${status}\r\n`));

describe("many calls on a socket", () => {
  test("a call opens with its path, says what it has to say, and hears what is meant for it", () => {
    const mux = new ClientMux();
    const { number, send } = mux.open("/a.B/C");
    expect([number, kinds(send)]).toEqual([1, [OPEN]]);
    expect(new TextDecoder().decode(send[0]?.subarray(5))).toBe("/a.B/C\r\ncontent-type: application/grpc-web+proto\r\n");
    expect(mux.say(number, text("hello"))).toEqual([said(DATA, 1, frameBytes(FRAME, text("hello")))]);
    expect(mux.finish(number)).toEqual([said(END, 1)]);
    const heard = mux.receive(said(DATA, 1, bytes(frameBytes(FRAME, text("olleh")), trailers(0))));
    expect(heard?.events.map(({ kind }) => kind)).toEqual(["message", "ended"]);
    expect(mux.receive(said(END, 1))).toEqual({ number: 1, events: [], send: [], over: true });
    expect(mux.size).toBe(0);
    expect(mux.receive(said(DATA, 1, trailers(0)))).toBeUndefined();
  });
  test("what the server has no room for waits, then goes on where it stopped, and the end comes after it, once", () => {
    const mux = new ClientMux();
    const { number } = mux.open("/a.B/C");
    const long = new Uint8Array(FIRST_ROOM + 1000);
    expect(size(mux.say(number, long))).toBe(FIRST_ROOM);
    expect(mux.finish(number)).toEqual([]);
    const first = mux.receive(said(ROOM, 1, room(500)));
    expect([kinds(first?.send ?? []), size(first?.send ?? [])]).toEqual([[DATA], 500]);
    const rest = mux.receive(said(ROOM, 1, room(FIRST_ROOM)));
    expect([kinds(rest?.send ?? []), size(rest?.send ?? [])]).toEqual([[DATA, END], 505]);
    expect(mux.receive(said(ROOM, 1, room(9)))?.send).toEqual([]);
  });
  test("room is given back for all that came", () => {
    const mux = new ClientMux();
    mux.open("/a.B/C");
    const frame = frameBytes(FRAME, new Uint8Array(48 * 1024 - 5));
    let given = 0;
    for (let count = 0; count < 4; count++) {
      for (const message of mux.receive(said(DATA, 1, frame))?.send ?? []) {
        expect(message[0]).toBe(ROOM);
        given += new DataView(message.buffer).getUint32(5);
      }
    }
    expect(given).toBe(4 * frame.length);
  });
  test("of a call that is cancelled nothing is heard, but its number is in use until the server has said so", () => {
    const mux = new ClientMux();
    const { number } = mux.open("/a.B/C");
    expect(mux.cancel(number)).toEqual([said(CANCEL, 1)]);
    expect(mux.say(number, text("x"))).toEqual([]);
    expect(mux.receive(said(DATA, 1, bytes([9, 9, 9])))?.events).toEqual([]);
    expect(mux.open("/a.B/C").number).toBe(2);
    expect(mux.receive(said(END, 1))?.over).toBe(true);
    expect(mux.size).toBe(1);
  });
  test("what is no message of a server is an error", () => {
    const mux = new ClientMux();
    mux.open("/a.B/C");
    for (const wrong of [bytes([1, 0]), said(OPEN, 1), said(ROOM, 1, text("x"))]) {
      expect(() => mux.receive(wrong)).toThrow(ProtocolError);
    }
  });
});
