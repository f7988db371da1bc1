import { describe, expect, test } from "vitest";
import { Audience, TextAlign } from "../document";
import { differing } from "./live";
import { boxOf, strokeOf, type Brush } from "./make";
import { inkBox, meets } from "./shape";
import type { Ink } from "./stroke";

const brush: Brush = { color: 1, width: 100, fontSize: 900, align: TextAlign.START };
const setting = { first: 0, last: 0, audience: Audience.CLIENT };
const ID = "0".repeat(32);
const line = (count: number, pressure = 128): Ink[] => Array.from({ length: count }, (_, at) => ({ x: at * 100 + 7, y: (at % 3) * 40, pressure }));

describe("what differs of a stroke that goes on", () => {
  test("is its end and the bend before it, not where it began", () => {
    const [before, now] = [strokeOf(ID, line(100), false, false, brush, setting), strokeOf(ID, line(103), false, false, brush, setting)];
    const part = differing(before, now);
    expect(part.right).toBe(inkBox(now).right);
    expect(part.left).toBeGreaterThan(9000);
    expect(part.left).toBeLessThan(9900);
  });
  test("is where it went otherwise, and where it was", () => {
    const other = line(100);
    other[60] = { x: 6007, y: 5000, pressure: 128 };
    const part = differing(strokeOf(ID, line(100), false, false, brush, setting), strokeOf(ID, other, false, false, brush, setting));
    expect(part.bottom).toBeGreaterThanOrEqual(5000);
    expect(part.left).toBeLessThan(5900);
    expect(part.right).toBeGreaterThan(9900);
  });
  test("with pressure the first that is pressed otherwise counts", () => {
    const pressed = line(100).map((ink, at) => ({ ...ink, pressure: at < 20 ? 128 : 200 }));
    const part = differing(strokeOf(ID, line(100), true, false, brush, setting), strokeOf(ID, pressed, true, false, brush, setting));
    expect(part.left).toBeLessThan(2000);
  });
  test("of whatever else it is all of both", () => {
    const [a, b] = [boxOf(ID, false, { x: 0, y: 0 }, { x: 50, y: 50 }, brush, setting), boxOf(ID, false, { x: 0, y: 0 }, { x: 900, y: 9 }, brush, setting)];
    expect(differing(a, b)).toEqual({ left: -50, top: -50, right: 950, bottom: 100 });
    const stroke = strokeOf(ID, line(50), false, false, brush, setting);
    const resized = { ...stroke, box: { left: 0, top: 0, right: 9, bottom: 9 } };
    expect(meets(differing(stroke, resized), inkBox(stroke))).toBe(true);
    expect(differing(stroke, resized).right).toBe(inkBox(stroke).right);
  });
});
