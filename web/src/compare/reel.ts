/**
 * The last few frames that a screen showed, each with its number. What a <video> draws may be newer than the frame it last told
 * of: a VideoFrame says itself which one it is, so that of two screens those are painted together that belong together.
 */
import type { FrameClock } from "../player/clock";

export type Screen = HTMLVideoElement | HTMLImageElement;

/** So many are held: who comes a little later still finds the frame that belongs to its own. */
const HELD = 3;

export interface Held {
  frame: number;
  image: CanvasImageSource;
  close: () => void;
}

export class Reel {
  /** The newest first. */
  held: readonly Held[] = [];
  private screen: Screen | undefined;

  constructor(private readonly clock: FrameClock) {}

  /** Holds what the screen shows now. `told`: the frame that it last told of. */
  take(screen: Screen | undefined, told: number | undefined): void {
    if (screen !== this.screen) this.close();
    this.screen = screen;
    const taken = screen && this.grab(screen, told);
    if (!taken) return;
    if (taken.frame === this.held[0]?.frame) {
      this.held[0].close();
      this.held = [taken, ...this.held.slice(1)];
      return;
    }
    for (const old of this.held.slice(HELD - 1)) old.close();
    this.held = [taken, ...this.held.slice(0, HELD - 1)];
  }

  find(frame: number): Held | undefined {
    return this.held.find((each) => each.frame === frame);
  }

  close(): void {
    for (const each of this.held) each.close();
    this.held = [];
  }

  private grab(screen: Screen, told: number | undefined): Held | undefined {
    if (screen instanceof HTMLImageElement) {
      return screen.complete && screen.naturalWidth > 0 ? { frame: 0, image: screen, close: nothing } : undefined;
    }
    if (screen.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
    // A browser without it is believed: it has one frame, the one that it told of.
    if (typeof VideoFrame === "undefined") {
      this.held = [];
      return told === undefined ? undefined : { frame: told, image: screen, close: nothing };
    }
    try {
      const image = new VideoFrame(screen);
      return { frame: this.clock.at(image.timestamp / 1e6), image, close: () => image.close() };
    } catch {
      // It has nothing to show yet, whatever it says of itself: it tells when it has.
      return undefined;
    }
  }
}

function nothing(): void {
  // What is not a copy needs no closing.
}
