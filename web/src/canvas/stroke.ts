/** A stroke while it is drawn, and what is kept of it. Pure. */
import type { Point } from "./view";

export interface Ink extends Point {
  /** 0-255. */
  pressure: number;
}

/** What an annotation can hold. */
export const MOST_POINTS = 2000;
/** Points nearer than this to the one before say nothing, in units: a third of a pixel of a 1080-line picture. */
const NEAR = 10;
/** How far what is kept may be from what was drawn, in units: a fifth of a pixel of a 1080-line picture. */
export const TOLERANCE = 6;
/** How much less a difference of pressure counts than one of place. */
const PRESSURE_WEIGHT = 2;

export class LiveStroke {
  readonly points: Ink[] = [];

  constructor(
    first: Ink,
    /** The device tells how hard one presses. */
    readonly pressed: boolean,
  ) {
    this.points.push(first);
  }

  get full(): boolean {
    return this.points.length >= MOST_POINTS;
  }

  /** The pen is here now. Gives whether that is worth drawing. */
  add(point: Ink): boolean {
    const last = this.points[this.points.length - 1];
    if (last && Math.hypot(point.x - last.x, point.y - last.y) < NEAR) return false;
    if (this.full) return false;
    this.points.push(point);
    return true;
  }

  /** The pen goes straight from where it began. */
  straight(point: Ink): void {
    const first = this.points[0];
    if (!first) return;
    this.points.length = 1;
    this.points.push({ ...point, pressure: first.pressure });
  }
}

/** Distance of a point from a line between two others, the pressure being a third direction. */
function distance(point: Ink, from: Ink, to: Ink): number {
  const [dx, dy, dp] = [to.x - from.x, to.y - from.y, (to.pressure - from.pressure) * PRESSURE_WEIGHT];
  const [px, py, pp] = [point.x - from.x, point.y - from.y, (point.pressure - from.pressure) * PRESSURE_WEIGHT];
  const length = dx * dx + dy * dy + dp * dp;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy + pp * dp) / length));
  return Math.hypot(px - along * dx, py - along * dy, pp - along * dp);
}

/** Fewer points that look the same (Ramer, Douglas, Peucker). */
export function simplify(points: readonly Ink[], tolerance: number = TOLERANCE): Ink[] {
  if (points.length <= 2) return [...points];
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open: [number, number][] = [[0, points.length - 1]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    let [farthest, most] = [-1, tolerance];
    for (let at = from + 1; at < to; at++) {
      const far = distance(points[at] as Ink, points[from] as Ink, points[to] as Ink);
      if (far > most) [farthest, most] = [at, far];
    }
    if (farthest < 0) continue;
    keep[farthest] = 1;
    open.push([from, farthest], [farthest, to]);
  }
  return points.filter((_, at) => keep[at] === 1);
}

/** The pressure of a pointer as a byte; where there is none, even pressure. */
export function pressureByte(pressure: number): number {
  return Math.max(1, Math.min(255, Math.round(pressure * 255)));
}
