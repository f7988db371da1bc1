import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Track } from "../gen/rushes/signaling/v1/room_service_pb";
import { Call, REFUSALS, REFUSED_MS } from "./call";
import type { What } from "./outbox";
import { layerFor, priorityOf, type View } from "./view";

describe("the layer of a picture", () => {
  test("is the smallest that is not stretched much at the size of its tile", () => {
    expect([90, 225, 226, 450, 451, 1080].map(layerFor)).toEqual(["l", "l", "m", "m", "h", "h"]);
  });

  test("larger pictures are worth more, and of equals that of who speaks", () => {
    expect(priorityOf("h", false)).toBeGreaterThan(priorityOf("m", true));
    expect(priorityOf("m", false)).toBeGreaterThan(priorityOf("l", true));
    expect(priorityOf("l", true)).toBeGreaterThan(priorityOf("l", false));
  });
});

interface Asked {
  mid: string;
  trackId: string;
  layer: string;
  priority: number;
}

/** A call with all its slots, and what it asked for since that was last looked at. */
function begun(done = (): boolean => true): { call: Call; asked: () => Asked[]; requests: What[] } {
  const requests: What[] = [];
  const ask = (what: What): Promise<string | undefined> => {
    requests.push(what);
    return Promise.resolve(done() ? "" : undefined);
  };
  const call = new Call({ ask, devices: () => undefined, failed: () => undefined, doubted: () => undefined, servers: () => Promise.resolve([]), sending: undefined });
  call.slots.value = new Map([["v0", {} as MediaStreamTrack]]);
  const asked = (): Asked[] => requests.splice(0).flatMap((each) => (each.case === "show" ? ((each.value as { shows: Asked[] }).shows) : []));
  return { call, asked, requests };
}

const camera = (who: string): Track => ({ trackId: `${who}.1`, participantId: who, audio: false, level: 0, layers: ["h", "m", "l"] }) as unknown as Track;
const view = (who: string, lines: number, speaks = false): View => ({ who, lines, speaks });

describe("what a page asks to be shown", () => {
  test("small tiles get the smallest layer, large ones the largest, those out of sight none", () => {
    const { call, asked } = begun();
    call.show([camera("ada"), camera("bob"), camera("eve")], [view("ada", 700), view("bob", 90), view("eve", 0)]);
    expect(asked()).toEqual([
      { mid: "v0", trackId: "ada.1", layer: "h", priority: 8 },
      { mid: "v1", trackId: "bob.1", layer: "l", priority: 2 },
    ]);
  });

  test("a tile that grows asks for more without another slot, and nothing is asked twice", () => {
    const { call, asked } = begun();
    const tracks = [camera("ada"), camera("bob")];
    call.show(tracks, [view("ada", 90), view("bob", 90)]);
    asked();
    const shown = call.shown.value;
    call.show(tracks, [view("bob", 700), view("ada", 95)]);
    expect(asked()).toEqual([{ mid: "v1", trackId: "bob.1", layer: "h", priority: 8 }]);
    expect(call.shown.value).toBe(shown);
    call.show(tracks, [view("bob", 720), view("ada", 90)]);
    expect(asked()).toEqual([]);
  });

  test("a tile that goes out of sight gives its slot up, and has one again when it comes back", () => {
    const { call, asked } = begun();
    call.show([camera("ada")], [view("ada", 300)]);
    asked();
    call.show([camera("ada")], [view("ada", 0)]);
    expect(asked()).toEqual([{ mid: "v0", trackId: "", layer: "h", priority: 5 }]);
    expect(call.shown.value.size).toBe(0);
    call.show([camera("ada")], [view("ada", 300)]);
    expect(asked()).toEqual([{ mid: "v0", trackId: "ada.1", layer: "m", priority: 5 }]);
  });

  test("what was refused is asked for once more, and nothing else", async () => {
    let done = true;
    const { call, asked } = begun(() => done);
    const tracks = [camera("ada"), camera("bob")];
    call.show(tracks, [view("ada", 90)]);
    done = false;
    call.show(tracks, [view("ada", 90), view("bob", 90)]);
    await Promise.resolve();
    asked();
    done = true;
    call.show(tracks, [view("ada", 90), view("bob", 90)]);
    expect(asked()).toEqual([{ mid: "v1", trackId: "bob.1", layer: "l", priority: 2 }]);
    await Promise.resolve();
    call.show(tracks, [view("ada", 90), view("bob", 90)]);
    expect(asked()).toEqual([]);
  });
});

describe("a connection that is refused", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test("is asked for again after a while, until it is had, so many times in a row", async () => {
    let done = false;
    const { call, requests } = begun(() => done);
    call.begin();
    await vi.advanceTimersByTimeAsync(REFUSED_MS);
    expect(requests.map((each) => each.case)).toEqual(["subscribe", "subscribe"]);
    done = true;
    await vi.advanceTimersByTimeAsync(9 * REFUSED_MS);
    expect(requests.splice(0)).toHaveLength(3);
    done = false;
    call.begin();
    await vi.advanceTimersByTimeAsync(99 * REFUSED_MS);
    expect(requests).toHaveLength(1 + REFUSALS);
  });

  test("is not asked for any more when the call is over", async () => {
    const { call, requests } = begun(() => false);
    call.begin();
    await vi.advanceTimersByTimeAsync(0);
    call.close();
    await vi.advanceTimersByTimeAsync(9 * REFUSED_MS);
    expect(requests).toHaveLength(1);
  });
});
