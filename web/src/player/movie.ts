/** A <video> element as a thing that shows frames by their index, and says which one is on the screen. */
import type { FrameClock } from "./clock";
import { SeekQueue } from "./seek";

/** Firefox says of the frame on screen the time that was asked for: short of the middle the nearest start is its own. */
const TELLS_TIME_ASKED = navigator.userAgent.includes("Firefox/");
/**
 * A browser does not tell of every frame: one that comes between a call and the next asking for a call is missed. So the
 * picture is looked at so long after it came to rest, and again and again for as long as it is not the one that was sought.
 */
const LOOK_AFTER_MS = 150;
const LOOKS_MOST = 12;
/** A picture's time this near to the start of a frame, as a share of its length, is that start; else it is a time within. */
const NEAR_START = 0.1;

export interface MovieEvents {
  /** This frame is on the screen. */
  shown(frame: number): void;
  /** The end was reached. */
  ended(): void;
  /** It can or cannot go on for want of data. */
  waiting(waits: boolean): void;
  /** The browser began or stopped it: a headset's button, or a page that is out of sight. */
  paused(paused: boolean): void;
  /** What of it is here: first and last frames. */
  buffered(ranges: readonly (readonly [number, number])[]): void;
  /** It cannot be played. */
  failed(reason: string): void;
}

/** The picture of a player: a movie, or nothing to play at all. */
export interface Picture {
  /** The frame that is being gone to; undefined: none. */
  readonly target: number | undefined;
  /** The frame that its clock is at. */
  readonly now: number;
  /** The same with how far it is into it. */
  readonly place: number;
  seek(frame: number): void;
  play(speed: number): Promise<void>;
  /** A little quicker or slower, while it plays. */
  pace(speed: number): void;
  pause(): void;
  /** Fetches it again after a failure, and goes to the frame. */
  reload(frame: number): void;
  volume(level: number, muted: boolean): void;
  close(): void;
}

/** The time of the picture that an element shows, in seconds; undefined: it cannot be known (WebCodecs need a secure address, and Firefox does not say it). */
function pictureTime(element: HTMLVideoElement): number | undefined {
  if (TELLS_TIME_ASKED || !("VideoFrame" in window)) return undefined;
  try {
    const picture = new VideoFrame(element);
    const { timestamp } = picture;
    picture.close();
    return timestamp / 1e6;
  } catch {
    return undefined;
  }
}

export class Movie implements Picture {
  private readonly queue = new SeekQueue();
  private readonly stop = new AbortController();
  private callback = 0;
  /** What was told of last. */
  private told: number | undefined;
  /** Whether the picture that is sought was told of, and whether the browser calls the seek done. */
  private arrived = false;
  private sought = false;
  private looking = 0;
  private looks = 0;
  /** Whether it was last told to play. */
  private asked = false;

  constructor(
    private readonly element: HTMLVideoElement,
    private readonly clock: FrameClock,
    private readonly events: MovieEvents,
  ) {
    const on = (name: string, run: () => void): void => element.addEventListener(name, run, { signal: this.stop.signal });
    on("seeked", () => this.seeked());
    on("ended", () => events.ended());
    on("waiting", () => events.waiting(true));
    on("playing", () => events.waiting(false));
    on("canplay", () => events.waiting(false));
    on("pause", () => this.unasked());
    on("play", () => this.unasked());
    for (const name of ["progress", "loadeddata", "seeked"]) on(name, () => this.tellBuffered());
    on("error", () => events.failed(element.error?.message ?? ""));
    this.watch();
  }

  get target(): number | undefined {
    return this.queue.target;
  }

  get now(): number {
    return this.clock.within(this.element.currentTime);
  }

  get place(): number {
    const { currentTime } = this.element;
    const frame = this.clock.within(currentTime);
    return frame + Math.max(0, Math.min(1, (currentTime - this.clock.start(frame)) / this.clock.length(frame)));
  }

  /** Tells of what was not asked for here. At its end an element pauses by itself, which is told of as the end. */
  private unasked(): void {
    const { paused, ended } = this.element;
    if (paused !== this.asked || ended) return;
    this.asked = !paused;
    this.events.paused(paused);
  }

