import { describe, expect, test } from "vitest";
import { levelFor, peakOf, readWaveform } from "./waveform";

/** A file as it is written: levels of [rate, pairs]. */
function file(levels: readonly [number, number[]][]): ArrayBuffer {
  const head = 8 + levels.length * 16;
  const bytes = new Uint8Array(head + levels.reduce((sum, [, pairs]) => sum + pairs.length, 0));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RWAV"));
  view.setUint16(4, 1, true);
  view.setUint16(6, levels.length, true);
  let offset = head;
  levels.forEach(([rate, pairs], at) => {
    [pairs.length / 2, rate, 1, offset].forEach((value, field) => view.setUint32(8 + at * 16 + field * 4, value, true));
    bytes.set(pairs, offset);
    offset += pairs.length;
  });
  return bytes.buffer;
}

const COARSE: [number, number[]] = [1, [0, 255, 100, 156]];
const FINE: [number, number[]] = [4, [0, 128, 64, 192, 128, 255, 128, 128, 100, 156, 128, 128, 128, 128, 128, 128]];

describe("the file of peaks", () => {
  test("is read level by level", () => {
    const waveform = readWaveform(file([COARSE, FINE]))!;
    expect(waveform.levels.map(({ rate, count }) => [rate, count])).toEqual([[1, 2], [4, 8]]);
    expect(peakOf(waveform.levels[0]!, 0, 1)).toEqual([-1, 127 / 128]);
    expect(peakOf(waveform.levels[1]!, 0.25, 0.5)).toEqual([-0.5, 0.5]);
    expect(peakOf(waveform.levels[1]!, 0, 2)).toEqual([-1, 127 / 128]);
  });
  test("the beginning of a file has the coarse level, and the fine one only when all of it is there", () => {
    const whole = file([COARSE, FINE]);
    const waveform = readWaveform(whole.slice(0, 8 + 32 + 4 + 3))!;
    expect(levelFor(waveform, 0.25)?.rate).toBe(1);
    expect(levelFor(readWaveform(whole)!, 0.25)?.rate).toBe(4);
    expect(levelFor(readWaveform(whole)!, 10)?.rate).toBe(1);
    expect(levelFor(readWaveform(whole)!, 0.001)?.rate).toBe(4);
  });
  test("beyond its end there is silence", () => {
    expect(peakOf(readWaveform(file([COARSE]))!.levels[0]!, 7, 9)).toEqual([0, 0]);
  });
  test("what is no such file is none, however it is cut", () => {
    const whole = file([COARSE, FINE]);
    for (let length = 0; length < 40; length++) expect(readWaveform(whole.slice(0, length))).toBeUndefined();
    const other = new Uint8Array(whole.slice(0));
    other[0] = 0;
    expect(readWaveform(other.buffer)).toBeUndefined();
    expect(readWaveform(file([[0, [1, 2]]]))).toBeUndefined();
  });
});
