/**
 * A file kept in pieces of one size, as it went by: which pieces a stream fills, what a request for a range can be answered from,
 * and which files go when there are too many. Pure.
 */

export const PIECE_BYTES = 256 * 1024;

/** What is known of a kept file. */
export interface Facts {
  /** Path of its address. */
  path: string;
  /** Names its content. */
  etag: string;
  contentType: string;
  sizeBytes: number;
  /** Bytes of it that are kept. */
  keptBytes: number;
  usedMs: number;
}

export interface Span {
  begin: number;
  /** After the last byte. */
  end: number;
}

/** The span that a Range header asks for; undefined: none that can be had. Without a header: all. */
export function spanOf(range: string | null, sizeBytes: number): Span | undefined {
  if (range === null) return { begin: 0, end: sizeBytes };
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim());
  const [first, last] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (!match || (first === "" && last === "")) return undefined;
  const begin = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  return begin < end ? { begin, end } : undefined;
}

/** Where the bytes of an answer lie in its file; undefined: it does not say. */
export function spanAnswered(status: number, contentRange: string | null, contentLength: string | null): (Span & { sizeBytes: number }) | undefined {
  if (status === 200) {
    const sizeBytes = Number(contentLength ?? NaN);
    return Number.isSafeInteger(sizeBytes) ? { begin: 0, end: sizeBytes, sizeBytes } : undefined;
  }
  const match = status === 206 ? /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? "") : null;
  return match ? { begin: Number(match[1]), end: Number(match[2]) + 1, sizeBytes: Number(match[3]) } : undefined;
}

/** Bytes of a piece: all but the last have the same. */
export function pieceBytes(index: number, sizeBytes: number): number {
  return Math.min(PIECE_BYTES, sizeBytes - index * PIECE_BYTES);
}

export interface Piece {
  index: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Cuts a stream of bytes into the whole pieces that are in it. */
export class Cutter {
  private piece: Uint8Array<ArrayBuffer> | undefined;
  private filled = 0;

  constructor(
    /** Where in the file the next byte is. */
    private at: number,
    private readonly sizeBytes: number,
  ) {}

  /** Takes what comes next. Gives the pieces that are whole now. */
  take(bytes: Uint8Array): Piece[] {
    const whole: Piece[] = [];
    let from = 0;
    while (from < bytes.length) {
      const index = Math.floor(this.at / PIECE_BYTES);
      const within = this.at - index * PIECE_BYTES;
      const wanted = pieceBytes(index, this.sizeBytes) - within;
      const part = bytes.subarray(from, from + wanted);
      if (within === 0) {
        this.piece = new Uint8Array(pieceBytes(index, this.sizeBytes));
        this.filled = 0;
      }
      // A stream that begins within a piece has only the rest of that.
      this.piece?.set(part, this.filled);
      this.filled += part.length;
      if (part.length === wanted && this.piece) {
        whole.push({ index, bytes: this.piece });
        this.piece = undefined;
      }
      this.at += part.length;
      from += part.length;
      if (wanted <= 0) break;
    }
    return whole;
  }
}

/** The files to give up so that at most so many bytes are kept: those that were not used for longest, never `but`. */
export function tooMany(kept: readonly Facts[], mostBytes: number, but: string): Facts[] {
  let sum = kept.reduce((all, { keptBytes }) => all + keptBytes, 0);
  const given: Facts[] = [];
  for (const facts of [...kept].sort((a, b) => a.usedMs - b.usedMs)) {
    if (sum <= mostBytes) break;
    if (facts.path === but) continue;
    given.push(facts);
    sum -= facts.keptBytes;
  }
  return given;
}
