import { describe, expect, test } from "vitest";
import { Pace } from "./pace";
import { clipped, merged, pixelsOf, placeOf, shiftBetween, uncovered, type Pixels } from "./region";
import { meets } from "./shape";
import { View } from "./view";

const HD = { width: 1920, height: 1080 };
const covers = (parts: readonly Pixels[], x: number, y: number): boolean =>
  parts.some((part) => part.left <= x && x < part.right && part.top <= y && y < part.bottom);

describe("parts of a canvas", () => {
  test("are whole pixels around all that a place touches", () => {
    const view = new View({ width: 800, height: 600 }, HD, { zoom: 3.7, x: 11, y: -500 });
    const box = { left: 100, top: 200, right: 301, bottom: 444 };
    const pixels = pixelsOf(box, view, 1.5);
    expect(Object.values(pixels).every(Number.isInteger)).toBe(true);
    const place = placeOf(pixels, view, 1.5);
    expect(place.left).toBeLessThan(box.left);
    expect(place.bottom).toBeGreaterThan(box.bottom);
  });
  test("do not meet, and cover all that they covered", () => {
    let seed = 3;
    const random = (most: number): number => (seed = (seed * 48271) % 2147483647) % most;
    for (let round = 0; round < 50; round++) {
      const parts = Array.from({ length: random(30) }, () => {
        const [left, top] = [random(300), random(300)];
        return { left, top, right: left + 1 + random(40), bottom: top + 1 + random(40) };
      });
      const few = merged(parts);
      expect(few.length).toBeLessThanOrEqual(12);
      few.forEach((part, at) => few.slice(at + 1).forEach((other) => expect(meets(part, other)).toBe(false)));
      for (const { left, top, right, bottom } of parts) {
        expect(covers(few, left, top) && covers(few, right - 1, bottom - 1)).toBe(true);
      }
    }
  });
  test("beyond the canvas there is nothing to paint", () => {
    expect(clipped({ left: -9, top: 5, right: 0, bottom: 9 }, 100, 100)).toBeUndefined();
    expect(clipped({ left: -9, top: 90, right: 30, bottom: 900 }, 100, 100)).toEqual({ left: 0, top: 90, right: 30, bottom: 100 });
  });
  test("a shift by whole pixels is told from a zoom and from half a pixel", () => {
    const view = new View({ width: 800, height: 600 }, HD, { zoom: 2, x: 0, y: 0 });
    const after = (dx: number, dy: number): View => new View(view.stage, HD, view.panned(dx, dy));
    expect(shiftBetween(view, after(-14, 9), 1)).toEqual({ dx: -14, dy: 9 });
    expect(shiftBetween(view, after(0.5, 0), 1)).toBeUndefined();
    expect(shiftBetween(view, after(0.5, 0), 2)).toEqual({ dx: 1, dy: 0 });
    expect(shiftBetween(view, new View(view.stage, HD, view.zoomed(1.01)), 1)).toBeUndefined();
  });
  test("a shift uncovers what the old picture does not reach", () => {
    for (const [dx, dy] of [[5, 0], [-5, 7], [0, -3], [300, 300]] as const) {
      const parts = uncovered(dx, dy, 100, 80);
      for (let x = 0; x < 100; x += 3) {
        for (let y = 0; y < 80; y += 3) {
          const old = x - dx >= 0 && x - dx < 100 && y - dy >= 0 && y - dy < 80;
          expect(old || covers(parts, x, y)).toBe(true);
        }
      }
    }
  });
});

describe("how much is painted in one turn", () => {
  test("is less after long turns and more after short ones", () => {
    const pace = new Pace();
    const first = pace.budget;
    for (let turn = 0; turn < 5; turn++) pace.turn(turn * 100);
    const slow = pace.budget;
    expect(slow).toBeLessThan(first);
    for (let turn = 0; turn < 20; turn++) pace.turn(1000 + turn * 16);
    expect(pace.budget).toBeGreaterThan(slow);
  });
  test("is not judged by the time that nothing was painted", () => {
    const pace = new Pace();
    const { budget } = pace;
    pace.turn(0);
    pace.rest();
    pace.turn(60_000);
    expect(pace.budget).toBe(budget);
  });
});
