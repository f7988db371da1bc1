/** Parts of a canvas, in whole pixels: what has to be painted again. Pure. */
import { around, meets, type Bounds } from "./shape";
import type { View } from "./view";

/** Left and top are in it, right and bottom are not. */
export type Pixels = Bounds;

/** With more parts than this the box around all of them is painted. */
const MOST_PARTS = 12;

/** A place of the picture as pixels of a canvas: all that it touches, and one more for soft edges. */
export function pixelsOf(box: Bounds, view: View, density: number): Pixels {
  const [from, to] = [view.toPixels(box.left, box.top), view.toPixels(box.right, box.bottom)];
  return {
    left: Math.floor(from.x * density) - 1,
    top: Math.floor(from.y * density) - 1,
    right: Math.ceil(to.x * density) + 1,
    bottom: Math.ceil(to.y * density) + 1,
  };
}

/** Pixels of a canvas as a place of the picture, all of which they show. */
export function placeOf(pixels: Pixels, view: View, density: number): Bounds {
  const x = (pixel: number): number => (pixel / density - view.centre.x) / view.scale;
  const y = (pixel: number): number => (pixel / density - view.centre.y) / view.scale;
  return { left: x(pixels.left), top: y(pixels.top), right: x(pixels.right), bottom: y(pixels.bottom) };
}

/** The part of it that is on a canvas of a size; undefined: none. */
export function clipped(pixels: Pixels, width: number, height: number): Pixels | undefined {
  const [left, top] = [Math.max(0, pixels.left), Math.max(0, pixels.top)];
  const [right, bottom] = [Math.min(width, pixels.right), Math.min(height, pixels.bottom)];
  return right > left && bottom > top ? { left, top, right, bottom } : undefined;
}

/** As few parts as cover the same, none of which meet: each pixel is painted once. */
export function merged(parts: readonly Pixels[]): Pixels[] {
  let apart: Pixels[] = [];
  for (const part of parts) {
    let grownPart = part;
    for (let again = true; again; ) {
      again = false;
      const rest: Pixels[] = [];
      for (const other of apart) {
        if (meets(other, grownPart)) {
          grownPart = around(other, grownPart);
          again = true;
        } else {
          rest.push(other);
        }
      }
      apart = rest;
    }
    apart.push(grownPart);
    if (apart.length > MOST_PARTS) apart = [apart.reduce(around)];
  }
  return apart;
}

/** How the picture moved between two views, if it was only shifted by whole pixels. */
export function shiftBetween(before: View, after: View, density: number): { dx: number; dy: number } | undefined {
  if (before.scale !== after.scale || before.stage.width !== after.stage.width || before.stage.height !== after.stage.height) return undefined;
  const [x, y] = [(after.centre.x - before.centre.x) * density, (after.centre.y - before.centre.y) * density];
  const [dx, dy] = [Math.round(x), Math.round(y)];
  return Math.abs(x - dx) < 0.02 && Math.abs(y - dy) < 0.02 ? { dx, dy } : undefined;
}

/** What a shift by whole pixels uncovers of a canvas. */
export function uncovered(dx: number, dy: number, width: number, height: number): Pixels[] {
  const parts: Pixels[] = [];
  if (dx > 0) parts.push({ left: 0, top: 0, right: Math.min(dx, width), bottom: height });
  if (dx < 0) parts.push({ left: Math.max(0, width + dx), top: 0, right: width, bottom: height });
  if (dy > 0) parts.push({ left: 0, top: 0, right: width, bottom: Math.min(dy, height) });
  if (dy < 0) parts.push({ left: 0, top: Math.max(0, height + dy), right: width, bottom: height });
  return parts;
}
