/** A stroke while it is drawn, and what is kept of it. Pure. */
import { UNITS, type Point } from "./view";

export interface Ink extends Point {
  /** 0-255. */
  pressure: number;
}

/** What an annotation can hold. */
export const MOST_POINTS = 2000;
/** Points nearer than this to the one before say nothing, in units: a third of a pixel of a 1080-line picture. */
const NEAR = 10;
/** The same in pixels of the page: who looks closely draws finely. */
const NEAR_PX = 0.7;
/** How far what is kept may be from what was drawn, in units: a fifth of a pixel of a 1080-line picture. */
export const TOLERANCE = 6;
const TOLERANCE_PX = 0.4;
/** How much less a difference of pressure counts than one of place. */
const PRESSURE_WEIGHT = 2;

/** How far what is kept may be from what was drawn: never half a pixel of the picture, less when one looks closely. In units. */
export function toleranceOf(pictureHeight: number, pixel: number): number {
  const half = (UNITS / Math.max(1, pictureHeight)) * 0.49;
  return Math.max(0.5, Math.min(TOLERANCE, half, pixel * TOLERANCE_PX));
}

const STILL_HZ = 2;
const MOVING_HZ_PER_PX = 0.06;
const SPEED_HZ = 20;

/**
 * Takes the trembling out of a hand without lagging behind it: a low-pass filter that lets more through the faster the pen goes
 * (the 1-euro filter of Casiez, Roussel and Vogel, 2012). Slow lines become steady, quick ones stay where they were drawn.
 */
export class Steady {
  private at: Point | undefined;
  private speed: Point = { x: 0, y: 0 };
  private lastMs = 0;

  /** The pen was there then; gives where it is drawn. `pixel` is a pixel of the page in units. */
  add(point: Point, nowMs: number, pixel: number): Point {
    const before = this.at;
    const seconds = (nowMs - this.lastMs) / 1000;
    this.lastMs = nowMs;
    // Without a time between two points there is no speed.
    if (!before || !(seconds > 0)) return (this.at = { x: point.x, y: point.y });
    const now = { x: (point.x - before.x) / seconds, y: (point.y - before.y) / seconds };
    const first = this.speed.x === 0 && this.speed.y === 0;
    this.speed = first ? now : mixed(this.speed, now, share(SPEED_HZ, seconds));
    const pixelsPerSecond = Math.hypot(this.speed.x, this.speed.y) / pixel;
    this.at = mixed(before, point, share(STILL_HZ + MOVING_HZ_PER_PX * pixelsPerSecond, seconds));
    return { x: Math.round(this.at.x), y: Math.round(this.at.y) };
  }
}

/** How much of the new a low-pass filter takes. */
function share(cutoffHz: number, seconds: number): number {
  return 1 / (1 + 1 / (2 * Math.PI * cutoffHz * seconds));
}

function mixed(a: Point, b: Point, share: number): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

/** When and how large: what a filter needs to know of a point. */
export interface Moment {
  nowMs: number;
  /** A pixel of the page in units. */
  pixel: number;
}

export class LiveStroke {
  /** What is kept: steady. */
  readonly points: Ink[] = [];
  private readonly steady = new Steady();
  /** Where the pen is. */
  private tip: Ink;

  constructor(
    first: Ink,
    /** The device tells how hard one presses. */
    readonly pressed: boolean,
    moment: Moment = { nowMs: 0, pixel: NEAR },
  ) {
    this.points.push(first);
    this.tip = first;
    this.steady.add(first, moment.nowMs, moment.pixel);
  }

  get full(): boolean {
    return this.points.length >= MOST_POINTS;
  }

  /** All of it, up to where the pen is. */
  get line(): Ink[] {
    const last = this.points[this.points.length - 1] as Ink;
    return last.x === this.tip.x && last.y === this.tip.y ? this.points : [...this.points.slice(0, MOST_POINTS - 1), this.tip];
  }

  /** The pen is here now. Gives whether that is worth drawing. */
  add(point: Ink, moment: Moment = { nowMs: 0, pixel: NEAR }): boolean {
    const last = this.points[this.points.length - 1] as Ink;
    const steady = { ...this.steady.add(point, moment.nowMs, moment.pixel), pressure: point.pressure };
    this.tip = point;
    if (this.full || Math.hypot(steady.x - last.x, steady.y - last.y) < Math.min(NEAR, moment.pixel * NEAR_PX)) return false;
    this.points.push(steady);
    return true;
  }

  /** The pen goes straight from where it began. */
  straight(point: Ink): void {
    const first = this.points[0];
    if (!first) return;
    this.points.length = 1;
    this.tip = { ...point, pressure: first.pressure };
    this.points.push(this.tip);
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
