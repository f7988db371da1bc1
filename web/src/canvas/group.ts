/** What is done to several annotations at once: one action, so that one undo takes it back. Pure: ids come in. */
import { newAnnotation, type Annotation, type Audience, type FieldValue, type Id, type Operation } from "../document";
import { around, localBox, placedBox, type Bounds } from "./shape";
import type { Point } from "./view";

const LIMIT = 1 << 20;
const NOWHERE: Bounds = { left: 0, top: 0, right: 0, bottom: 0 };

function whole(value: number): number {
  return Math.max(-LIMIT, Math.min(LIMIT, Math.round(value)));
}

/** The box around all. */
export function groupBox(annotations: readonly Annotation[]): Bounds {
  const [first, ...rest] = annotations.map(placedBox);
  return first ? rest.reduce(around, first) : NOWHERE;
}

/** Where an annotation is after a shift. */
export function shifted(annotation: Annotation, by: Point): Point {
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  return { x: whole(x + by.x), y: whole(y + by.y) };
}

/** Moves all by the same. */
export function moves(annotations: readonly Annotation[], by: Point): Operation[] {
  return annotations.map((annotation) => ({ kind: "move", id: annotation.id, to: shifted(annotation, by), seenRevision: 0 }));
}

/** An annotation's box, relative to its position, after the box around all became another. */
export function scaled(annotation: Annotation, from: Bounds, to: Bounds): Bounds {
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  const box = annotation.box ?? localBox(annotation);
  const along = (at: number, a: number, b: number, c: number, d: number): number => (b === a ? at + c - a : c + ((at - a) * (d - c)) / (b - a));
  const across = (at: number): number => whole(along(at + x, from.left, from.right, to.left, to.right) - x);
  const down = (at: number): number => whole(along(at + y, from.top, from.bottom, to.top, to.bottom) - y);
  return { left: across(box.left), right: across(box.right), top: down(box.top), bottom: down(box.bottom) };
}

/** A Resize of the edges that differ. */
export function resizeOf(annotation: Annotation, box: Bounds): Operation[] {
  const now = annotation.box;
  const edges: Partial<Bounds> = {};
  for (const edge of ["left", "top", "right", "bottom"] as const) if (now?.[edge] !== box[edge]) edges[edge] = box[edge];
  return Object.keys(edges).length > 0 ? [{ kind: "resize", id: annotation.id, ...edges }] : [];
}

/** Resizes all as the box around them is. */
export function resizes(annotations: readonly Annotation[], from: Bounds, to: Bounds): Operation[] {
  return annotations.flatMap((annotation) => resizeOf(annotation, scaled(annotation, from, to)));
}

/** Sets a number of the style of all that have another. */
export function restyles(annotations: readonly Annotation[], field: "color" | "width" | "font_size" | "align", number: number): Operation[] {
  const member = field === "font_size" ? "fontSize" : field;
  const value: FieldValue = { field: `style/${field}`, value: { kind: "number", number } };
  const others = annotations.filter(({ style }) => style?.[member] !== number);
  return others.map(({ id }) => ({ kind: "setFields", id, fields: [value] }));
}

/** Shows all on other frames. */
export function reframes(annotations: readonly Annotation[], first: number, last: number): Operation[] {
  const value: FieldValue = { field: "frames", value: { kind: "frames", frames: { first, last } } };
  const others = annotations.filter(({ firstFrame, lastFrame }) => firstFrame !== first || lastFrame !== last);
  return others.map(({ id }) => ({ kind: "setFields", id, fields: [value] }));
}

export function deletions(annotations: readonly Annotation[]): Operation[] {
  return annotations.map(({ id }) => ({ kind: "setDeleted", id, deleted: true }));
}

export interface CopyPlace {
  frame: number;
  /** How far from where it was. */
  by: Point;
  audience: Audience;
  /** Of the video that it is pasted into. */
  lastFrame: number;
}

/** Copies, in drawing order, on as many frames as they were on, from a frame on. They are new drawings of who copies. */
export function copies(annotations: readonly Annotation[], place: CopyPlace, newId: () => Id): Operation[] {
  return annotations.map((annotation) => {
    const { kind, box, points, pressure, mode, style, text } = annotation;
    const length = annotation.lastFrame - annotation.firstFrame;
    const made = newAnnotation({
      id: newId(),
      kind,
      position: shifted(annotation, place.by),
      points,
      pressure,
      mode,
      text,
      firstFrame: place.frame,
      lastFrame: Math.min(place.lastFrame, place.frame + length),
      audience: place.audience,
      ...(box ? { box } : {}),
      ...(style ? { style } : {}),
    });
    return { kind: "create", annotation: made };
  });
}
