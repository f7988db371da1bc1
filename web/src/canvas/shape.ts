/** Where an annotation's points and edges are on the picture, in units. Pure. */
import { AnnotationKind, decodePoints, type Annotation } from "../document";
import type { Point } from "./view";

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Kinds that are drawn. */
export function isDrawn(annotation: Annotation): boolean {
  return annotation.kind >= AnnotationKind.STROKE && annotation.kind <= AnnotationKind.TEXT;
}

/** Kinds that have points. */
export function hasPoints(kind: AnnotationKind): boolean {
  return kind === AnnotationKind.STROKE || kind === AnnotationKind.LINE || kind === AnnotationKind.ARROW;
}

/** An arrow's head is never smaller, in units. */
const LEAST_HEAD = 500;
const NOWHERE: Bounds = { left: 0, top: 0, right: 0, bottom: 0 };

/** What bounds points that are written x and y in turn. */
export function boundsOf(flat: readonly number[]): Bounds {
  if (flat.length < 2) return NOWHERE;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [x, y] = [flat[at] ?? 0, flat[at + 1] ?? 0];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return { left, top, right, bottom };
}

/** Points relative to the position, scaled into the annotation's box where it was resized. */
export function localPoints(annotation: Annotation): number[] {
  const flat = decodePoints(annotation.points);
  const box = annotation.box;
  if (!box) return flat;
  const own = boundsOf(flat);
  if (own.left === box.left && own.top === box.top && own.right === box.right && own.bottom === box.bottom) return flat;
  const across = own.right > own.left ? (box.right - box.left) / (own.right - own.left) : 0;
  const down = own.bottom > own.top ? (box.bottom - box.top) / (own.bottom - own.top) : 0;
  return flat.map((value, at) => (at % 2 === 0 ? box.left + (value - own.left) * across : box.top + (value - own.top) * down));
}

/** Its box relative to the position, with left before right and top above bottom. */
export function localBox(annotation: Annotation): Bounds {
  const box = annotation.box ?? (hasPoints(annotation.kind) ? boundsOf(decodePoints(annotation.points)) : NOWHERE);
  return {
    left: Math.min(box.left, box.right),
    top: Math.min(box.top, box.bottom),
    right: Math.max(box.left, box.right),
    bottom: Math.max(box.top, box.bottom),
  };
}

/** Its box on the picture. */
export function placedBox(annotation: Annotation): Bounds {
  const { left, top, right, bottom } = localBox(annotation);
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  return { left: left + x, top: top + y, right: right + x, bottom: bottom + y };
}

/** Whether two boxes have a place in common. */
export function meets(a: Bounds, b: Bounds): boolean {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/** The least box around both. */
export function around(a: Bounds, b: Bounds): Bounds {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** A box that is wider on every side. */
export function grown({ left, top, right, bottom }: Bounds, by: number): Bounds {
  return { left: left - by, top: top - by, right: right + by, bottom: bottom + by };
}

/** What an arrow's head may stand out beside its line, in units. */
function headSize(width: number): number {
  return Math.max(width * 4, LEAST_HEAD) / 2;
}

/** The part of the picture that an annotation colours, or a little more. */
export function inkBox(annotation: Annotation): Bounds {
  const box = placedBox(annotation);
  const { width = 0, fontSize = 0 } = annotation.style ?? {};
  if (annotation.kind === AnnotationKind.ARROW) return grown(box, width / 2 + headSize(width));
  if (annotation.kind !== AnnotationKind.TEXT) return grown(box, width / 2);
  // Text flows out of its box below. Never more lines than that: a letter is at most as wide as it is high and a quarter.
  const across = Math.max(1, Math.floor((box.right - box.left) / Math.max(1, fontSize * 1.25)));
  const lines = annotation.text.split("\n").reduce((sum, line) => sum + 1 + Math.floor(line.length / across), 0);
  const bottom = Math.max(box.bottom, box.top + (lines + 1) * fontSize * 1.25);
  return grown({ ...box, bottom }, fontSize * 1.25);
}

/** Both ends of a line on the picture. */
export function ends(annotation: Annotation): [Point, Point] {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = localPoints(annotation);
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  return [
    { x: x0 + x, y: y0 + y },
    { x: x1 + x, y: y1 + y },
  ];
}

/** The three points of an arrow's head at `to`. */
export function arrowHead(from: Point, to: Point, width: number): [Point, Point, Point] {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const size = Math.min(length * 0.6, Math.max(width * 4, LEAST_HEAD));
  const [ux, uy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const back = { x: to.x - ux * size, y: to.y - uy * size };
  const side = size * 0.5;
  return [
    { x: back.x - uy * side, y: back.y + ux * side },
    to,
    { x: back.x + uy * side, y: back.y - ux * side },
  ];
}
