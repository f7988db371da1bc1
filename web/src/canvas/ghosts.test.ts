import { describe, expect, test } from "vitest";
import { AnnotationKind, newAnnotation, StrokeMode, type Annotation } from "../document";
import { GHOST_FRAMES, ghostAlpha, ghostsOf } from "./ghosts";

let made = 0;

function on(first: number, last = first, more: Partial<Annotation> = {}): Annotation {
  const id = (++made).toString(16).padStart(32, "0");
  return newAnnotation({ id, kind: AnnotationKind.STROKE, mode: StrokeMode.DRAW, firstFrame: first, lastFrame: last, ...more });
}

describe("ghosts", () => {
  test("are the drawings of up to five frames before and after, the nearest on top", () => {
    const list = [on(4), on(5), on(9), on(10), on(12), on(15), on(16)];
    expect(ghostsOf(list, 10).map(({ distance }) => Math.abs(distance))).toEqual([5, 5, 2, 1]);
    expect(new Set(ghostsOf(list, 10).map(({ distance }) => distance))).toEqual(new Set([-5, 5, 2, -1]));
  });
  test("a range is as far away as its nearest frame, and none where it is seen", () => {
    expect(ghostsOf([on(1, 8), on(8, 20), on(13, 90)], 10).map(({ distance }) => distance)).toEqual([3, -2]);
  });
  test("comments and frames with nothing but erasers are none", () => {
    expect(ghostsOf([on(9, 9, { kind: AnnotationKind.COMMENT }), on(11, 11, { mode: StrokeMode.ERASE })], 10)).toEqual([]);
  });
  test("fade with each frame, and what would be too much is left out", () => {
    const alphas = Array.from({ length: GHOST_FRAMES }, (_, at) => ghostAlpha(-(at + 1)));
    expect([...alphas].sort((a, b) => b - a)).toEqual(alphas);
    expect(alphas[GHOST_FRAMES - 1]).toBeGreaterThan(0);
    const many = Array.from({ length: 9000 }, () => on(12));
    expect(ghostsOf([on(11), ...many], 10).map(({ distance }) => distance)).toEqual([1]);
  });
});
