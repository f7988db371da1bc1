import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";
import { StatusSchema } from "../gen/google/rpc/status_pb";
import { DATA, frameBytes, FrameReader, ProtocolError, TRAILERS } from "./grpcweb";
import { ClientSocket } from "./socket";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe("frames", () => {
  test("bytes that come one by one give the same frames", () => {
    const bytes = join(frameBytes(DATA, text("abc")), frameBytes(DATA, text("")), frameBytes(TRAILERS, text("x: y\r\n")));
    const reader = new FrameReader(100);
    const frames = [...bytes].flatMap((byte) => reader.feed(Uint8Array.of(byte)));
    expect(frames.map(({ flag, payload }) => [flag, new TextDecoder().decode(payload)])).toEqual([
      [DATA, "abc"],
      [DATA, ""],
      [TRAILERS, "x: y\r\n"],
    ]);
  });
  test("what is too large or unknown is an error", () => {
    expect(() => new FrameReader(2).feed(frameBytes(DATA, text("abc")))).toThrow(ProtocolError);
    expect(() => new FrameReader(9).feed(frameBytes(1, text("abc")))).toThrow(ProtocolError);
  });
});

describe("the socket", () => {
  test("a message goes out behind a byte and comes back as it was", () => {
    const socket = new ClientSocket();
    const sent = socket.message(text("hello"));
    expect(sent[0]).toBe(0);
    expect(socket.receive(sent.subarray(1))).toEqual([{ kind: "message", payload: text("hello") }]);
  });
  test("headers say nothing, trailers end the call with code, words, reason and when to come back", () => {
    const socket = new ClientSocket();
    const info = create(ErrorInfoSchema, { reason: "AUDIENCE_CHANGED", domain: "rushes" });
    const retry = create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 250_000_000 } });
    const status = create(StatusSchema, {
      code: 10,
      details: [
        { typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: toBinary(ErrorInfoSchema, info) },
        { typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value: toBinary(RetryInfoSchema, retry) },
      ],
    });
    const details = btoa(String.fromCharCode(...toBinary(StatusSchema, status))).replace(/=+$/, "");
    const headers = frameBytes(TRAILERS, text("content-type: application/grpc-web+proto\r\n"));
    const end = `grpc-status: 10\r\ngrpc-message: caf%C3%A9\r\ngrpc-status-details-bin: ${details}\r\n`;
    expect(socket.receive(headers)).toEqual([]);
    expect(socket.receive(join(frameBytes(DATA, text("a")), frameBytes(TRAILERS, text(end))))).toEqual([
      { kind: "message", payload: text("a") },
      { kind: "ended", status: { code: 10, message: "café", reason: "AUDIENCE_CHANGED", retryMs: 1250 } },
    ]);
    expect(() => socket.receive(frameBytes(DATA, text("late")))).toThrow(ProtocolError);
  });
  test("trailers that make no sense still end the call", () => {
    const end = "grpc-status: what\r\ngrpc-message: 100%\r\ngrpc-status-details-bin: !!\r\n";
    expect(new ClientSocket().receive(frameBytes(TRAILERS, text(end)))).toEqual([
      { kind: "ended", status: { code: 2, message: "100%", reason: "", retryMs: 0 } },
    ]);
  });
});
