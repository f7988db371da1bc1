/** What is dragged comes to rest where it lines up with the picture and with what else is drawn. Pure. */
import type { Bounds } from "./shape";
import type { Point } from "./view";

/** A line of the picture that something lines up with. */
export interface Guide {
  axis: "x" | "y";
  /** Where, in units. */
  at: number;
}

export interface Snapped {
  by: Point;
  guides: Guide[];
}

/** Left edge, middle and right edge, or top, middle and bottom. */
function lines(box: Bounds, axis: "x" | "y"): [number, number, number] {
  const [from, to] = axis === "x" ? [box.left, box.right] : [box.top, box.bottom];
  return [from, (from + to) / 2, to];
}

function nearest(box: Bounds, by: number, targets: readonly Bounds[], axis: "x" | "y", reach: number): { by: number; at: number } | undefined {
  let best: { by: number; at: number } | undefined;
  for (const own of lines(box, axis)) {
    for (const target of targets) {
      for (const at of lines(target, axis)) {
        const exact = Math.round(at - own);
        if (Math.abs(exact - by) > reach) continue;
        if (best === undefined || Math.abs(exact - by) < Math.abs(best.by - by)) best = { by: exact, at };
      }
    }
  }
  return best;
}

/** The shift that lines a box up with the nearest of the targets, if it is near enough; across and down each by itself. */
export function snapped(box: Bounds, by: Point, targets: readonly Bounds[], reach: number): Snapped {
  const [x, y] = [nearest(box, by.x, targets, "x", reach), nearest(box, by.y, targets, "y", reach)];
  const guides: Guide[] = [];
  if (x) guides.push({ axis: "x", at: x.at });
  if (y) guides.push({ axis: "y", at: y.at });
  return { by: { x: x?.by ?? by.x, y: y?.by ?? by.y }, guides };
}

/** Steps in which lines turn with Shift: 45 degrees. */
const STEP = Math.PI / 4;
/** A free straight line nearer to a step than this takes it: 5 degrees. */
const NEAR_STEP = Math.PI / 36;

function turned(from: Point, to: Point, turn: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: Math.round(from.x + Math.cos(turn) * length), y: Math.round(from.y + Math.sin(turn) * length) };
}

/** With Shift: lines turn in steps of 45 degrees. */
export function stepped(from: Point, to: Point): Point {
  return turned(from, to, Math.round(Math.atan2(to.y - from.y, to.x - from.x) / STEP) * STEP);
}

/** With Shift a stroke is a straight line, at whatever angle; near a step of 45 degrees it takes that. */
export function straightened(from: Point, to: Point): Point {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const step = Math.round(angle / STEP) * STEP;
  return Math.abs(angle - step) < NEAR_STEP ? turned(from, to, step) : to;
}

/** With Shift: boxes are square. */
export function squared(from: Point, to: Point): Point {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const side = Math.max(Math.abs(dx), Math.abs(dy));
  return { x: from.x + Math.sign(dx || 1) * side, y: from.y + Math.sign(dy || 1) * side };
}

/** With Shift a drag goes across or down. */
export function alongAxis(by: Point): Point {
  return Math.abs(by.x) > Math.abs(by.y) ? { x: by.x, y: 0 } : { x: 0, y: by.y };
}
