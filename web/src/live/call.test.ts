import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BLOCKED_MS, Call, type Devices, type Sending } from "./call";
import type { What } from "./outbox";

interface FakeTrack {
  stop: ReturnType<typeof vi.fn>;
  track: MediaStreamTrack;
}

function trackOf(): FakeTrack {
  const stop = vi.fn();
  return { stop, track: { stop, addEventListener: () => undefined } as unknown as MediaStreamTrack };
}

/** A connection that is only written down; its offers are numbered. */
class Connection {
  static all: Connection[] = [];
  readonly number = Connection.all.push(this);
  readonly senders: { track: MediaStreamTrack | null; replaceTrack: (track: MediaStreamTrack | null) => Promise<void> }[] = [];
  localDescription: { sdp: string } | undefined;
  remote = "";
  closed = false;
  connectionState = "new";
  private changed = (): void => undefined;

  addEventListener(what: string, run: () => void): void {
    if (what === "connectionstatechange") this.changed = run;
  }

  becomes(state: string): void {
    this.connectionState = state;
    this.changed();
  }

  addTransceiver(what: MediaStreamTrack | string): object {
    const sender = {
      track: typeof what === "string" ? null : what,
      replaceTrack: async (track: MediaStreamTrack | null) => {
        await Promise.resolve();
        sender.track = track;
      },
    };
    this.senders.push(sender);
    return { sender };
  }

  async createOffer(): Promise<{ sdp: string }> {
    await Promise.resolve();
    if (this.closed) throw new Error("closed");
    return { sdp: `offer ${this.number}` };
  }

  setLocalDescription(told: { sdp: string }): Promise<void> {
    this.localDescription = told;
    return Promise.resolve();
  }

  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    this.remote = sdp;
    return Promise.resolve();
  }

  createAnswer(): Promise<{ sdp: string }> {
    return Promise.resolve({ sdp: `answer ${this.number}` });
  }

  close(): void {
    this.closed = true;
  }

  /** What is sent, of sound and of pictures. */
  get sent(): (MediaStreamTrack | null)[] {
    return this.senders.map(({ track }) => track);
  }
}

/** A browser with these devices, whose connections are only written down. */
function browserWith(tracks: { microphone?: FakeTrack; camera?: FakeTrack; screen?: FakeTrack }): void {
  Connection.all = [];
  const of = (fake: FakeTrack | undefined): object => ({ getAudioTracks: () => [fake?.track], getVideoTracks: () => [fake?.track] });
  vi.stubGlobal("RTCPeerConnection", Connection);
  vi.stubGlobal("RTCRtpSender", { getCapabilities: () => undefined });
  vi.stubGlobal("navigator", {
    mediaDevices: {
      getUserMedia: ({ audio }: MediaStreamConstraints) => Promise.resolve(of(audio ? tracks.microphone : tracks.camera)),
      getDisplayMedia: () => Promise.resolve(of(tracks.screen)),
    },
  });
}

/** A call of a room that answers when it is said, in any order. */
function callOf(): { call: Call; answer: (offer: string) => Promise<void>; told: Devices[]; failures: unknown[] } {
  const waiting = new Map<string, (answer: string) => void>();
  const [told, failures] = [[] as Devices[], [] as unknown[]];
  const ask = (what: What): Promise<string | undefined> =>
    new Promise((resolve) => what.case === "publish" && waiting.set((what.value as { offer: string }).offer, resolve));
  const call = new Call({ sending: undefined, servers: () => Promise.resolve([]), ask, devices: (now) => told.push(now), failed: (error) => failures.push(error), doubted: () => undefined });
  const answer = async (offer: string): Promise<void> => {
    waiting.get(offer)?.(`answer to ${offer}`);
    await vi.waitFor(() => undefined);
  };
  return { call, answer, told, failures };
}

/** A call whose helping servers are known when it is said. */
function callWith(sending?: Sending): { call: Call; know: () => void; told: Devices[] } {
  let know = (): void => undefined;
  const servers = new Promise<RTCIceServer[]>((resolve) => (know = () => resolve([])));
  const told: Devices[] = [];
  const nothing = (): void => undefined;
  const options = { sending, servers: () => servers, ask: () => Promise.resolve(""), devices: (now: Devices) => told.push(now), failed: nothing, doubted: nothing };
  return { call: new Call(options), know: () => know(), told };
}

afterEach(() => vi.unstubAllGlobals());

describe("a call that ends while it begins to publish", () => {
  test("what was handed over to the call of another room goes on", async () => {
    const { stop, track } = trackOf();
    const { call, know } = callWith({ audio: track, devices: { microphone: true, camera: false, screen: false } });
    const publishing = call.again();
    expect(call.handOver().audio).toBe(track);
    call.close();
    know();
    await publishing;
    expect(stop).not.toHaveBeenCalled();
  });

  test("a microphone that was just being turned on is off, and nobody is told that it is on", async () => {
    const { stop, track } = trackOf();
    const stream = { getAudioTracks: () => [track] };
    vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => Promise.resolve(stream) } });
    const { call, know, told } = callWith();
    const turning = call.microphone(true);
    expect(call.handOver()).toEqual({ devices: { microphone: false, camera: false, screen: false } });
    call.close();
    know();
    await turning;
    expect(stop).toHaveBeenCalledTimes(1);
    expect(told).toEqual([]);
  });
});

