import { afterEach, describe, expect, test, vi } from "vitest";
import { Call, type Devices, type Sending } from "./call";

interface FakeTrack {
  stop: ReturnType<typeof vi.fn>;
  track: MediaStreamTrack;
}

function trackOf(): FakeTrack {
  const stop = vi.fn();
  return { stop, track: { stop } as unknown as MediaStreamTrack };
}

/** A call whose helping servers are known when it is said. */
function callWith(sending?: Sending): { call: Call; know: () => void; told: Devices[] } {
  let know = (): void => undefined;
  const servers = new Promise<RTCIceServer[]>((resolve) => (know = () => resolve([])));
  const told: Devices[] = [];
  const nothing = (): void => undefined;
  const options = { sending, servers: () => servers, ask: () => Promise.resolve(true), devices: (now: Devices) => told.push(now), failed: nothing, doubted: nothing };
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
