/** The player: what plays, how fast, between which frames, and which frame is on the screen. */
import { signal } from "@preact/signals";
import type { FrameClock } from "./clock";
import { Movie, type Picture } from "./movie";
import { Reverse } from "./reverse";
import { Scrub } from "./scrub";
import { adrift, paceOf, playFrom, playRange, setPoint, settled, shuttle, turn, type Loop, type Range } from "./shuttle";

/** What sounds single places. */
export interface Sounding {
  /** Sounds a place: a frame, and how far one is into it. */
  at(place: number, level: number): void;
  stop(): void;
}

const VOLUME_KEY = "rushes-volume";

interface Kept {
  volume: number;
  muted: boolean;
}

function kept(): Kept {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(VOLUME_KEY) ?? "{}") as Partial<Kept>;
    return { volume: typeof volume === "number" ? Math.max(0, Math.min(1, volume)) : 1, muted: muted === true };
  } catch {
    return { volume: 1, muted: false };
  }
}

export class Player {
  /** On the screen now. */
  readonly frame = signal(0);
  /** Whether a frame is on the screen at all. */
  readonly shown = signal(false);
  readonly playing = signal(false);
  /** Of playback; below zero: backwards. */
  readonly speed = signal(1);
  readonly inPoint = signal<number | undefined>(undefined);
  readonly outPoint = signal<number | undefined>(undefined);
  readonly loop = signal<Loop>("once");
  readonly volume = signal(1);
  readonly muted = signal(false);
  readonly waiting = signal(false);
  readonly problem = signal<string | undefined>(undefined);
  /** First and last frames of what is here already. */
  readonly buffered = signal<readonly (readonly [number, number])[]>([]);
  /** Where one last went: anew each time, also to the frame where one is. */
  readonly sought = signal({ frame: 0 });
  private picture: Picture | undefined;
  private scrubbing: Scrub | undefined;
  /** What is heard in the place of this. */
  private instead: Sounding | undefined;
  private readonly reverse: Reverse;
  private edge = 0;
  private first: number | undefined;

  constructor(
    readonly clock: FrameClock,
    private readonly hasSound = false,
  ) {
    this.reverse = new Reverse(clock);
    const { volume, muted } = kept();
    this.volume.value = volume;
    this.muted.value = muted;
  }

  /** Shows a movie's frames in this element. */
  attach(element: HTMLVideoElement): void {
    this.detach();
    this.picture = new Movie(element, this.clock, {
      shown: (frame) => this.onShown(frame),
      ended: () => this.onEnded(),
      waiting: (waits) => (this.waiting.value = waits && this.playing.peek()),
      paused: (paused) => this.onPaused(paused),
      buffered: (ranges) => (this.buffered.value = ranges),
      failed: (reason) => (this.problem.value = reason),
    });
    this.sound();
    this.go(this.first ?? this.frame.peek());
    if (this.hasSound) this.scrubbing = new Scrub(element.currentSrc || element.src, this.clock);
  }

  /** A picture that stands still is on the screen. */
  still(): void {
    this.shown.value = true;
  }

  /** Fetches the picture again after a failure. */
  reload(): void {
    this.problem.value = undefined;
    this.picture?.reload(this.frame.peek());
  }

  /** Lets go of the element. */
  detach(): void {
    this.halt();
    this.picture?.close();
    this.scrubbing?.close();
    this.picture = this.scrubbing = undefined;
    this.playing.value = false;
  }

  private get range(): Range {
    return playRange(this.inPoint.peek(), this.outPoint.peek(), this.clock.last);
  }

  /** Where one is, or is on the way to: what a step is counted from. */
  get here(): number {
    return this.picture?.target ?? this.frame.peek();
  }

  // -- standing still ----------------------------------------------------------------------------------------

  /** Stops and goes to a frame. */
  seek(frame: number): void {
    const target = this.clock.clamp(frame);
    if (this.playing.peek()) this.stop();
    if (!this.picture) this.first = target;
    this.go(target);
  }

  private go(frame: number): void {
    this.sought.value = { frame };
    this.picture?.seek(frame);
  }

  /** The same, heard: to a place that may lie within a frame. */
  scrub(place: number): void {
    const frame = this.clock.clamp(Math.floor(place));
    this.seek(frame);
    const within = Math.max(0, Math.min(1, place - frame));
    const heard = this.instead ?? this.scrubbing;
    heard?.at(frame + (within < 1 ? within : 0), this.muted.peek() ? 0 : this.volume.peek());
  }

  /** So many frames on, from where one is on the way to. */
  step(frames: number): void {
    this.scrub(this.here + frames);
  }

  // -- playing -----------------------------------------------------------------------------------------------

  toggle(): void {
    if (this.playing.peek()) this.pause();
    else this.play(Math.abs(this.speed.peek()));
  }

  /** Plays at a speed; below zero: backwards. */
  play(speed: number): void {
    if (!this.picture || this.clock.count <= 1) return;
    this.halt();
    const direction = speed < 0 ? -1 : 1;
    const from = playFrom(this.here, this.range, direction);
    if (from !== this.here) this.go(from);
    this.speed.value = speed;
    this.playing.value = true;
    if (direction > 0) void this.forward(speed);
    else this.back(from, speed);
  }

