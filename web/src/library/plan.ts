/** How a file is sent: in how many parts at once, in pieces of what size, and how long it still takes. Pure. */

export interface Plan {
  parts: number;
  pieceBytes: number;
}

const MEGABYTE = 1_000_000;
const SMALL_BYTES = 20 * MEGABYTE;
const LARGE_BYTES = 1000 * MEGABYTE;
const PARTS = 4;

/** Small files go in one, all others in four parts at once, in pieces that a cut does not make one regret. */
export function planOf(sizeBytes: number): Plan {
  if (sizeBytes < SMALL_BYTES) return { parts: 1, pieceBytes: 10 * MEGABYTE };
  return { parts: PARTS, pieceBytes: sizeBytes < LARGE_BYTES ? 10 * MEGABYTE : 50 * MEGABYTE };
}

/** A part of a file: from `start` up to `end`. */
export interface Boundary {
  start: number;
  end: number;
}

/** Parts that together are the file, no two of one length: so the length of a part says which one it is. */
export function boundaries(sizeBytes: number, parts: number): Boundary[] {
  const each = Math.floor(sizeBytes / parts) - parts;
  const starts = [0];
  for (let part = 1; part < parts; part++) starts.push((starts[part - 1] ?? 0) + each + part);
  return starts.map((start, part) => ({ start, end: starts[part + 1] ?? sizeBytes }));
}

interface Sample {
  atMs: number;
  sent: number;
}

const WINDOW_MS = 8000;

/** How fast bytes went over the last seconds. */
export class Pace {
  private samples: Sample[] = [];

  /** So many bytes are sent now. */
  add(sent: number, atMs: number): void {
    this.samples.push({ atMs, sent });
    while (this.samples.length > 2 && atMs - (this.samples[0]?.atMs ?? atMs) > WINDOW_MS) this.samples.shift();
  }

  /** Begins anew, after a pause. */
  clear(): void {
    this.samples = [];
  }

  /** Bytes a second; 0: not known. */
  get bytesPerSecond(): number {
    const [first, last] = [this.samples[0], this.samples[this.samples.length - 1]];
    if (!first || !last || last.atMs - first.atMs < 500) return 0;
    return Math.max(0, ((last.sent - first.sent) * 1000) / (last.atMs - first.atMs));
  }
}

const MEDIA = /\.(mp4|m4v|mov|mkv|webm|avi|mxf|mpe?g|ts|mts|m2ts|wmv|flv|ogv|3gp|jpe?g|png|webp|avif|gif|tiff?|bmp|heic|exr|dpx|wav|aiff?|flac|mp3|m4a|aac|ogg|oga|opus|zip|tar)$/i;

/** What the file chooser offers. */
export const ACCEPT = "video/*,image/*,audio/*,.mxf,.mkv,.mts,.m2ts,.dpx,.exr,.zip,.tar";

/** Whether a file looks like a picture, a video, a sound or an archive; what it is, is found out when it is read. */
export function looksLikeMedia(name: string, type: string): boolean {
  return /^(video|image|audio)\//.test(type) || MEDIA.test(name);
}
