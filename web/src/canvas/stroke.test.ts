import { describe, expect, test } from "vitest";
import { LiveStroke, MOST_POINTS, simplify, TOLERANCE, type Ink } from "./stroke";

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
