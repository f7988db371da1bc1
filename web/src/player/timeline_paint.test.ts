import { expect, test } from "vitest";
import { FrameClock } from "./clock";
import { paintBuffered, paintMarks, paintRuler, paintStills, paintWave } from "./timeline_paint";
import { Scale, type Mark } from "./timeline_scale";
import { waveformOf } from "./waveform";
import type { WaveformSource } from "./waveform_source";

const RATE = { num: 30, den: 1 };
const TEN_HOURS = 10 * 3600 * 30;

/** A context that counts what is painted, and where. */
function counting(): { context: CanvasRenderingContext2D; calls: () => number; xs: number[] } {
  const xs: number[] = [];
  const paint = (_: unknown, x: number): void => void xs.push(x);
  const context = {
    fillRect: (x: number) => paint(0, x),
    rect: (x: number) => paint(0, x),
    arc: (x: number) => paint(0, x),
    fillText: paint,
    drawImage: (...place: number[]) => paint(0, place[5] ?? NaN),
    beginPath: () => undefined,
    fill: () => undefined,
  } as unknown as CanvasRenderingContext2D;
  return { context, calls: () => xs.length, xs };
}

/** Ten hours of coarse pairs, none of the fine ones. */
function source(): WaveformSource {
  const bytes = new DataView(new ArrayBuffer(20 + 36_000 * 2));
  [0x31565752, 100, 3_600_000, 100, 36_000].forEach((value, at) => bytes.setUint32(at * 4, value, true));
  const waveform = waveformOf(bytes.buffer);
  return { from: () => waveform } as unknown as WaveformSource;
}

test("of ten hours with ten thousand notes no more is painted than there are pixels, however near one looks", () => {
  const clock = new FrameClock(TEN_HOURS, RATE);
  const marks = Array.from({ length: 10_000 }, (_, at): Mark => ({ first: at * 108, last: at * 108, kind: at % 3 ? "note" : "drawing" }));
  const strip = { columns: 10, tiles: 400, framesPerTile: TEN_HOURS / 400, tileWidth: 160, tileHeight: 90 };
  const held = source();
  const width = 1200;
  for (let scale = new Scale(TEN_HOURS, width); scale.step < 40; scale = scale.zoomed(1.5, 900)) {
    const { context, calls, xs } = counting();
    paintStills(context, {} as CanvasImageSource, strip, scale, 44);
    paintWave(context, held, clock, scale, 22, 22);
    paintMarks(context, marks, scale, 13);
    paintRuler(context, scale, clock.rate, 13, String);
    paintBuffered(context, [[0, 500], [TEN_HOURS / 2, TEN_HOURS - 1]], scale, 44, 2);
    expect(calls()).toBeLessThan(width + width / 7 + 70);
    expect(Math.min(...xs)).toBeGreaterThan(-100 - width / 10);
    expect(Math.max(...xs)).toBeLessThan(width + 100);
  }
});
