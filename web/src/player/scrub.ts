/**
 * Sound while one steps or drags: a short burst of what is heard at that place, which may lie within a frame.
 *
 * It comes from an element of its own on the same file, so that the picture's is not disturbed and hours of sound need no
 * memory; WebAudio fades each burst in and out, or every one would begin and end with a click.
 */
import type { FrameClock } from "./clock";

const FADE_S = 0.006;
const LEAST_MS = 45;
const MOST_MS = 120;

/** How long a burst lasts: as long as a frame, within what can be heard and what does not lag behind the hand. */
export function burstMs(frameS: number): number {
  return Math.max(LEAST_MS, Math.min(MOST_MS, frameS * 1000));
}

export class Scrub {
  private element: HTMLAudioElement | undefined;
  private context: AudioContext | undefined;
  private gain: GainNode | undefined;
  private wanted: number | undefined;
  private busy = false;
  private timer = 0;
  private level = 1;

  constructor(
    private readonly path: string,
    private readonly clock: FrameClock,
  ) {}

  /** Sounds a place: a frame, and how far one is into it. While a burst is heard, the latest place waits. */
  at(place: number, level: number): void {
    if (level <= 0) return;
    this.level = level;
    this.wanted = place;
    if (!this.busy) this.next();
  }

  /** Is silent at once. */
  stop(): void {
    this.wanted = undefined;
    clearTimeout(this.timer);
    this.element?.pause();
    this.busy = false;
  }

  close(): void {
    this.stop();
    this.element?.removeAttribute("src");
    this.element?.load();
    void this.context?.close();
    this.element = this.context = this.gain = undefined;
  }

  private ready(): HTMLAudioElement {
    if (this.element) return this.element;
    const element = new Audio(this.path);
    element.preload = "auto";
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.gain = this.context.createGain();
    this.gain.gain.value = 0;
    this.context.createMediaElementSource(element).connect(this.gain).connect(this.context.destination);
    element.addEventListener("seeked", () => (this.busy ? this.sound() : undefined));
    element.addEventListener("error", () => this.stop());
    return (this.element = element);
  }

  private next(): void {
    const place = this.wanted;
    this.wanted = undefined;
    this.busy = place !== undefined;
    if (place === undefined) return;
    const frame = Math.floor(place);
    this.ready().currentTime = this.clock.start(frame) + (place - frame) * this.clock.length(frame);
  }

  private sound(): void {
    const { element, context, gain } = this;
    if (!element || !context || !gain) return;
    void context.resume();
    fade(gain.gain, this.level, context.currentTime);
    // Where a page may not sound yet it is silent: nothing else depends on it.
    element.play().catch(() => this.stop());
    clearTimeout(this.timer);
    const lengthMs = burstMs(this.clock.length(0));
    this.timer = window.setTimeout(() => {
      fade(gain.gain, 0, context.currentTime);
      this.timer = window.setTimeout(() => {
        element.pause();
        this.next();
      }, FADE_S * 1000);
    }, lengthMs);
  }
}

function fade(gain: AudioParam, level: number, now: number): void {
  gain.cancelScheduledValues(now);
  gain.setValueAtTime(gain.value, now);
  gain.linearRampToValueAtTime(level, now + FADE_S);
}
