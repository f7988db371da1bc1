/** What dragging a handle makes of an annotation's box. Always a Resize, never a Move. Pure. */
import { decodePoints, type Annotation } from "../document";
import type { Handle } from "./hit";
import { boundsOf, localBox, type Bounds } from "./shape";
import type { Point } from "./view";

const LIMIT = 1 << 20;

function whole(value: number): number {
  return Math.max(-LIMIT, Math.min(LIMIT, Math.round(value)));
}

/** The box after its handle was dragged to a place, relative to the position; with `even` the shape is kept. */
export function resized(annotation: Annotation, handle: Handle, to: Point, even: boolean): Bounds {
  const { x, y } = annotation.position ?? { x: 0, y: 0 };
  const local = { x: whole(to.x - x), y: whole(to.y - y) };
  if (handle === "start" || handle === "end") return lineBox(annotation, handle, local);
  return draggedBox(localBox(annotation), handle, local, even);
}

/** A box after its handle was dragged to a place; with `even` its shape is kept. */
export function draggedBox(before: Bounds, handle: Handle, to: Point, even: boolean): Bounds {
  const box = { ...before };
  if (handle.includes("w")) box.left = to.x;
  if (handle.includes("e")) box.right = to.x;
  if (handle.includes("n")) box.top = to.y;
  if (handle.includes("s")) box.bottom = to.y;
  return even && handle.length === 2 ? evened(box, before, handle) : box;
}

function evened(box: Bounds, before: Bounds, handle: Handle): Bounds {
  const [width, height] = [before.right - before.left, before.bottom - before.top];
  if (width === 0 || height === 0) return box;
  const by = Math.max(Math.abs((box.right - box.left) / width), Math.abs((box.bottom - box.top) / height));
  const [across, down] = [Math.round(width * by), Math.round(height * by)];
  return {
    left: handle.includes("w") ? before.right - across : before.left,
    right: handle.includes("e") ? before.left + across : before.right,
    top: handle.includes("n") ? before.bottom - down : before.top,
    bottom: handle.includes("s") ? before.top + down : before.bottom,
  };
}

/** A line's ends are edges of its box: which, its points say. */
function lineBox(annotation: Annotation, handle: "start" | "end", to: Point): Bounds {
  const flat = decodePoints(annotation.points);
  const own = boundsOf(flat);
  const box = { ...(annotation.box ?? own) };
  const at = handle === "start" ? 0 : 2;
  if ((flat[at] ?? 0) === own.left) box.left = to.x;
  else box.right = to.x;
  if ((flat[at + 1] ?? 0) === own.top) box.top = to.y;
  else box.bottom = to.y;
  return box;
}
