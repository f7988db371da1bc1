import { describe, expect, test } from "vitest";
import { Scale, slots, sourceOf, spots, tickFrames, tileOf } from "./timeline_scale";

const TEN_HOURS = 10 * 3600 * 30;

describe("the timeline's scale", () => {
  test("the middle of a frame is in that frame", () => {
    const scale = new Scale(2880, 931);
    for (let frame = 0; frame < 2880; frame++) expect(scale.frame(scale.middle(frame))).toBe(frame);
  });
  test("places outside are the first and the last frame", () => {
    const scale = new Scale(10, 100);
    expect([scale.frame(-5), scale.frame(100), scale.frame(1e6)]).toEqual([0, 9, 9]);
  });
  test("nearer and farther, what is at the pointer stays there", () => {
    let scale = new Scale(TEN_HOURS, 1200);
    const place = scale.place(777);
    for (let n = 0; n < 60; n++) {
      scale = scale.zoomed(1.2, 777);
      expect(scale.place(777)).toBeCloseTo(place, 3);
    }
    expect(scale.step).toBeGreaterThan(8);
    for (let n = 0; n < 80; n++) scale = scale.zoomed(1 / 1.2, 777);
    expect(scale.whole).toBe(true);
  });
  test("it is never nearer than a frame can be seen, nor beyond the ends", () => {
    const near = new Scale(1000, 480).zoomed(1e6, 100);
    expect([near.step, near.visible]).toEqual([48, 10]);
    expect(near.panned(-1e9).first).toBe(0);
    expect(near.panned(1e9).first).toBe(990);
    expect(new Scale(3, 480).zoomed(4, 0).visible).toBe(3);
    expect(new Scale(1000, 480).zoomed(2, 0).panned(1e9).zoomed(0.5, 480).whole).toBe(true);
  });
  test("at the nearest each frame still is the one under the pointer", () => {
    const scale = new Scale(TEN_HOURS, 1200).spanning(TEN_HOURS - 50, TEN_HOURS);
    for (let frame = TEN_HOURS - 50; frame < TEN_HOURS; frame++) expect(scale.frame(scale.middle(frame))).toBe(frame);
  });
  test("a frame out of sight turns the page; one in sight does not", () => {
    const scale = new Scale(1000, 500).spanning(100, 200);
    expect(scale.revealing(150)).toBe(scale);
    for (const frame of [0, 99, 200, 201, 500, 999]) expect(scale.revealing(frame).shows(frame)).toBe(true);
    expect(scale.revealing(200).first).toBeCloseTo(192);
    expect(scale.revealing(99).first).toBeCloseTo(8);
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
  test("of ten hours only what is in sight is drawn, however near", () => {
    let scale = new Scale(TEN_HOURS, 1200);
    for (let n = 0; n < 60; n++) {
      expect(slots(strip, scale, 45).length).toBeLessThanOrEqual(17);
      scale = scale.zoomed(1.3, 600);
    }
  });
  test("stills move along when the line does", () => {
    const scale = new Scale(1200, 400).spanning(100, 300);
    const [before, after] = [slots(strip, scale, 45), slots(strip, scale.panned(10), 45)];
    expect(after[0]!.left).toBeCloseTo(before[0]!.left - 10);
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
  expect(spots(marks, new Scale(100, 1000).spanning(50, 100), 10)).toEqual([{ x: 815, kind: "done" }]);
});

test("ticks stand on whole seconds as soon as they can, and never too near", () => {
  expect(tickFrames(new Scale(48, 1200), 24, 80)).toBe(5);
  expect(tickFrames(new Scale(480, 1200), 24, 80)).toBe(48);
  for (let scale = new Scale(TEN_HOURS, 1200), n = 0; n < 60; n++, scale = scale.zoomed(1.3, 0)) {
    const frames = tickFrames(scale, 29.97, 80);
    expect(frames * scale.step).toBeGreaterThanOrEqual(80);
    expect(scale.visible / frames).toBeLessThanOrEqual(15);
  }
});
