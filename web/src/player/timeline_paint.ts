/** Paints the parts of the timeline: of hours of video only what is in sight. */
import type { FrameClock } from "./clock";
import { slots, spots, tickFrames, type Mark, type Scale, type Strip } from "./timeline_scale";
import type { WaveformSource } from "./waveform_source";

const MARK_PX = 7;
const TICK_PX = 92;
const COLORS = { note: "#e0a24e", done: "#6f6f6f", drawing: "#8f9bb3", wave: "#b9c3b4", tick: "#4a4a4a", label: "#8a8a8a", here: "#5b6b5c" } as const;

/** A canvas made as large as it is shown, empty; undefined: it cannot be painted. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | undefined {
  const density = Math.min(3, window.devicePixelRatio || 1);
  const [across, down] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d") ?? undefined;
  context?.setTransform(density, 0, 0, density, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Stills, each where its frames are. */
export function paintStills(context: CanvasRenderingContext2D, image: CanvasImageSource, strip: Strip, scale: Scale, height: number): void {
  for (const { left, width, sourceX, sourceY } of slots(strip, scale, height)) {
    context.drawImage(image, sourceX, sourceY, strip.tileWidth, strip.tileHeight, left, 0, width, height);
  }
}

/** How high a loudness is drawn: what is quiet shall be seen too. */
function heightOf(loudness: number): number {
  return Math.sign(loudness) * Math.abs(loudness) ** 0.6;
}

/** The sound, a column for each pixel. */
export function paintWave(context: CanvasRenderingContext2D, source: WaveformSource, clock: FrameClock, scale: Scale, top: number, height: number): void {
  const secondsAt = (x: number): number => {
    const place = scale.place(x);
    const frame = Math.floor(place);
    return clock.start(frame) - clock.start(0) + (place - frame) * clock.length(frame);
  };
  const [fromS, toS] = [secondsAt(0), secondsAt(scale.width)];
  const waveform = source.from(fromS, toS, (toS - fromS) / Math.max(1, scale.width));
  if (!waveform) return;
  context.fillStyle = COLORS.wave;
  const middle = top + height / 2;
  for (let x = 0, before = fromS; x < scale.width; x++) {
    const after = secondsAt(x + 1);
    const [least, most] = waveform.peak(before, Math.max(after, before + 1e-6));
    const [upper, lower] = [middle - (heightOf(most) * height) / 2, middle - (heightOf(least) * height) / 2];
    context.fillRect(x, upper, 1, Math.max(1, lower - upper));
    before = after;
  }
}

/** Notes and drawings: a dot where each begins, a bar over the frames of those that last. */
export function paintMarks(context: CanvasRenderingContext2D, marks: readonly Mark[], scale: Scale, top: number): void {
  for (const { first, last, kind } of marks) {
    if (last <= first || last < scale.first || first > scale.first + scale.visible) continue;
    context.fillStyle = `${COLORS[kind]}88`;
    context.fillRect(scale.left(first), top + 8, Math.max(2, scale.left(last + 1) - scale.left(first)), 3);
  }
  for (const { x, kind } of spots(marks, scale, MARK_PX)) {
    context.fillStyle = COLORS[kind];
    context.beginPath();
    if (kind === "drawing") context.rect(x - 1.5, top + 2, 3, 6);
    else context.arc(x, top + 5, 3, 0, Math.PI * 2);
    context.fill();
  }
}

/** Ticks with what their frames are called. */
export function paintRuler(context: CanvasRenderingContext2D, scale: Scale, rate: number, height: number, label: (frame: number) => string): void {
  const frames = tickFrames(scale, rate, TICK_PX);
  context.font = "10px ui-monospace, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace";
  context.textBaseline = "top";
  for (let frame = Math.floor(scale.first / frames) * frames; frame < scale.first + scale.visible && frame < scale.count; frame += frames) {
    const x = Math.round(scale.left(frame));
    context.fillStyle = COLORS.tick;
    context.fillRect(x, 0, 1, height);
    context.fillStyle = COLORS.label;
    context.fillText(label(frame), x + 4, 1);
  }
}

/** What of the video is here already. */
export function paintBuffered(context: CanvasRenderingContext2D, ranges: readonly (readonly [number, number])[], scale: Scale, top: number, height: number): void {
  context.fillStyle = COLORS.here;
  for (const [first, last] of ranges) {
    const [left, right] = [Math.max(0, scale.left(first)), Math.min(scale.width, scale.left(last + 1))];
    if (right > left) context.fillRect(left, top, right - left, height);
  }
}
