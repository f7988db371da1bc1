/** Where a clip is that a presenter plays, at any moment, and the server's time that it is reckoned in. Pure. */

export interface Playing {
  playing: boolean;
  frame: number;
  speed: number;
  /** Server time at which `frame` is on screen. */
  atMs: number;
  loop?: { first: number; last: number } | undefined;
}

export interface Moment {
  frame: number;
  playing: boolean;
  speed: number;
}

/** What is on screen at a time, of a clip of so many frames a second and a last frame. */
export function momentOf(state: Playing, nowMs: number, rate: number, last: number): Moment {
  const clamp = (frame: number): number => Math.max(0, Math.min(last, frame));
  if (!state.playing || nowMs < state.atMs) return { frame: clamp(state.frame), playing: false, speed: state.speed };
  const passed = Math.floor(((nowMs - state.atMs) / 1000) * rate * Math.abs(state.speed));
  const at = state.frame + Math.sign(state.speed) * passed;
  if (state.loop && state.loop.last > state.loop.first) {
    const length = state.loop.last - state.loop.first + 1;
    const within = (((at - state.loop.first) % length) + length) % length;
    // A loop begins to count once it was reached.
    const inside = state.speed > 0 ? at >= state.loop.first : at <= state.loop.last;
    return { frame: clamp(inside ? state.loop.first + within : at), playing: true, speed: state.speed };
  }
  const ended = at < 0 || at > last;
  return { frame: clamp(at), playing: !ended, speed: state.speed };
}

/** Where that is exactly, of a clip that plays on and is not in a loop; undefined: only the frame is known. */
export function placeOf(state: Playing, nowMs: number, rate: number): number | undefined {
  if (!state.playing || state.loop || nowMs < state.atMs) return undefined;
  return state.frame + ((nowMs - state.atMs) / 1000) * rate * state.speed;
}

/** So far apart, in frames, a presenter is taken to have jumped. */
export const JUMP_FRAMES = 3;

/** Whether what a player shows is no longer what was told of it. */
export function differs(told: Playing | undefined, now: Moment, nowMs: number, rate: number, last: number): boolean {
  if (!told) return true;
  if (told.playing !== now.playing || (now.playing && told.speed !== now.speed)) {
    // Before a start that lies ahead it does not play yet, and at its end no more: that was told.
    const expected = momentOf(told, nowMs, rate, last);
    if (expected.playing !== now.playing || (now.playing && told.speed !== now.speed)) return nowMs >= told.atMs;
  }
  const expected = momentOf(told, nowMs, rate, last);
  return now.playing ? Math.abs(expected.frame - now.frame) > Math.max(JUMP_FRAMES, rate * 0.5) : expected.frame !== now.frame;
}

const KEPT = 8;

/** The server's clock, by the quickest of the last answers (Cristian's algorithm). */
export class ServerClock {
  private samples: { tripMs: number; offsetMs: number }[] = [];

  /** An answer: when it was asked and came by our clock, and what the server's was. */
  add(askedMs: number, cameMs: number, serverMs: number): void {
    const tripMs = Math.max(0, cameMs - askedMs);
    this.samples = [...this.samples, { tripMs, offsetMs: serverMs + tripMs / 2 - cameMs }].slice(-KEPT);
  }

  get tripMs(): number | undefined {
    return this.best?.tripMs;
  }

  private get best(): { tripMs: number; offsetMs: number } | undefined {
    return this.samples.reduce<{ tripMs: number; offsetMs: number } | undefined>(
      (best, sample) => (best && best.tripMs <= sample.tripMs ? best : sample),
      undefined,
    );
  }

  /** Server time at a moment of our clock. */
  at(localMs: number): number {
    return localMs + (this.best?.offsetMs ?? 0);
  }
}