  private async forward(speed: number): Promise<void> {
    try {
      await this.picture?.play(speed);
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "AbortError") return;
      // A page that nobody has touched yet may play without sound only.
      if (name === "NotAllowedError" && !this.muted.peek()) {
        this.setMuted(true);
        return void this.forward(speed);
      }
      this.playing.value = false;
    }
  }

  private back(from: number, speed: number): void {
    this.picture?.pause();
    const show = (frame: number): void => this.go(frame);
    this.reverse.start(from, speed, () => this.range.from, show, () => this.atEdge(this.range.from));
  }

  pause(): void {
    if (!this.picture || !this.playing.peek()) return this.stop();
    // A picture that came just as it stopped may never be told of: one goes to where the clock is, never back, and is told.
    const frame = this.speed.peek() < 0 ? this.here : Math.max(this.picture.now, this.frame.peek());
    this.stop();
    this.go(frame);
  }

  private stop(): void {
    this.halt();
    this.playing.value = false;
    this.waiting.value = false;
    this.picture?.pause();
    this.speed.value = settled(this.speed.peek(), this.loop.peek());
  }

  /** J (-1) or L (1). */
  shuttle(direction: 1 | -1): void {
    this.play(shuttle(this.playing.peek(), this.speed.peek(), direction));
  }

  setSpeed(speed: number): void {
    this.speed.value = speed;
    if (this.playing.peek()) this.play(speed);
  }

  private halt(): void {
    this.reverse.stop();
    this.scrubbing?.stop();
    this.instead?.stop();
    clearTimeout(this.edge);
    this.edge = 0;
  }

  private onShown(frame: number): void {
    this.frame.value = frame;
    this.shown.value = true;
    if (!this.playing.peek() || this.speed.peek() < 0 || this.edge) return;
    const { to } = this.range;
    const bounded = this.outPoint.peek() !== undefined;
    if (!bounded || frame < to) return;
    // The last frame stays for as long as a frame does; one that came too late is left at once.
    this.picture?.pause();
    const stayMs = frame === to ? (this.clock.length(frame) * 1000) / this.speed.peek() : 0;
    this.edge = window.setTimeout(() => this.onEnded(), stayMs);
  }

  private onEnded(): void {
    this.edge = 0;
    if (this.playing.peek() && this.speed.peek() > 0) this.atEdge(this.range.to);
  }

  /** The last frame of a direction was shown. */
  private atEdge(edge: number): void {
    const next = turn(this.loop.peek(), this.range, this.speed.peek());
    if (!next) {
      this.pause();
      this.go(edge);
      return;
    }
    this.speed.value = next.speed;
    this.go(next.frame);
    if (next.speed > 0) void this.forward(next.speed);
    else this.back(next.frame, next.speed);
  }

  private onPaused(paused: boolean): void {
    if (!paused) {
      // Whoever presses play while it plays backwards wants it to go on forwards.
      this.halt();
      if (this.speed.peek() < 0) this.speed.value = 1;
      this.playing.value = true;
    } else if (this.playing.peek()) {
      this.pause();
    }
  }

  // -- the rest ----------------------------------------------------------------------------------------------

  setIn(frame = this.here): void {
    this.setPoints(setPoint(this.points, "in", frame));
  }

  setOut(frame = this.here): void {
    this.setPoints(setPoint(this.points, "out", frame));
  }

  clearRange(): void {
    this.setPoints({});
  }

  private get points(): { in?: number; out?: number } {
    const [from, to] = [this.inPoint.peek(), this.outPoint.peek()];
    return { ...(from === undefined ? {} : { in: from }), ...(to === undefined ? {} : { out: to }) };
  }

  private setPoints(points: { in?: number; out?: number }): void {
    this.inPoint.value = points.in;
    this.outPoint.value = points.out;
  }

  setVolume(level: number): void {
    this.volume.value = Math.max(0, Math.min(1, level));
    this.setMuted(level <= 0);
  }

  setMuted(muted: boolean): void {
    this.muted.value = muted;
    this.sound();
    localStorage.setItem(VOLUME_KEY, JSON.stringify({ volume: this.volume.peek(), muted }));
  }

  /** Another is heard instead, steps and drags too, or not any more; how loud it shall be stays as it is. */
  giveSound(instead: Sounding | undefined): void {
    if (this.instead !== instead) (this.instead ?? this.scrubbing)?.stop();
    this.instead = instead;
    this.sound();
  }

  private sound(): void {
    this.picture?.volume(this.volume.peek(), this.instead !== undefined || this.muted.peek());
  }

  /** Where one is while it plays, with how far into a frame. */
  get place(): number {
    return this.picture?.place ?? this.frame.peek();
  }

  /** Comes together with others who are at a place by now, without a jump, by playing a little quicker or slower. */
  keepWith(place: number): void {
    const speed = this.speed.peek();
    if (!this.playing.peek() || speed <= 0 || !this.picture || this.picture.target !== undefined) return;
    this.picture.pace(paceOf((this.picture.place - place) / this.clock.rate, speed));
  }

  /** Nobody is kept together with any more: it plays as fast as was chosen. */
  keepAlone(): void {
    const speed = this.speed.peek();
    if (speed > 0) this.picture?.pace(speed);
  }

  /** Does as another does: whoever is followed. `place`: where that is exactly. */
  mirror(frame: number, playing: boolean, speed: number, place?: number): void {
    const target = this.clock.clamp(frame);
    if (!playing) {
      if (this.playing.peek() || adrift(this.here, target, false, this.clock.rate)) this.seek(target);
      return;
    }
    if (adrift(this.frame.peek(), target, true, this.clock.rate)) this.go(target);
    if (!this.playing.peek() || this.speed.peek() !== speed) {
      if (!this.playing.peek()) this.go(target);
      this.play(speed);
    } else if (place !== undefined) {
      this.keepWith(place);
    }
  }
}