describe("a way for sound and pictures", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    browserWith({});
  });
  afterEach(() => vi.useRealTimers());

  test("that is not found for a while is said to be blocked until there is one", async () => {
    const ask = (what: What): Promise<string | undefined> => Promise.resolve(what.case === "subscribe" ? "slots" : "");
    const nothing = (): void => undefined;
    const call = new Call({ sending: undefined, servers: () => Promise.resolve([]), ask, devices: nothing, failed: nothing, doubted: nothing });
    call.begin();
    await vi.advanceTimersByTimeAsync(BLOCKED_MS / 2);
    Connection.all[0]?.becomes("failed");
    await vi.advanceTimersByTimeAsync(BLOCKED_MS / 4);
    expect(Connection.all).toHaveLength(2);
    expect(call.blocked.value).toBe(false);
    await vi.advanceTimersByTimeAsync(BLOCKED_MS / 2);
    expect(call.blocked.value).toBe(true);
    Connection.all[1]?.becomes("connected");
    expect(call.blocked.value).toBe(false);
    call.close();
  });
});

describe("slots", () => {
  beforeEach(() => {
    vi.stubGlobal("window", globalThis);
    browserWith({});
  });

  /** A call, and what it asks for, which is answered when it is said. */
  function asking(): { call: Call; asked: string[]; answer: (description?: string) => Promise<void> } {
    const asked: string[] = [];
    const waiting: ((description: string | undefined) => void)[] = [];
    const ask = (what: What): Promise<string | undefined> => {
      asked.push(what.case === "slotsAnswer" ? what.value : (what.case ?? ""));
      return new Promise((resolve) => waiting.push(resolve));
    };
    const nothing = (): void => undefined;
    const call = new Call({ sending: undefined, servers: () => Promise.resolve([]), ask, devices: nothing, failed: nothing, doubted: nothing });
    const all = (): Promise<void> => new Promise((done) => setTimeout(done));
    const answer = async (description = ""): Promise<void> => {
      await all();
      waiting.shift()?.(description);
      await all();
    };
    return { call, asked, answer };
  }

  test("one offer is answered before another is asked for, however often that is wanted meanwhile", async () => {
    const { call, asked, answer } = asking();
    call.begin();
    await Promise.resolve();
    call.begin();
    call.begin();
    await answer("slots");
    expect(asked).toEqual(["subscribe", "answer 1"]);
    await answer();
    expect(asked).toEqual(["subscribe", "answer 1", "subscribe"]);
    await answer("slots");
    await answer();
    expect(asked).toEqual(["subscribe", "answer 1", "subscribe", "answer 2"]);
    call.close();
  });

  test("those that the forwarder lost are asked for again, but not while they are just made anew", async () => {
    const { call, asked, answer } = asking();
    call.begin();
    await answer("slots");
    await answer();
    call.lost("show");
    expect(asked).toEqual(["subscribe", "answer 1"]);
    Connection.all[0]?.becomes("connected");
    call.lost("show");
    call.lost("show");
    await answer("slots");
    call.lost("show");
    await answer();
    expect(asked).toEqual(["subscribe", "answer 1", "subscribe", "answer 2"]);
    call.close();
  });
});

describe("what is sent", () => {
  test("microphone and camera that are turned on at once are both published, and said to be on", async () => {
    const [microphone, camera] = [trackOf(), trackOf()];
    browserWith({ microphone, camera });
    const { call, told, failures } = callOf();
    await Promise.all([call.microphone(true), call.camera(true)]);
    expect(Connection.all.filter((each) => !each.closed).map((each) => each.sent)).toEqual([[microphone.track, camera.track]]);
    expect(told.at(-1)).toEqual({ microphone: true, camera: true, screen: false });
    expect(failures).toEqual([]);
  });

  test("what is turned on before one is in is published once", async () => {
    const camera = trackOf();
    browserWith({ camera });
    const { call } = callOf();
    await Promise.all([call.camera(true), call.join()]);
    expect(Connection.all).toHaveLength(1);
    await call.again();
    expect(Connection.all.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test("an answer that comes late is not taken for that of the next offer", async () => {
    const camera = trackOf();
    browserWith({ camera });
    const { call, answer } = callOf();
    await call.camera(true);
    await call.again();
    await answer("offer 1");
    await answer("offer 2");
    expect(Connection.all.map(({ closed, remote }) => [closed, remote])).toEqual([[true, ""], [false, "answer to offer 2"]]);
  });

  test("a camera that just gives way to the screen does not go along into another room, nor does the screen", async () => {
    const [camera, screen] = [trackOf(), trackOf()];
    browserWith({ camera, screen });
    const { call, told } = callOf();
    await call.camera(true);
    let along: Sending | undefined;
    camera.stop.mockImplementation(() => queueMicrotask(() => {
      along ??= call.handOver();
      call.close();
    }));
    await call.screen(true);
    expect(along).toEqual({ devices: { microphone: false, camera: false, screen: false } });
    expect(screen.stop).toHaveBeenCalled();
    expect(told.at(-1)?.screen).toBe(false);
  });
});