  private tellBuffered(): void {
    const { buffered } = this.element;
    const frame = (time: number): number => this.clock.within(time);
    this.events.buffered(Array.from({ length: buffered.length }, (_, at) => [frame(buffered.start(at)), frame(buffered.end(at))] as const));
  }

  private watch(): void {
    if (!("requestVideoFrameCallback" in this.element)) {
      const every = (): void => {
        if (this.stop.signal.aborted) return;
        if (!this.element.seeking && this.element.readyState >= 2) this.show(this.clock.within(this.element.currentTime));
        requestAnimationFrame(every);
      };
      requestAnimationFrame(every);
      return;
    }
    const each = (_: number, frame: VideoFrameCallbackMetadata): void => {
      this.show(this.clock.at(frame.mediaTime));
      this.callback = this.element.requestVideoFrameCallback(each);
    };
    this.callback = this.element.requestVideoFrameCallback(each);
  }

  private show(frame: number): void {
    this.told = frame;
    // While it plays the one that is sought may be passed by.
    if (frame === this.queue.going || !this.element.paused) this.arrived = true;
    this.events.shown(frame);
    if (this.sought && this.arrived) this.finish();
    else this.rest();
  }

  /** The frame whose picture is there now, whatever was told of; undefined: none. */
  private get there(): number | undefined {
    const { element, clock } = this;
    if (element.readyState < element.HAVE_CURRENT_DATA) return undefined;
    const time = pictureTime(element) ?? element.currentTime;
    const near = clock.at(time);
    return Math.abs(clock.start(near) - time) < clock.length(near) * NEAR_START ? near : clock.within(time);
  }

  /** Looks at the picture once it has been at rest for a while. */
  private rest(): void {
    this.looks = 0;
    this.lookLater();
  }

  private lookLater(): void {
    clearTimeout(this.looking);
    this.looking = window.setTimeout(() => this.look(), LOOK_AFTER_MS);
  }

  private look(): void {
    if (this.stop.signal.aborted || this.element.seeking || !this.element.paused) return;
    const frame = this.there;
    const { going } = this.queue;
    // A slow machine calls a seek done before its picture is there.
    if ((frame === undefined || (going !== undefined && frame !== going)) && ++this.looks < LOOKS_MOST) return this.lookLater();
    if (frame !== undefined && frame !== this.told) {
      this.told = frame;
      this.events.shown(frame);
    }
    if (this.sought) this.finish();
  }

  private seeked(): void {
    this.sought = true;
    // The frame is told of on its own way, just before or after. Where none comes, the same one is still there.
    if (this.arrived || !this.element.paused) this.finish();
    else this.rest();
  }

  private finish(): void {
    this.sought = false;
    const next = this.queue.done();
    if (next !== undefined) this.go(next);
    else this.rest();
  }

  private go(frame: number): void {
    this.arrived = this.sought = false;
    const middle = this.clock.middle(frame);
    const start = this.clock.start(frame);
    this.element.currentTime = TELLS_TIME_ASKED ? start + (middle - start) * 0.8 : middle;
  }

  seek(frame: number): void {
    const now = this.queue.ask(this.clock.clamp(frame));
    if (now !== undefined) this.go(now);
  }

  async play(speed: number): Promise<void> {
    this.element.playbackRate = speed;
    const late = this.queue.hurry();
    if (late !== undefined) this.go(late);
    this.asked = true;
    if (this.element.paused) await this.element.play();
  }

  pace(speed: number): void {
    if (this.element.playbackRate !== speed) this.element.playbackRate = speed;
  }

  pause(): void {
    this.asked = false;
    this.element.pause();
  }

  reload(frame: number): void {
    this.queue.clear();
    this.element.load();
    this.seek(frame);
  }

  volume(level: number, muted: boolean): void {
    this.element.volume = level;
    this.element.muted = muted;
  }

  close(): void {
    this.stop.abort();
    clearTimeout(this.looking);
    if ("cancelVideoFrameCallback" in this.element) this.element.cancelVideoFrameCallback(this.callback);
    this.element.pause();
  }
}
