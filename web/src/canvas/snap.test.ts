import { describe, expect, test } from "vitest";
import { alongAxis, snapped, squared, stepped, straightened } from "./snap";

const PICTURE = { left: -16_000, top: -9000, right: 16_000, bottom: 9000 };
const box = { left: 0, top: 0, right: 1000, bottom: 400 };

describe("snapping", () => {
  test("a thing comes to rest in the middle of the picture, each way by itself", () => {
    const { by, guides } = snapped(box, { x: -480, y: 3333 }, [PICTURE], 60);
    expect(by).toEqual({ x: -500, y: 3333 });
    expect(guides).toEqual([{ axis: "x", at: 0 }]);
  });
  test("the nearest line counts, whichever edge meets it", () => {
    const other = { left: 5000, top: 5000, right: 6010, bottom: 6000 };
    expect(snapped(box, { x: 5004, y: 4590 }, [PICTURE, other], 60).by).toEqual({ x: 5005, y: 4600 });
  });
  test("far from every line it goes where it is dragged", () => {
    expect(snapped(box, { x: 333, y: 777 }, [PICTURE], 60)).toEqual({ by: { x: 333, y: 777 }, guides: [] });
  });
  test("with Shift lines turn in steps, and keep their length", () => {
    expect(stepped({ x: 0, y: 0 }, { x: 1000, y: 900 })).toEqual({ x: 951, y: 951 });
    expect(stepped({ x: 0, y: 0 }, { x: 0, y: 0 })).toEqual({ x: 0, y: 0 });
  });
  test("a straight stroke is free, but near a step it takes it", () => {
    expect(straightened({ x: 0, y: 0 }, { x: 1000, y: 50 })).toEqual({ x: 1001, y: 0 });
    expect(straightened({ x: 0, y: 0 }, { x: 1000, y: 400 })).toEqual({ x: 1000, y: 400 });
  });
  test("with Shift boxes are square and drags go one way", () => {
    expect(squared({ x: 10, y: 10 }, { x: 0, y: 40 })).toEqual({ x: -20, y: 40 });
    expect(alongAxis({ x: 9, y: -10 })).toEqual({ x: 0, y: -10 });
  });
});
