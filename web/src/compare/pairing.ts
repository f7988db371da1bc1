/**
 * Which frame of B goes with a frame of A, and how B's clock is kept beside A's while both play. Pure.
 *
 * Of cuts of one rate frame n goes with frame n; else what is shown at the same time since the first frame, each at its own
 * rate. The offset counts frames of B.
 */
import type { FrameClock } from "../player/clock";
import { paceOf, type Pull } from "../player/shuttle";

/** Farther than that it jumps: to catch up would take too long. */
export const JUMP_S = 0.3;
/** Both clocks are at hand. */
const BESIDE: Pull = { closeS: 0.004, most: 0.12, perSecond: 4 };

export class Pairing {
  private readonly even: boolean;

  constructor(
    private readonly a: FrameClock,
    private readonly b: FrameClock,
    private readonly offset: number,
  ) {
    this.even = !a.uneven && !b.uneven && a.exact.num * b.exact.den === b.exact.num * a.exact.den;
  }

  /** The frame of B beside one of A; undefined: B has none there. Of a picture that stands still there is always the one. */
  frame(a: number): number | undefined {
    if (this.b.count <= 1) return 0;
    if (this.even) {
      const frame = a + this.offset;
      return frame < 0 || frame > this.b.last ? undefined : frame;
    }
    const time = this.time(this.a.start(a) + Math.min(this.a.length(a), this.b.length(0)) / 2);
    return time < this.b.start(0) || time >= this.b.start(this.b.last) + this.b.length(this.b.last) ? undefined : this.b.within(time);
  }

  /** The place of B beside one of A, each a frame and how far one is into it; undefined: B has none there. */
  place(a: number): number | undefined {
    const whole = Math.floor(a);
    if (this.even) {
      const place = a + this.offset;
      return place < 0 || place >= this.b.count ? undefined : place;
    }
    const time = this.time(this.a.start(whole) + (a - whole) * this.a.length(whole));
    const frame = this.b.within(time);
    const into = (time - this.b.start(frame)) / this.b.length(frame);
    // A little before its start is what doubles make of it.
    return into < -0.001 || into >= 1 ? undefined : frame + Math.max(0, into);
  }

  /** Where B's clock belongs when A's is at a time, both in seconds. */
  time(a: number): number {
    return a - this.a.start(0) + this.b.start(0) + this.offset * this.b.length(0);
  }
}

/** How fast B is played that is so many seconds ahead of where it belongs; undefined: it jumps there. */
export function pace(speed: number, aheadS: number): number | undefined {
  return Math.abs(aheadS) > JUMP_S ? undefined : paceOf(aheadS, speed, BESIDE);
}
