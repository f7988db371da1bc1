import { describe, expect, test } from "vitest";
import { Scale, slots, sourceOf, spots, tileOf } from "./timeline_scale";

describe("the timeline's scale", () => {
  test("the middle of a frame is in that frame", () => {
    const scale = new Scale(2880, 931);
    for (let frame = 0; frame < 2880; frame++) expect(scale.frame(scale.middle(frame))).toBe(frame);
  });
  test("places outside are the first and the last frame", () => {
    const scale = new Scale(10, 100);
    expect([scale.frame(-5), scale.frame(100), scale.frame(1e6)]).toEqual([0, 9, 9]);
  });
});

describe("the filmstrip", () => {
  const strip = { columns: 4, tiles: 10, framesPerTile: 12, tileWidth: 160, tileHeight: 90 };
  test("a frame is shown by the nearest still", () => {
    expect([tileOf(strip, 0), tileOf(strip, 7), tileOf(strip, 500)]).toEqual([0, 1, 9]);
    expect(sourceOf(strip, 5)).toEqual({ x: 160, y: 90 });
  });
  test("stills keep their shape along the line", () => {
    const list = slots(strip, new Scale(120, 400), 45);
    expect(list).toHaveLength(5);
    expect(list.every((slot) => slot.width === 80)).toBe(true);
  });
});

test("marks on the same pixels are one, and a note stands before a drawing", () => {
  const marks = [
    { first: 0, last: 0, kind: "drawing" as const },
    { first: 0, last: 0, kind: "note" as const },
    { first: 90, last: 95, kind: "done" as const },
  ];
  expect(spots(marks, new Scale(100, 1000), 10)).toEqual([
    { x: 5, kind: "note" },
    { x: 905, kind: "done" },
  ]);
});
