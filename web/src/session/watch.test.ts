import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reasonOf } from "../app/error";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { StatusSchema } from "../gen/google/rpc/status_pb";
import { ExportService, WatchExportResponseSchema } from "../gen/rushes/media/v1/export_service_pb";
import { frameBytes, TRAILERS } from "./grpcweb";
import { renew } from "./shared_socket";
import { watch } from "./watch";

/** The page's WebSocket, answered by the test. */
class Socket extends EventTarget {
  static readonly OPEN = 1;
  static made: Socket[] = [];
  readyState = 1;
  binaryType = "";
  sent: Uint8Array[] = [];
  constructor() {
    super();
    Socket.made.push(this);
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  /** DATA of a call. */
  say(number: number, frame: Uint8Array): void {
    this.dispatchEvent(new MessageEvent("message", { data: Uint8Array.from([1, 0, 0, 0, number, ...frame]).buffer }));
  }
  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }
}

function answer(exportId: string): Uint8Array {
  return frameBytes(0, toBinary(WatchExportResponseSchema, create(WatchExportResponseSchema, { export: { exportId } })));
}

function end(code: number, reason = ""): Uint8Array {
  const info = toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason }));
  const status = create(StatusSchema, { code, details: [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: info }] });
  const details = btoa(String.fromCharCode(...toBinary(StatusSchema, status)));
  return frameBytes(TRAILERS, new TextEncoder().encode(`grpc-status: ${code}\r\ngrpc-message: Words.\r\ngrpc-status-details-bin: ${details}\r\n`));
}

beforeEach(() => {
  Socket.made = [];
  renew();
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("location", { origin: "http://here" });
  const there = new EventTarget();
  vi.stubGlobal("addEventListener", there.addEventListener.bind(there));
  vi.stubGlobal("dispatchEvent", there.dispatchEvent.bind(there));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What a loop heard, and what its end was. */
function heard(stop = new AbortController()): { ids: string[]; done: Promise<unknown>; stop: AbortController } {
  const ids: string[] = [];
  const run = async (): Promise<void> => {
    for await (const { export: one } of watch(ExportService.method.watchExport, { videoId: 7n, exportId: "a" }, stop.signal)) ids.push(one?.exportId ?? "");
  };
  return { ids, done: run().catch((error: unknown) => error), stop };
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

describe("a question with many answers", () => {
  test("is asked once and heard to its end, however the answers come", async () => {
    const { ids, done } = heard();
    await settle();
    const [socket] = Socket.made;
    expect(socket?.sent.map(([kind]) => kind)).toEqual([0, 1, 2]);
    socket?.say(1, answer("one"));
    socket?.say(1, answer("two"));
    socket?.say(1, end(0));
    expect(await done).toBeUndefined();
    expect(ids).toEqual(["one", "two"]);
  });
  test("is asked again where its way was lost, or the service was away", async () => {
    const { ids, done } = heard();
    await settle();
    Socket.made[0]?.say(1, answer("one"));
    Socket.made[0]?.close();
    await vi.advanceTimersByTimeAsync(1000);
    Socket.made[1]?.say(1, end(Code.Unavailable));
    await vi.advanceTimersByTimeAsync(1000);
    Socket.made[1]?.say(2, answer("two"));
    Socket.made[1]?.say(2, end(0));
    expect(await done).toBeUndefined();
    expect(ids).toEqual(["one", "two"]);
  });
  test("is asked again on the same socket, with a newer token, when that which it came with has expired", async () => {
    const { ids, done } = heard();
    await settle();
    Socket.made[0]?.say(1, answer("one"));
    Socket.made[0]?.say(1, end(Code.Unauthenticated, "TOKEN_EXPIRED"));
    await vi.advanceTimersByTimeAsync(1000);
    Socket.made[0]?.say(2, answer("two"));
    Socket.made[0]?.say(2, end(Code.Unauthenticated, "SESSION_ENDED"));
    expect(reasonOf(await done)).toBe("SESSION_ENDED");
    expect([ids, Socket.made.length]).toEqual([["one", "two"], 1]);
  });
  test("that is refused ends with the service's words and reason", async () => {
    const { done } = heard();
    await settle();
    Socket.made[0]?.say(1, end(Code.NotFound, "NO_SUCH_EXPORT"));
    const error = (await done) as ConnectError;
    expect([error.code, error.rawMessage, reasonOf(error)]).toEqual([Code.NotFound, "Words.", "NO_SUCH_EXPORT"]);
  });
  test("that nobody asks any more is over at once, whether it is open or waits", async () => {
    const open = heard();
    await settle();
    open.stop.abort();
    expect(await open.done).toBeUndefined();
    const waiting = heard();
    await settle();
    Socket.made[0]?.close();
    await settle();
    waiting.stop.abort();
    expect(await waiting.done).toBeUndefined();
  });
  test("does not wait once there is a network again", async () => {
    const { ids, stop, done } = heard();
    await settle();
    Socket.made[0]?.close();
    await settle();
    dispatchEvent(new Event("online"));
    await settle();
    expect(Socket.made.length).toBe(2);
    Socket.made[1]?.say(1, answer("one"));
    await settle();
    expect(ids).toEqual(["one"]);
    stop.abort();
    await done;
  });
});
