/** The waveform of a clip, fetched: its beginning at once, more of it as it comes into sight. */
import { signal } from "@preact/signals";
import { fineOffset, pieceBytes, readHead, waveformOf, type Waveform } from "./waveform";

/** Enough for the coarse level of eighteen hours, and for all of ten minutes. */
const FIRST_BYTES = 1 << 17;

async function bytesOf(path: string, from: number, to: number, stop: AbortSignal): Promise<ArrayBuffer> {
  const answer = await fetch(path, { headers: { Range: `bytes=${from}-${to - 1}` }, signal: stop });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  return answer.status === 206 ? bytes : bytes.slice(from, to);
}

export class WaveformSource {
  /** Grows when there is more to show. */
  readonly version = signal(0);
  private waveform: Waveform | undefined;
  private readonly asked = new Set<number>();
  private readonly stop = new AbortController();

  constructor(private readonly path: string) {
    // A timeline without its sound is still one: what cannot be fetched is not shown.
    this.begin().catch(() => undefined);
  }

  close(): void {
    this.stop.abort();
  }

  /** The waveform from one time to another in columns of so many seconds; what is missing of it is asked for. */
  from(fromS: number, toS: number, columnS: number): Waveform | undefined {
    const { waveform } = this;
    if (waveform?.wantsFine(columnS)) for (const piece of waveform.missing(fromS, toS)) void this.ask(waveform, piece);
    return waveform;
  }

  private async begin(): Promise<void> {
    let bytes = await bytesOf(this.path, 0, FIRST_BYTES, this.stop.signal);
    const head = readHead(bytes);
    if (head && bytes.byteLength < fineOffset(head)) bytes = await bytesOf(this.path, 0, fineOffset(head), this.stop.signal);
    this.waveform = waveformOf(bytes);
    this.version.value++;
  }

  private async ask(waveform: Waveform, piece: number): Promise<void> {
    if (this.asked.has(piece)) return;
    this.asked.add(piece);
    try {
      const [from, to] = pieceBytes(waveform.head, piece);
      waveform.put(piece, new Uint8Array(await bytesOf(this.path, from, to, this.stop.signal)));
      this.version.value++;
    } catch {
      // It is asked for again when it is looked at again.
    } finally {
      this.asked.delete(piece);
    }
  }
}
