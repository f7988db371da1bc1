/**
 * Timecode labels (SMPTE ST 12-1). Drop-frame leaves out labels, never frames: at 29.97 the first two of each minute that is
 * no tenth, at 59.94 the first four. Pure.
 */
import type { Rate } from "./clock";

/** Labels in a second: 24 at 23.976, 30 at 29.97. */
export function nominal(rate: Rate): number {
  return Math.max(1, Math.round(rate.num / rate.den));
}

/** Whether labels may be dropped at this rate. */
export function canDrop(rate: Rate): boolean {
  return rate.den === 1001 && rate.num % 30_000 === 0;
}

function labelsPerDay(rate: Rate, drop: boolean): number {
  const dropped = drop ? (nominal(rate) / 15) * (1440 - 144) : 0;
  return nominal(rate) * 86_400 - dropped;
}

function withDropped(count: number, rate: Rate): number {
  const perSecond = nominal(rate);
  const dropped = perSecond / 15;
  const tenMinutes = perSecond * 600 - dropped * 9;
  const tens = Math.floor(count / tenMinutes);
  const rest = count % tenMinutes;
  const number = count + dropped * 9 * tens;
  if (rest < perSecond * 60) return number;
  return number + dropped * (1 + Math.floor((rest - perSecond * 60) / (perSecond * 60 - dropped)));
}

/** The label of so many frames after 00:00:00:00; after a day it begins again. */
export function timecode(frames: number, rate: Rate, dropFrame = false): string {
  const perSecond = nominal(rate);
  const drop = dropFrame && canDrop(rate);
  const day = labelsPerDay(rate, drop);
  const count = ((frames % day) + day) % day;
  const number = drop ? withDropped(count, rate) : count;
  const seconds = Math.floor(number / perSecond);
  const two = (value: number): string => String(value).padStart(2, "0");
  const width = perSecond > 100 ? String(perSecond - 1).length : 2;
  const frame = String(number % perSecond).padStart(width, "0");
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${clock}${drop ? ";" : ":"}${frame}`;
}

const LABEL = /^(?:(\d{1,2})[:;.])?(?:(\d{1,2})[:;.])?(\d{1,2})[:;.,](\d{1,3})$/;

/** Frames after 00:00:00:00 of a label as people type it; undefined: it is none, or one that is dropped. */
export function parseTimecode(text: string, rate: Rate, dropFrame = false): number | undefined {
  const match = LABEL.exec(text.trim());
  if (!match) return undefined;
  const [hours, minutes, seconds, frame] = parts(match);
  const perSecond = nominal(rate);
  if (minutes > 59 || seconds > 59 || frame >= perSecond) return undefined;
  const allMinutes = hours * 60 + minutes;
  const number = (allMinutes * 60 + seconds) * perSecond + frame;
  if (!dropFrame || !canDrop(rate)) return number;
  const dropped = perSecond / 15;
  if (seconds === 0 && frame < dropped && minutes % 10 !== 0) return undefined;
  return number - dropped * (allMinutes - Math.floor(allMinutes / 10));
}

function parts(match: RegExpExecArray): [number, number, number, number] {
  // With three numbers the first is minutes: "1:02:03" is 1 minute, 2 seconds, frame 3.
  const numbers = match.slice(1).filter((each) => (each as string | undefined) !== undefined).map(Number);
  while (numbers.length < 4) numbers.unshift(0);
  return numbers as [number, number, number, number];
}

/** What a video's frames are called. */
export interface Labels {
  rate: Rate;
  /** Of the first frame: frames after 00:00:00:00. */
  start: number;
  dropFrame: boolean;
  /** Number of the first frame as people see it. */
  offset: number;
  /** Frames of uneven length: labels follow the time instead of the count. */
  seconds?: (frame: number) => number;
  /** The other way round: the frame nearest to a time. */
  nearest?: (seconds: number) => number;
}

/** The timecode of a frame. */
export function labelOf(labels: Labels, frame: number): string {
  const { rate, start, dropFrame, seconds } = labels;
  const passed = seconds ? Math.round((seconds(frame) - seconds(0)) * (rate.num / rate.den)) : frame;
  return timecode(start + passed, rate, dropFrame);
}

/** The frame that a person means by what they type: a timecode, a frame number, or a step such as +12. undefined: none. */
export function frameMeant(text: string, labels: Labels, now: number): number | undefined {
  const trimmed = text.trim();
  if (/^[+-]\d{1,9}$/.test(trimmed)) return now + Number(trimmed);
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed) - labels.offset;
  const frames = parseTimecode(trimmed, labels.rate, labels.dropFrame);
  if (frames === undefined) return undefined;
  const passed = frames - labels.start;
  if (!labels.seconds || !labels.nearest) return passed;
  const frame = labels.nearest(labels.seconds(0) + (passed * labels.rate.den) / labels.rate.num);
  // Far from any frame there is none of that name.
  return labelOf(labels, frame) === timecode(frames, labels.rate, labels.dropFrame) ? frame : undefined;
}
