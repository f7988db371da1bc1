import { expect, test } from "vitest";
import { FrameClock } from "../player/clock";
import { frameOn } from "./carry";

test("a cut of the same rate shows the same frame, as far as it has it", () => {
  const clock = new FrameClock(100, { num: 24000, den: 1001 });
  expect(frameOn(clock, { frame: 42, seconds: 1.75, rate: 24000 / 1001 })).toBe(42);
  expect(frameOn(clock, { frame: 420, seconds: 17.5, rate: 24000 / 1001 })).toBe(99);
});

test("a cut of another rate shows the same moment", () => {
  const film = new FrameClock(1000, { num: 24, den: 1 });
  const fast = new FrameClock(2500, { num: 60, den: 1 });
  for (let frame = 0; frame < 1000; frame++) {
    const there = frameOn(fast, { frame, seconds: film.start(frame), rate: 24 });
    expect(Math.abs(fast.start(there) - film.start(frame))).toBeLessThan(1 / 60);
    // And back again it is the frame that one came from.
    expect(frameOn(film, { frame: there, seconds: fast.start(there), rate: 60 })).toBe(frame);
  }
});
