/** What goes with what, and what stands in the address. */
import { describe, expect, test } from "vitest";
import { FrameClock, timesOf } from "../player/clock";
import { comparing, comparisonOf, textOf } from "./comparison";
import { together } from "./pair";
import { pace, Pairing } from "./pairing";
import type { Reel } from "./reel";

const PAL = { num: 25, den: 1 };
const FILM = { num: 24_000, den: 1001 };

describe("a comparison in the address", () => {
  test("it is read back as it was written", () => {
    const all = { cut: 12, mode: "overlay", offset: -7, wipe: 0.125, opacity: 0.75, sound: "b" } as const;
    expect(textOf(all)).toBe("v12,overlay,o-7,w0.125,a0.75,sb");
    expect(comparisonOf(textOf(all))).toEqual(all);
  });
  test("what is as at first is not written", () => {
    expect(textOf(comparing(3, "side"))).toBe("v3,side");
    expect(comparisonOf("v3,side")).toEqual(comparing(3, "side"));
  });
  test("what is of no kind is as at first, and what names no cut is none", () => {
    expect(comparisonOf("v3,upside,o1.5,w7,a-1,sx,zz")).toEqual(comparing(3));
    for (const bad of ["", "v0,wipe", "3,wipe", "s7", "r1", "v,", "vv1", "v1234567890"]) expect(comparisonOf(bad)).toBeUndefined();
  });
});

describe("the frame of B beside one of A", () => {
  test("of one rate it is the same number, moved by the offset", () => {
    const pairing = new Pairing(new FrameClock(250, FILM), new FrameClock(240, FILM), -5);
    expect([4, 5, 100, 244, 245].map((frame) => pairing.frame(frame))).toEqual([undefined, 0, 95, 239, undefined]);
  });
  test("of another rate it is what is shown at the same time", () => {
    const pairing = new Pairing(new FrameClock(250, PAL), new FrameClock(500, { num: 50, den: 1 }), 0);
    expect([0, 1, 10, 249].map((frame) => pairing.frame(frame))).toEqual([0, 2, 20, 498]);
    const back = new Pairing(new FrameClock(500, { num: 50, den: 1 }), new FrameClock(250, PAL), 3);
    expect([0, 1, 2, 20].map((frame) => back.frame(frame))).toEqual([3, 3, 4, 13]);
  });
  test("of 24 beside 25 a second has all 24 frames, in order", () => {
    const pairing = new Pairing(new FrameClock(250, PAL), new FrameClock(240, { num: 24, den: 1 }), 0);
    const frames = Array.from({ length: 25 }, (_, frame) => pairing.frame(frame) as number);
    expect(new Set(frames).size).toBe(24);
    expect([...frames].sort((one, other) => one - other)).toEqual(frames);
    expect(pairing.frame(25)).toBe(24);
  });
  test("where its frames last unevenly their own times count", () => {
    const uneven = new FrameClock(4, PAL, timesOf([0, 100, 40, 40], { num: 1, den: 1000 }));
    const pairing = new Pairing(new FrameClock(10, PAL), uneven, 0);
    expect([0, 1, 2, 3, 4].map((frame) => pairing.frame(frame))).toEqual([0, 0, 1, 2, 3]);
    expect(pairing.frame(5)).toBeUndefined();
  });
  test("where the file's first frame comes late, the first goes with the first", () => {
    const late = new FrameClock(3, PAL, timesOf([1400, 40, 40], { num: 1, den: 1000 }));
    expect(new Pairing(new FrameClock(3, PAL), late, 0).frame(1)).toBe(1);
    expect(new Pairing(new FrameClock(3, PAL), late, 0).time(0.04)).toBeCloseTo(1.44);
  });
  test("a place within a frame goes with one within a frame, at each its own rate", () => {
    const even = new Pairing(new FrameClock(250, FILM), new FrameClock(240, FILM), -5);
    expect([4.9, 5.25, 244.75, 245].map((place) => even.place(place))).toEqual([undefined, 0.25, 239.75, undefined]);
    const faster = new Pairing(new FrameClock(250, PAL), new FrameClock(500, { num: 50, den: 1 }), -2);
    expect(faster.place(0.5)).toBeUndefined();
    for (const [place, beside] of [[1, 0], [10, 18], [10.25, 18.5], [250.75, 499.5]] as const) expect(faster.place(place)).toBeCloseTo(beside, 6);
    expect(faster.place(252)).toBeUndefined();
  });
  test("a picture that stands still goes with every frame", () => {
    expect(new Pairing(new FrameClock(100, PAL), new FrameClock(1, PAL), 9).frame(50)).toBe(0);
  });
});

describe("keeping in step", () => {
  test("who is ahead is slowed, who is behind is hurried, by no more than can be borne", () => {
    expect(pace(1, 0.002)).toBe(1);
    expect(pace(1, 0.01)).toBeCloseTo(0.96);
    expect(pace(2, -0.01)).toBeCloseTo(2.08);
    expect(pace(1, 0.2)).toBeCloseTo(0.88);
    expect(pace(1, 0.5)).toBeUndefined();
  });
});

/** A screen that showed these frames, the newest first. */
function reelOf(...frames: number[]): Reel {
  return { held: frames.map((frame) => ({ frame })), find: (wanted: number) => frames.flatMap((frame) => (frame === wanted ? [{ frame }] : []))[0] } as unknown as Reel;
}

describe("what is painted together", () => {
  const pairing = new Pairing(new FrameClock(100, PAL), new FrameClock(100, PAL), -2);
  const found = (a: Reel, b: Reel): unknown => {
    const both = together(a, b, pairing);
    return both && [both.a?.frame, both.b?.frame];
  };
  test("the newest frames that belong to each other, though one side is ahead", () => {
    expect(found(reelOf(10, 9, 8), reelOf(8, 7))).toEqual([10, 8]);
    expect(found(reelOf(11, 10, 9), reelOf(8, 7))).toEqual([10, 8]);
    expect(found(reelOf(9, 8), reelOf(9, 8, 7))).toEqual([9, 7]);
  });
  test("nothing, while none do", () => {
    expect(found(reelOf(50, 10), reelOf(20, 19))).toBeUndefined();
  });
  test("the one alone where the other has no frame", () => {
    expect(found(reelOf(1), reelOf(5))).toEqual([1, undefined]);
  });
});
