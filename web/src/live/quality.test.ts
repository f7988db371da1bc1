import { describe, expect, test } from "vitest";
import { lookAt, qualityOf } from "./quality";

const pair = (nominated: boolean, trip: number): Record<string, unknown> => ({ type: "candidate-pair", nominated, currentRoundTripTime: trip });
const inbound = (received: number, lost: number, more = {}): Record<string, unknown> => ({ type: "inbound-rtp", packetsReceived: received, packetsLost: lost, ...more });

describe("quality of a call", () => {
  test("all that arrives counts, and the way that is taken", () => {
    const look = lookAt([inbound(90, 10), inbound(10, -1, { totalSamplesReceived: 960, concealedSamples: 48 }), pair(false, 9), pair(true, 0.025), { type: "codec" }]);
    expect(look).toEqual({ received: 100, lost: 9, samples: 960, concealed: 48, tripMs: 25 });
  });

  test("losses are those since the look before", () => {
    const before = lookAt([inbound(100, 50)]);
    expect(qualityOf(before, lookAt([inbound(195, 55), pair(true, 0.001)]))).toEqual({ tripMs: 1, lostPercent: 5, concealedPercent: 0 });
    expect(qualityOf(before, before).lostPercent).toBe(0);
  });

  test("of a new connection everything is new", () => {
    expect(qualityOf(lookAt([inbound(1000, 500)]), lookAt([inbound(9, 1)])).lostPercent).toBe(10);
    expect(qualityOf(undefined, lookAt([])).lostPercent).toBe(0);
  });
});
