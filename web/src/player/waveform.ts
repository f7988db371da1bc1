/**
 * The sound of a clip as peaks, in one small file. Pure.
 *
 * Little-endian: "RWAV", uint16 version (1), uint16 number of levels; then each level, the coarsest first: uint32 pairs,
 * uint32 rate numerator, uint32 rate denominator (pairs a second), uint32 offset in the file. A pair is two bytes, the
 * least and the most of its time over all channels, 0 to 255 with silence at 128. The coarse level stands first, so that
 * the beginning of the file is enough to show hours of sound.
 */

const MAGIC = 0x56415752; // "RWAV"
const HEAD_BYTES = 8;
const LEVEL_BYTES = 16;
const SILENCE = 128;
const MOST_LEVELS = 16;

export interface Level {
  /** Pairs a second. */
  rate: number;
  /** How many pairs there are. */
  count: number;
  /** Least and most in turn; what of the file is not here yet is missing at the end. */
  pairs: Uint8Array;
}

export interface Waveform {
  /** The coarsest first. */
  levels: readonly Level[];
}

/** Reads a file, or the beginning of one; undefined: it is none. */
export function readWaveform(bytes: ArrayBuffer): Waveform | undefined {
  const view = new DataView(bytes);
  if (view.byteLength < HEAD_BYTES || view.getUint32(0, true) !== MAGIC || view.getUint16(4, true) !== 1) return undefined;
  const number = view.getUint16(6, true);
  if (number < 1 || number > MOST_LEVELS || view.byteLength < HEAD_BYTES + number * LEVEL_BYTES) return undefined;
  const levels: Level[] = [];
  for (let at = HEAD_BYTES; levels.length < number; at += LEVEL_BYTES) {
    const [count, num, den, offset] = [0, 4, 8, 12].map((field) => view.getUint32(at + field, true)) as [number, number, number, number];
    if (num === 0 || den === 0) return undefined;
    const from = Math.min(offset, view.byteLength);
    const to = Math.min(offset + count * 2, view.byteLength);
    levels.push({ rate: num / den, count, pairs: new Uint8Array(bytes, from, to - from) });
  }
  return { levels };
}

/** The coarsest level that still has a pair for each column of so many seconds, and is here; else the finest that is. */
export function levelFor({ levels }: Waveform, columnS: number): Level | undefined {
  const here = [...levels].filter(({ pairs, count }) => pairs.length >= count * 2).sort((a, b) => a.rate - b.rate);
  return here.find(({ rate }) => rate * columnS >= 1) ?? here.at(-1);
}

/** Least and most, -1 to 1, of a level from one time to another. */
export function peakOf(level: Level, fromS: number, toS: number): [number, number] {
  const first = Math.max(0, Math.floor(fromS * level.rate));
  const last = Math.min(level.count, level.pairs.length >> 1, Math.max(first + 1, Math.ceil(toS * level.rate)));
  let [least, most] = [255, 0];
  for (let at = first; at < last; at++) {
    least = Math.min(least, level.pairs[at * 2] ?? SILENCE);
    most = Math.max(most, level.pairs[at * 2 + 1] ?? SILENCE);
  }
  return least > most ? [0, 0] : [(least - SILENCE) / SILENCE, (most - SILENCE) / SILENCE];
}
