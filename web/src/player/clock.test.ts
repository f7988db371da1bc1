import { describe, expect, test } from "vitest";
import { FrameClock, timesOf } from "./clock";

const RATES = [
  { num: 24000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30000, den: 1001 },
  { num: 50, den: 1 },
  { num: 60000, den: 1001 },
  { num: 120, den: 1 },
];

const frames = Array.from({ length: 200_000 }, (_, frame) => frame);

describe("the clock of frames", () => {
  test.each(RATES)("the middle of each frame at $num/$den lies in that frame", (rate) => {
    const clock = new FrameClock(200_000, rate);
    const wrong = frames.filter((frame) => clock.within(clock.middle(frame)) !== frame || clock.at(clock.start(frame)) !== frame);
    expect(wrong).toEqual([]);
  });
  test.each(RATES)("a start that a container rounded to milliseconds is still the frame at $num/$den", (rate) => {
    const clock = new FrameClock(200_000, rate);
    expect(frames.filter((frame) => clock.at(Math.round(clock.start(frame) * 1000) / 1000) !== frame)).toEqual([]);
  });
  test("uneven frames are found by their times", () => {
    const clock = new FrameClock(5, { num: 25, den: 1 }, timesOf([0, 40n, 10, 100, 40], { num: 1, den: 1000 }));
    expect([0, 1, 2, 3, 4].map((frame) => clock.start(frame))).toEqual([0, 0.04, 0.05, 0.15, 0.19]);
    expect([0, 1, 2, 3, 4].map((frame) => clock.within(clock.middle(frame)))).toEqual([0, 1, 2, 3, 4]);
    expect([0, 1, 2, 3, 4].map((frame) => clock.at(clock.start(frame) + 0.0004))).toEqual([0, 1, 2, 3, 4]);
    expect(clock.length(3)).toBeCloseTo(0.04);
    expect(clock.length(4)).toBeCloseTo(0.04);
  });
  test("a first frame that does not begin at zero is the first frame", () => {
    const clock = new FrameClock(3, { num: 25, den: 1 }, timesOf([80, 40, 40], { num: 1, den: 1000 }));
    expect(clock.at(0.08)).toBe(0);
    expect(clock.within(0)).toBe(0);
    expect(clock.middle(0)).toBeCloseTo(0.1);
  });
  test("frames outside the video are the first and the last", () => {
    const clock = new FrameClock(10, { num: 24, den: 1 });
    expect([clock.clamp(-4), clock.clamp(99), clock.at(-1), clock.at(1000)]).toEqual([0, 9, 0, 9]);
    expect(new FrameClock(1, { num: 1, den: 1 }).clamp(5)).toBe(0);
  });
});
