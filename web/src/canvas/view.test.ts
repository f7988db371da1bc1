import { describe, expect, test } from "vitest";
import { View } from "./view";

const HD = { width: 1920, height: 1080 };

describe("the view", () => {
  test("the picture fits into the stage and keeps its shape", () => {
    const view = new View({ width: 1000, height: 1000 }, HD);
    expect(view.width).toBeCloseTo(1000);
    expect(view.height).toBeCloseTo(562.5);
    expect(view.toUnits(500, 500)).toEqual({ x: 0, y: 0 });
    expect(view.toUnits(0, 500 - 281.25)).toEqual({ x: -29127, y: -16384 });
  });
  test("a place on the picture is found again to the pixel", () => {
    const view = new View({ width: 731, height: 402 }, HD, { zoom: 2.3, x: 4000, y: -1700 });
    for (const [x, y] of [[0, 0], [100.5, 333], [730, 1]] as const) {
      const units = view.toUnits(x, y);
      const back = view.toPixels(units.x, units.y);
      expect(Math.hypot(back.x - x, back.y - y)).toBeLessThan(0.05);
    }
  });
  test("zooming keeps what is under the pointer", () => {
    const view = new View({ width: 800, height: 600 }, HD);
    const at = { x: 200, y: 250 };
    const before = view.toUnits(at.x, at.y);
    const after = new View(view.stage, HD, view.zoomed(3, at)).toUnits(at.x, at.y);
    expect(Math.abs(after.x - before.x)).toBeLessThanOrEqual(1);
    expect(Math.abs(after.y - before.y)).toBeLessThanOrEqual(1);
  });
  test("zoom and numbers stay within their limits", () => {
    const view = new View({ width: 800, height: 600 }, HD);
    expect(view.zoomed(1e9, { x: 0, y: 0 }).zoom).toBe(64);
    expect(view.zoomed(1e-9).zoom).toBe(0.5);
    expect(view.toUnits(1e12, -1e12)).toEqual({ x: 1 << 20, y: -(1 << 20) });
  });
  test("the picture cannot be pushed out of sight", () => {
    const view = new View({ width: 800, height: 600 }, HD);
    const { zoom, x, y } = view.panned(1e6, -1e6);
    expect(zoom).toBe(1);
    expect([x, y]).toEqual([-view.half.x, view.half.y]);
  });
  test("a shift moves the picture by as many pixels", () => {
    const view = new View({ width: 800, height: 600 }, HD, { zoom: 3, x: 100, y: -900 });
    const moved = new View(view.stage, HD, view.panned(31, -12));
    expect(moved.centre.x - view.centre.x).toBeCloseTo(31);
    expect(moved.centre.y - view.centre.y).toBeCloseTo(-12);
  });
  test("a look shows the same place in the middle of every stage", () => {
    const look = { zoom: 4, x: 5000, y: -3000 };
    for (const stage of [{ width: 800, height: 600 }, { width: 360, height: 500 }]) {
      expect(new View(stage, HD, look).toUnits(stage.width / 2, stage.height / 2)).toEqual({ x: 5000, y: -3000 });
    }
  });
  test("at 100 % a pixel of the picture is one of the screen, however dense that is", () => {
    const view = new View({ width: 800, height: 600 }, HD, { zoom: 2, x: 9, y: 9 });
    for (const density of [1, 1.25, 2]) {
      expect(new View(view.stage, HD, view.exact(density)).magnification(density)).toBeCloseTo(1);
    }
  });
});
