/**
 * Frames and times of one video. A frame is an index; its time is exact: n / rate, or read from the list of times where the
 * rate is not even. Pure.
 *
 * One seeks to the middle of a frame, never to its start: in doubles n / rate often lies just before the start, and the
 * frame before it would be shown.
 */

export interface Rate {
  num: number;
  den: number;
}

/** Times of frames in seconds, from ticks that are each the difference to the one before. */
export function timesOf(deltas: readonly (number | bigint)[], timeBase: Rate): Float64Array {
  const times = new Float64Array(deltas.length);
  let ticks = 0;
  deltas.forEach((delta, index) => {
    ticks += Number(delta);
    times[index] = (ticks * timeBase.num) / timeBase.den;
  });
  return times;
}

export class FrameClock {
  readonly rate: number;

  constructor(
    readonly count: number,
    readonly exact: Rate,
    /** Start of every frame in seconds; empty: the rate is even. */
    private readonly times: Float64Array = new Float64Array(0),
  ) {
    this.rate = exact.num / exact.den;
  }

  /** Whether frames last unevenly. */
  get uneven(): boolean {
    return this.times.length > 1;
  }

  get last(): number {
    return Math.max(0, this.count - 1);
  }

  /** The nearest frame there is. */
  clamp(frame: number): number {
    return Math.max(0, Math.min(this.last, Math.round(frame)));
  }

  /** When a frame begins, in seconds. */
  start(frame: number): number {
    if (!this.uneven) return (frame * this.exact.den) / this.exact.num;
    const at = this.times[Math.min(frame, this.times.length - 1)] ?? 0;
    return frame < this.times.length ? at : at + this.length(this.times.length - 1);
  }

  /** How long a frame lasts, in seconds. */
  length(frame: number): number {
    if (!this.uneven) return this.exact.den / this.exact.num;
    const next = Math.min(frame + 1, this.times.length - 1);
    const length = (this.times[next] ?? 0) - (this.times[next - 1] ?? 0);
    return length > 0 ? length : this.exact.den / this.exact.num;
  }

  /** Where to seek, so that the frame is shown: its middle. */
  middle(frame: number): number {
    if (!this.uneven) return ((frame + 0.5) * this.exact.den) / this.exact.num;
    return this.start(frame) + this.length(frame) / 2;
  }

  /** The frame that begins at this time, give or take what a container rounds. */
  at(mediaTime: number): number {
    if (!this.uneven) return this.clamp(mediaTime * this.rate);
    const before = this.within(mediaTime);
    const next = Math.min(before + 1, this.last);
    return Math.abs(this.start(next) - mediaTime) < Math.abs(mediaTime - this.start(before)) ? next : before;
  }

  /** The frame that is shown at this time. */
  within(time: number): number {
    if (!this.uneven) return this.clamp(Math.floor(time * this.rate + 1e-6));
    let [low, high] = [0, Math.min(this.count, this.times.length) - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.times[middle] ?? 0) <= time + 1e-9) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
