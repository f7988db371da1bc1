import { describe, expect, test } from "vitest";
import { SeekQueue } from "./seek";
import { adrift, paceOf, playFrom, playRange, setPoint, shuttle, nextLoop, settled, turn } from "./shuttle";

describe("being together", () => {
  test("who is ahead plays a little slower, who is behind a little quicker, and who is there as all do", () => {
    expect(paceOf(0.02, 1)).toBeCloseTo(0.97);
    expect(paceOf(-0.02, 2)).toBeCloseTo(2.06);
    expect(paceOf(0.3, 1)).toBeCloseTo(0.9);
    expect(paceOf(-5, 1)).toBeCloseTo(1.1);
    expect(paceOf(0.005, 1)).toBe(1);
  });
});

describe("the shuttle", () => {
  test("L plays, again is faster, to a limit", () => {
    let speed = shuttle(false, 1, 1);
    const seen = [speed];
    for (let press = 0; press < 4; press++) seen.push((speed = shuttle(true, speed, 1)));
    expect(seen).toEqual([1, 2, 4, 8, 8]);
  });
  test("J turns round at normal speed", () => {
    expect(shuttle(true, 4, -1)).toBe(-1);
    expect(shuttle(true, -1, -1)).toBe(-2);
  });
  test("from a slow speed L goes on at the next faster one", () => expect(shuttle(true, 0.5, 1)).toBe(1));
});

describe("in and out", () => {
  test("setting one on the wrong side of the other drops the other", () => {
    expect(setPoint({ out: 10 }, "in", 20)).toEqual({ in: 20 });
    expect(setPoint({ in: 10 }, "out", 5)).toEqual({ out: 5 });
    expect(setPoint({ in: 10 }, "out", 20)).toEqual({ in: 10, out: 20 });
  });
  test("playback stays between them, or between first and last frame", () => {
    expect(playRange(undefined, undefined, 99)).toEqual({ from: 0, to: 99 });
    expect(playRange(10, undefined, 99)).toEqual({ from: 10, to: 99 });
  });
  test("at the end it begins again at the start", () => {
    const range = { from: 10, to: 20 };
    expect(playFrom(20, range, 1)).toBe(10);
    expect(playFrom(15, range, 1)).toBe(15);
    expect(playFrom(10, range, -1)).toBe(20);
  });
});

describe("the queue of seeks", () => {
  test("one seek at a time, then the latest that was asked for", () => {
    const queue = new SeekQueue();
    expect(queue.ask(1)).toBe(1);
    expect(queue.ask(2)).toBeUndefined();
    expect(queue.ask(3)).toBeUndefined();
    expect(queue.target).toBe(3);
    expect(queue.done()).toBe(3);
    expect(queue.done()).toBeUndefined();
    expect(queue.busy).toBe(false);
  });
  test("the frame that is being gone to need not be gone to again", () => {
    const queue = new SeekQueue();
    queue.ask(1);
    queue.ask(2);
    queue.ask(1);
    expect(queue.done()).toBeUndefined();
  });
});

test("a follower seeks when it is off by much, or stands on another frame", () => {
  expect(adrift(100, 103, true, 24)).toBe(false);
  expect(adrift(100, 120, true, 24)).toBe(true);
  expect(adrift(100, 101, false, 24)).toBe(true);
});

describe("the end of the range", () => {
  const range = { from: 10, to: 20 };
  test("loops are gone through in turn", () => {
    expect(nextLoop("once")).toBe("loop");
    expect(nextLoop("loop")).toBe("pingPong");
    expect(nextLoop("pingPong")).toBe("once");
  });
  test("once stops, a loop begins again, ping-pong turns round", () => {
    expect(turn("once", range, 1)).toBeUndefined();
    expect(turn("loop", range, 2)).toEqual({ frame: 10, speed: 2 });
    expect(turn("loop", range, -1)).toEqual({ frame: 20, speed: -1 });
    expect(turn("pingPong", range, 0.5)).toEqual({ frame: 20, speed: -0.5 });
    expect(turn("pingPong", range, -0.5)).toEqual({ frame: 10, speed: 0.5 });
  });
  test("a chosen speed outlives a stop, that of shuttling does not", () => {
    expect([settled(0.5, "once"), settled(-1, "once"), settled(4, "loop"), settled(-0.5, "pingPong"), settled(-8, "pingPong")]).toEqual([0.5, 1, 1, 0.5, 1]);
  });
});
