/** Backwards playback: no browser has it, so frames are gone to, one after the other, as a clock says. */
import type { FrameClock } from "./clock";
import { backwards } from "./shuttle";

/** A longer pause between two turns is not playback: the page slept. */
const MOST_TURN_S = 0.25;

export class Reverse {
  private turn = 0;

  constructor(private readonly clock: FrameClock) {}

  /** Shows one frame after the other from this one on; at the edge, which may move meanwhile, it ends. */
  start(from: number, speed: number, edge: () => number, show: (frame: number) => void, end: () => void): void {
    this.stop();
    const startTime = this.clock.middle(from);
    let elapsedS = 0;
    let before = performance.now();
    const each = (now: number): void => {
      elapsedS += Math.max(0, Math.min(MOST_TURN_S, (now - before) / 1000));
      before = now;
      const frame = this.clock.within(Math.max(0, backwards(startTime, elapsedS, speed)));
      if (frame <= edge()) {
        this.turn = 0;
        return end();
      }
      show(frame);
      this.turn = requestAnimationFrame(each);
    };
    this.turn = requestAnimationFrame(each);
  }

  stop(): void {
    cancelAnimationFrame(this.turn);
    this.turn = 0;
  }
}
