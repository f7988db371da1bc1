import { describe, expect, test } from "vitest";
import { LiveStroke, MOST_POINTS, simplify, Steady, TOLERANCE, toleranceOf, type Ink } from "./stroke";

function distanceToPath(point: Ink, path: readonly Ink[]): number {
  let least = Infinity;
  for (let at = 1; at < path.length; at++) {
    const [a, b] = [path[at - 1]!, path[at]!];
    const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2 || 1;
    const along = Math.max(0, Math.min(1, ((point.x - a.x) * (b.x - a.x) + (point.y - a.y) * (b.y - a.y)) / length));
    least = Math.min(least, Math.hypot(point.x - a.x - along * (b.x - a.x), point.y - a.y - along * (b.y - a.y)));
  }
  return least;
}

describe("strokes", () => {
  test("what is kept is nowhere farther from what was drawn than the tolerance", () => {
    const drawn = Array.from({ length: 1500 }, (_, at): Ink => {
      const turn = at / 120;
      return { x: Math.round(Math.cos(turn) * at * 6), y: Math.round(Math.sin(turn) * at * 6), pressure: 128 };
    });
    const kept = simplify(drawn);
    expect(kept.length).toBeLessThan(drawn.length / 4);
    expect(kept[0]).toEqual(drawn[0]);
    expect(kept[kept.length - 1]).toEqual(drawn[drawn.length - 1]);
    for (const point of drawn) expect(distanceToPath(point, kept)).toBeLessThanOrEqual(TOLERANCE + 1e-6);
  });
  test("a change of pressure on a straight line is kept", () => {
    const drawn = [0, 1, 2, 3, 4].map((at): Ink => ({ x: at * 1000, y: 0, pressure: at === 2 ? 255 : 60 }));
    expect(simplify(drawn)).toHaveLength(5);
    expect(simplify(drawn.map((point) => ({ ...point, pressure: 60 })))).toHaveLength(2);
  });
  test("a pen that rests adds nothing, and a stroke holds so many points and no more", () => {
    const stroke = new LiveStroke({ x: 0, y: 0, pressure: 128 }, false);
    expect(stroke.add({ x: 3, y: 3, pressure: 128 })).toBe(false);
    for (let at = 1; at < 3000; at++) stroke.add({ x: at * 20, y: 0, pressure: 128 });
    expect(stroke.points).toHaveLength(MOST_POINTS);
    expect(stroke.full).toBe(true);
  });
  test("with Shift it is a straight line from where it began", () => {
    const stroke = new LiveStroke({ x: 0, y: 0, pressure: 9 }, true);
    stroke.add({ x: 500, y: 90, pressure: 100 });
    stroke.straight({ x: 900, y: 100, pressure: 255 });
    expect(stroke.points).toEqual([
      { x: 0, y: 0, pressure: 9 },
      { x: 900, y: 100, pressure: 9 },
    ]);
  });
});

describe("a hand that trembles", () => {
  const tremble = (at: number): number => (at % 2 === 0 ? 30 : -30);
  const rough = (ys: readonly number[]): number => ys.slice(1).reduce((sum, y, at) => sum + Math.abs(y - (ys[at] as number)), 0);

  test("draws a steady line when it is slow", () => {
    const steady = new Steady();
    const drawn = Array.from({ length: 100 }, (_, at) => steady.add({ x: at * 20, y: tremble(at) }, at * 8, 30).y);
    expect(rough(drawn)).toBeLessThan(rough(Array.from({ length: 100 }, (_, at) => tremble(at))) / 3);
  });
  test("and stays where it is when it is quick", () => {
    const steady = new Steady();
    let last = { x: 0, y: 0 };
    for (let at = 0; at < 60; at++) last = steady.add({ x: at * 900, y: 0 }, at * 8, 30);
    expect(59 * 900 - last.x).toBeLessThan(900);
  });
  test("ends where the pen lifts, and points without a time are left as they are", () => {
    const stroke = new LiveStroke({ x: 0, y: 0, pressure: 128 }, false, { nowMs: 0, pixel: 30 });
    for (let at = 1; at < 50; at++) stroke.add({ x: at * 40, y: tremble(at), pressure: 128 }, { nowMs: at * 8, pixel: 30 });
    expect(stroke.line[stroke.line.length - 1]).toEqual({ x: 49 * 40, y: -30, pressure: 128 });
    expect(stroke.line.length).toBeLessThanOrEqual(MOST_POINTS);
    const untimed = new LiveStroke({ x: 0, y: 0, pressure: 1 }, false);
    untimed.add({ x: 700, y: 300, pressure: 1 });
    expect(untimed.points[1]).toEqual({ x: 700, y: 300, pressure: 1 });
  });
});

describe("how exactly a stroke is kept", () => {
  test("is never half a pixel of the picture, and finer the closer one looks", () => {
    for (const height of [480, 1080, 2160, 4320]) expect(toleranceOf(height, 1000)).toBeLessThan(32_768 / height / 2);
    expect(toleranceOf(1080, 1000)).toBe(TOLERANCE);
    expect(toleranceOf(1080, 3)).toBeLessThan(2);
  });
});
