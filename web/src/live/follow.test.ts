import { describe, expect, test } from "vitest";
import { differs, momentOf, placeOf, ServerClock, type Playing } from "./follow";

const at: Playing = { playing: true, frame: 100, speed: 1, atMs: 10_000 };

describe("where the presenter is", () => {
  test("a start that lies ahead stands still until then", () => {
    expect(momentOf(at, 9_900, 25, 999)).toEqual({ frame: 100, playing: false, speed: 1 });
    expect(momentOf(at, 10_000, 25, 999)).toEqual({ frame: 100, playing: true, speed: 1 });
  });
  test("the frame follows from the time alone", () => {
    expect(momentOf(at, 12_000, 25, 999).frame).toBe(150);
    expect(momentOf({ ...at, speed: -2 }, 11_000, 25, 999).frame).toBe(50);
    expect(momentOf({ ...at, playing: false }, 99_000, 25, 999)).toEqual({ frame: 100, playing: false, speed: 1 });
  });
  test("while it plays on, the place within the frame is known too", () => {
    expect(placeOf(at, 10_030, 25)).toBeCloseTo(100.75);
    expect(placeOf(at, 9_990, 25)).toBeUndefined();
    expect(placeOf({ ...at, playing: false }, 10_030, 25)).toBeUndefined();
    expect(placeOf({ ...at, loop: { first: 1, last: 9 } }, 10_030, 25)).toBeUndefined();
  });
  test("it ends at the last frame, and goes round in a loop", () => {
    expect(momentOf(at, 60_000, 25, 120)).toEqual({ frame: 120, playing: false, speed: 1 });
    const loop = { ...at, loop: { first: 100, last: 109 } };
    expect(momentOf(loop, 11_000, 25, 999).frame).toBe(105);
    expect(momentOf({ ...loop, frame: 90 }, 10_200, 25, 999).frame).toBe(95);
  });
  test("what goes on as it was told is not told again; a jump is", () => {
    expect(differs(at, { frame: 151, playing: true, speed: 1 }, 12_000, 25, 999)).toBe(false);
    expect(differs(at, { frame: 190, playing: true, speed: 1 }, 12_000, 25, 999)).toBe(true);
    expect(differs(at, { frame: 150, playing: false, speed: 1 }, 12_000, 25, 999)).toBe(true);
    expect(differs(at, { frame: 150, playing: true, speed: 2 }, 12_000, 25, 999)).toBe(true);
    expect(differs(undefined, { frame: 1, playing: false, speed: 1 }, 0, 25, 999)).toBe(true);
    expect(differs({ ...at, playing: false }, { frame: 101, playing: false, speed: 1 }, 12_000, 25, 999)).toBe(true);
    expect(differs(at, { frame: 120, playing: false, speed: 1 }, 60_000, 25, 120)).toBe(false);
  });
  test("the quickest answer tells the server's time best", () => {
    const clock = new ServerClock();
    clock.add(0, 400, 5_300);
    clock.add(1_000, 1_020, 6_010);
    clock.add(2_000, 2_300, 7_290);
    expect(clock.tripMs).toBe(20);
    expect(clock.at(3_000)).toBe(8_000);
  });
});
