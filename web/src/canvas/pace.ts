/**
 * How much is painted in one turn of the screen. A canvas may take what it is told at once and paint it later, so the time a call
 * takes says little; how long it is until the next turn says it all. Pure.
 */

/** A turn longer than this was too much, in milliseconds. */
const SLOW_MS = 34;
/** A turn shorter than this leaves time for more. */
const QUICK_MS = 22;
const LEAST = 1_500;
const MOST = 100_000;

export class Pace {
  /** What may be painted in a turn: a point of a stroke costs 1, each annotation some more. */
  budget = 6_000;
  private last: number | undefined;

  /** A turn begins; the one before was of this work too. */
  turn(nowMs: number): void {
    if (this.last !== undefined) {
      const took = nowMs - this.last;
      if (took > SLOW_MS) this.budget = Math.max(LEAST, this.budget * 0.5);
      else if (took < QUICK_MS) this.budget = Math.min(MOST, this.budget * 1.25);
    }
    this.last = nowMs;
  }

  /** The work is done: how long it is until the next turn says nothing. */
  rest(): void {
    this.last = undefined;
  }
}
