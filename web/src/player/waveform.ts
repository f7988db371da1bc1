/**
 * How loud a clip is, from the file that was made of it (docs/media.md): a coarse level for hours, and a fine one of which
 * only those pieces are here that were in sight. Pure.
 */

const MAGIC = 0x31565752; // "RWV1"
export const HEAD_BYTES = 20;
/** Pairs in a piece of the fine level: five minutes and a half. */
export const PIECE_PAIRS = 1 << 15;
const PIECES_MOST = 48;
const SILENCE = 128;

export interface WaveformHead {
  /** Fine pairs a second. */
  rate: number;
  fine: number;
  /** Fine pairs in a coarse one. */
  factor: number;
  coarse: number;
}

/** Reads the beginning of a file; undefined: it is none. */
export function readHead(bytes: ArrayBuffer): WaveformHead | undefined {
  const view = new DataView(bytes);
  if (view.byteLength < HEAD_BYTES || view.getUint32(0, true) !== MAGIC) return undefined;
  const [rate, fine, factor, coarse] = [4, 8, 12, 16].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  if (rate === 0 || factor === 0 || coarse !== Math.ceil(fine / factor)) return undefined;
  return { rate, fine, factor, coarse };
}

/** Where the coarse level ends and the fine one begins in the file. */
export function fineOffset(head: WaveformHead): number {
  return HEAD_BYTES + head.coarse * 2;
}

/** Where a piece of the fine level is in the file, first byte and the one after the last. */
export function pieceBytes(head: WaveformHead, piece: number): [number, number] {
  const from = fineOffset(head) + piece * PIECE_PAIRS * 2;
  return [from, Math.min(from + PIECE_PAIRS * 2, fineOffset(head) + head.fine * 2)];
}

export class Waveform {
  private readonly pieces = new Map<number, Uint8Array>();

  constructor(
    readonly head: WaveformHead,
    private readonly coarse: Uint8Array,
  ) {}

  /** Takes a piece of the fine level; of too many the one that came first goes. */
  put(piece: number, pairs: Uint8Array): void {
    this.pieces.set(piece, pairs);
    const [oldest] = this.pieces.keys();
    if (this.pieces.size > PIECES_MOST && oldest !== undefined) this.pieces.delete(oldest);
  }

  /** Whether columns of so many seconds show more than the coarse level has. */
  wantsFine(columnS: number): boolean {
    return columnS * this.head.rate < this.head.factor;
  }

  /** Pieces of the fine level that are not here, of those from one time to another. */
  missing(fromS: number, toS: number): number[] {
    const last = Math.min(this.head.fine, Math.ceil(toS * this.head.rate)) - 1;
    const first = Math.max(0, Math.floor(fromS * this.head.rate));
    const missing: number[] = [];
    for (let piece = Math.floor(first / PIECE_PAIRS); piece * PIECE_PAIRS <= last; piece++) {
      if (!this.pieces.has(piece)) missing.push(piece);
    }
    return missing;
  }

  /** Least and most, -1 to 1, from one time to another: of the fine level where it is here and fine enough to matter. */
  peak(fromS: number, toS: number): [number, number] {
    if (this.wantsFine(toS - fromS) && this.missing(fromS, toS).length === 0) {
      return this.over(fromS * this.head.rate, toS * this.head.rate, this.head.fine, (at) => {
        const pairs = this.pieces.get(Math.floor(at / PIECE_PAIRS));
        const place = (at % PIECE_PAIRS) * 2;
        return [pairs?.[place] ?? SILENCE, pairs?.[place + 1] ?? SILENCE];
      });
    }
    const rate = this.head.rate / this.head.factor;
    return this.over(fromS * rate, toS * rate, this.head.coarse, (at) => [this.coarse[at * 2] ?? SILENCE, this.coarse[at * 2 + 1] ?? SILENCE]);
  }

  private over(from: number, to: number, count: number, pair: (at: number) => [number, number]): [number, number] {
    const first = Math.max(0, Math.floor(from));
    const end = Math.min(count, Math.max(first + 1, Math.ceil(to)));
    let [least, most] = [255, 0];
    for (let at = first; at < end; at++) {
      const [low, high] = pair(at);
      least = Math.min(least, low);
      most = Math.max(most, high);
    }
    return least > most ? [0, 0] : [(least - SILENCE) / SILENCE, (most - SILENCE) / SILENCE];
  }
}

/** The waveform of the first bytes of a file, all of its coarse level among them, with what they have of the fine one. */
export function waveformOf(bytes: ArrayBuffer): Waveform | undefined {
  const head = readHead(bytes);
  if (!head || bytes.byteLength < fineOffset(head)) return undefined;
  const waveform = new Waveform(head, new Uint8Array(bytes, HEAD_BYTES, head.coarse * 2));
  for (let piece = 0; piece * PIECE_PAIRS < head.fine; piece++) {
    const [from, to] = pieceBytes(head, piece);
    if (to > bytes.byteLength) break;
    waveform.put(piece, new Uint8Array(bytes, from, to - from));
  }
  return waveform;
}
