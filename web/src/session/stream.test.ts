import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { frameBytes, TRAILERS } from "./grpcweb";
import { renew } from "./shared_socket";
import { Stream } from "./stream";

/** A WebSocket that does what it is told. */
class Socket extends EventTarget {
  static readonly OPEN = 1;
  static made: Socket[] = [];
  readyState = 0;
  binaryType = "";
  sent: Uint8Array[] = [];
  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    super();
    Socket.made.push(this);
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  open(): void {
    this.readyState = Socket.OPEN;
    this.dispatchEvent(new Event("open"));
  }
  say(...bytes: number[]): void {
    this.dispatchEvent(new MessageEvent("message", { data: Uint8Array.from(bytes).buffer }));
  }
  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }
}

const STATUS = [...frameBytes(TRAILERS, new TextEncoder().encode("grpc-status: 16\r\n"))];

function stream(path: string): { stream: Stream; heard: string[] } {
  const heard: string[] = [];
  const user = {
    opened: () => heard.push("opened"),
    message: (payload: Uint8Array) => heard.push(`message ${[...payload].join()}`),
    ended: ({ code }: { code: number }) => heard.push(`ended ${code}`),
    lost: () => heard.push("lost"),
  };
  return { stream: new Stream(path, user), heard };
}

beforeEach(() => {
  Socket.made = [];
  renew();
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("location", { origin: "http://here" });
  const offline = new EventTarget();
  vi.stubGlobal("addEventListener", offline.addEventListener.bind(offline));
  vi.stubGlobal("dispatchEvent", offline.dispatchEvent.bind(offline));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The one socket there is. */
function only(): Socket {
  const [socket] = Socket.made;
  expect(Socket.made.length).toBe(1);
  if (!socket) throw new Error("no socket");
  return socket;
}

describe("a stream", () => {
  test("shares its socket with all others", async () => {
    const one = stream("/a.B/C");
    const two = stream("/a.B/D");
    const socket = only();
    expect([socket.url, socket.protocol]).toEqual(["ws://here/streams", "rushes-streams"]);
    socket.open();
    const three = stream("/a.B/E");
    await Promise.resolve();
    expect(socket.sent.map((message) => [message[0], message[4]])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
    socket.say(1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 42);
    expect([one.heard, two.heard, three.heard]).toEqual([["opened"], ["opened", "message 42"], ["opened"]]);
    socket.close();
    for (const { heard } of [one, two, three]) expect(heard.at(-1)).toBe("lost");
  });
  test("has a socket of its own where the shared one is refused", () => {
    const { stream: call, heard } = stream("/a.B/C");
    only().close();
    const own = Socket.made[1];
    expect([own?.url, own?.protocol]).toEqual(["ws://here/a.B/C", "grpc-websockets"]);
    own?.open();
    own?.say(0, 0, 0, 0, 1, 42);
    call.send(Uint8Array.of(7));
    expect(own?.sent[1]).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 1, 7));
    own?.close();
    expect(heard).toEqual(["opened", "message 42", "lost"]);
  });
  test("that is closed hears nothing more, and is cancelled if the server does not end it", () => {
    const { stream: call, heard } = stream("/a.B/C");
    const socket = only();
    socket.open();
    call.close();
    socket.say(1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 42);
    expect(heard).toEqual(["opened"]);
    expect(socket.sent.map(([kind]) => kind)).toEqual([0, 2]);
    vi.advanceTimersByTime(6000);
    expect(socket.sent.map(([kind]) => kind)).toEqual([0, 2, 3]);
    socket.say(2, 0, 0, 0, 1);
    vi.advanceTimersByTime(11_000);
    expect(socket.readyState).toBe(3);
  });
  test("that hears nothing takes the socket with it only if nobody else hears anything", () => {
    const one = stream("/a.B/C");
    const two = stream("/a.B/D");
    const socket = only();
    socket.open();
    vi.advanceTimersByTime(7000);
    one.stream.close({ dead: true });
    expect(socket.readyState).toBe(Socket.OPEN);
    vi.advanceTimersByTime(7000);
    two.stream.close({ dead: true });
    expect(socket.readyState).toBe(3);
    expect([one.heard, two.heard]).toEqual([["opened"], ["opened"]]);
  });
  test("that is told to sign in takes another socket the next time, as does one after signing in", () => {
    const { heard } = stream("/a.B/C");
    only().open();
    only().say(1, 0, 0, 0, 1, ...STATUS);
    expect(heard).toEqual(["opened", "ended 16"]);
    stream("/a.B/C");
    renew();
    stream("/a.B/C");
    expect(Socket.made.length).toBe(3);
  });
  test("is lost as soon as the browser is offline", () => {
    const { heard } = stream("/a.B/C");
    only().open();
    dispatchEvent(new Event("offline"));
    expect(heard).toEqual(["opened", "lost"]);
  });
});
