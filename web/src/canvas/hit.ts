/** What lies under the pointer. Pure. */
import { AnnotationKind, StrokeMode, type Annotation } from "../document";
import { ends, hasPoints, isDrawn, localPoints, meets, placedBox, type Bounds } from "./shape";
import type { Point } from "./view";

export type Handle = "nw" | "n" | "ne" | "e" | "se" | "s" | "sw" | "w" | "start" | "end";

/** Distance of a place from a stretch between two others. */
export function distanceToLine(at: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((at.x - from.x) * dx + (at.y - from.y) * dy) / length));
  return Math.hypot(at.x - from.x - along * dx, at.y - from.y - along * dy);
}

function inside(at: Point, box: Bounds, margin: number): boolean {
  return at.x >= box.left - margin && at.x <= box.right + margin && at.y >= box.top - margin && at.y <= box.bottom + margin;
}

function onStroke(annotation: Annotation, at: Point, reach: number): boolean {
  const flat = localPoints(annotation);
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  const place = { x: at.x - x, y: at.y - y };
  let from = { x: flat[0] ?? 0, y: flat[1] ?? 0 };
  if (flat.length === 2) return Math.hypot(place.x - from.x, place.y - from.y) <= reach;
  for (let index = 2; index + 1 < flat.length; index += 2) {
    const to = { x: flat[index] ?? 0, y: flat[index + 1] ?? 0 };
    if (distanceToLine(place, from, to) <= reach) return true;
    from = to;
  }
  return false;
}

function onRect(box: Bounds, at: Point, reach: number): boolean {
  if (!inside(at, box, reach)) return false;
  const inner = { left: box.left + reach, top: box.top + reach, right: box.right - reach, bottom: box.bottom - reach };
  return inner.left >= inner.right || inner.top >= inner.bottom || !inside(at, inner, 0);
}

function onEllipse(box: Bounds, at: Point, reach: number, filled: boolean): boolean {
  const [rx, ry] = [(box.right - box.left) / 2, (box.bottom - box.top) / 2];
  const [dx, dy] = [at.x - (box.left + rx), at.y - (box.top + ry)];
  const out = (dx / (rx + reach)) ** 2 + (dy / (ry + reach)) ** 2;
  if (!(out <= 1)) return false;
  if (filled || rx <= reach || ry <= reach) return true;
  return (dx / (rx - reach)) ** 2 + (dy / (ry - reach)) ** 2 >= 1;
}

/** Whether the place is on it, give or take `reach` units. */
export function isOn(annotation: Annotation, at: Point, reach: number): boolean {
  if (!isDrawn(annotation) || annotation.deleted || annotation.mode === StrokeMode.ERASE) return false;
  const wide = (annotation.style?.width ?? 0) / 2 + reach;
  const box = placedBox(annotation);
  if (!inside(at, box, wide)) return false;
  const filled = ((annotation.style?.fill ?? 0) >>> 24) > 0;
  switch (annotation.kind) {
    case AnnotationKind.STROKE:
      return onStroke(annotation, at, wide);
    case AnnotationKind.LINE:
    case AnnotationKind.ARROW: {
      const [from, to] = ends(annotation);
      return distanceToLine(at, from, to) <= wide;
    }
    case AnnotationKind.RECT:
      return filled ? inside(at, box, wide) : onRect(box, at, wide);
    case AnnotationKind.ELLIPSE:
      return onEllipse(box, at, wide, filled);
    default:
      return true;
  }
}

/** The uppermost of those in drawing order. */
export function uppermost(list: readonly Annotation[], at: Point, reach: number): Annotation | undefined {
  for (let index = list.length - 1; index >= 0; index--) {
    const annotation = list[index];
    if (annotation && isOn(annotation, at, reach)) return annotation;
  }
  return undefined;
}

/** A side shorter than so many reaches has no handle in its middle: there would be nothing left to drag it by. */
const ROOM_FOR_MIDDLE = 7;

/** The handles of a selected annotation; near is what a hand can hit, in units. */
export function handles(annotation: Annotation, reach: number): [Handle, Point][] {
  if (annotation.kind === AnnotationKind.LINE || annotation.kind === AnnotationKind.ARROW) {
    const [from, to] = ends(annotation);
    return [
      ["start", from],
      ["end", to],
    ];
  }
  return boxHandles(placedBox(annotation), reach);
}

/** The handles of a box. */
export function boxHandles({ left, top, right, bottom }: Bounds, reach: number): [Handle, Point][] {
  const [midX, midY] = [(left + right) / 2, (top + bottom) / 2];
  const corners: [Handle, Point][] = [
    ["nw", { x: left, y: top }],
    ["ne", { x: right, y: top }],
    ["se", { x: right, y: bottom }],
    ["sw", { x: left, y: bottom }],
  ];
  const sides: [Handle, Point][] = [
    ["n", { x: midX, y: top }],
    ["e", { x: right, y: midY }],
    ["s", { x: midX, y: bottom }],
    ["w", { x: left, y: midY }],
  ];
  const [wide, high] = [right - left > reach * ROOM_FOR_MIDDLE, bottom - top > reach * ROOM_FOR_MIDDLE];
  return [...corners, ...sides.filter(([side]) => (side === "n" || side === "s" ? wide : high))];
}

/** The handle at a place. */
export function handleAt(all: readonly [Handle, Point][], at: Point, reach: number): Handle | undefined {
  return all.find(([, place]) => Math.hypot(place.x - at.x, place.y - at.y) <= reach)?.[0];
}

/** Whether a frame that is drawn around things touches one of them. */
export function isTouched(annotation: Annotation, frame: Bounds): boolean {
  if (!isDrawn(annotation) || annotation.deleted || annotation.mode === StrokeMode.ERASE) return false;
  const box = placedBox(annotation);
  if (!meets(box, frame)) return false;
  const whole = box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  if (whole || !hasPoints(annotation.kind)) return whole || !isHollowAround(annotation, box, frame);
  const flat = localPoints(annotation);
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  for (let at = 0; at + 3 < flat.length; at += 2) {
    const [from, to] = [{ x: (flat[at] ?? 0) + x, y: (flat[at + 1] ?? 0) + y }, { x: (flat[at + 2] ?? 0) + x, y: (flat[at + 3] ?? 0) + y }];
    if (crosses(from, to, frame)) return true;
  }
  return flat.length === 2;
}

/** Whether the frame lies within an empty rectangle, and so touches nothing of it. */
function isHollowAround(annotation: Annotation, box: Bounds, frame: Bounds): boolean {
  const filled = ((annotation.style?.fill ?? 0) >>> 24) > 0;
  if (annotation.kind !== AnnotationKind.RECT || filled) return false;
  return frame.left > box.left && frame.right < box.right && frame.top > box.top && frame.bottom < box.bottom;
}

/** Whether a stretch has a part in a box (Liang, Barsky). */
function crosses(from: Point, to: Point, box: Bounds): boolean {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  let [enter, leave] = [0, 1];
  for (const [by, room] of [
    [-dx, from.x - box.left],
    [dx, box.right - from.x],
    [-dy, from.y - box.top],
    [dy, box.bottom - from.y],
  ] as const) {
    if (by === 0 && room < 0) return false;
    if (by < 0) enter = Math.max(enter, room / by);
    if (by > 0) leave = Math.min(leave, room / by);
  }
  return enter <= leave;
}
