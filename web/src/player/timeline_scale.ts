/** Frames on a line of so many pixels, all of them or a part. Pure. */

/** Nearer than this nothing more is to be seen. */
const FRAME_PX_MOST = 48;
/** Where a frame that came out of sight is shown again: so far from the edge. */
const REVEAL_SHARE = 0.08;

export class Scale {
  /** First frame in sight, with how much of it is out of sight. */
  readonly first: number;
  /** How many frames are in sight. */
  readonly visible: number;

  constructor(
    readonly count: number,
    readonly width: number,
    first = 0,
    visible = count,
  ) {
    const least = Math.min(count, width / FRAME_PX_MOST);
    this.visible = Math.max(1, least, Math.min(count, visible));
    this.first = Math.max(0, Math.min(count - this.visible, first));
  }

  /** Pixels of a frame. */
  get step(): number {
    return this.width / this.visible;
  }

  /** Whether all frames are in sight. */
  get whole(): boolean {
    return this.visible >= this.count;
  }

  /** Left edge of a frame. */
  left(frame: number): number {
    return (frame - this.first) * this.step;
  }

  /** Middle of a frame. */
  middle(frame: number): number {
    return this.left(frame + 0.5);
  }

  /** What is at a place: a frame, and how far one is into it. */
  place(x: number): number {
    const place = this.first + x / Math.max(1e-9, this.step);
    return Math.max(0, Math.min(this.count - 1e-6, place));
  }

  /** The frame at a place. */
  frame(x: number): number {
    return Math.floor(this.place(x));
  }

  /** Whether a frame is in sight. */
  shows(frame: number): boolean {
    return frame + 1 > this.first && frame < this.first + this.visible;
  }

  /** The same frames on another width. */
  onWidth(width: number): Scale {
    return new Scale(this.count, width, this.first, this.visible);
  }

  /** Nearer by a factor, so that what is at a place stays there. */
  zoomed(factor: number, x: number): Scale {
    const at = this.first + x / Math.max(1e-9, this.step);
    const { visible } = new Scale(this.count, this.width, 0, this.visible / factor);
    return new Scale(this.count, this.width, at - (x / Math.max(1, this.width)) * visible, visible);
  }

  /** On by so many pixels. */
  panned(pixels: number): Scale {
    return new Scale(this.count, this.width, this.first + pixels / Math.max(1e-9, this.step), this.visible);
  }

  /** From one frame to another. */
  spanning(first: number, end: number): Scale {
    return new Scale(this.count, this.width, first, end - first);
  }

  /** With a frame in sight: the page is turned when it is not. */
  revealing(frame: number): Scale {
    if (this.shows(frame)) return this;
    const margin = this.visible * REVEAL_SHARE;
    const first = frame < this.first && frame > this.first - this.visible ? frame + 1 - this.visible + margin : frame - margin;
    return new Scale(this.count, this.width, first, this.visible);
  }

  /** All frames. */
  all(): Scale {
    return new Scale(this.count, this.width);
  }
}

export interface Strip {
  columns: number;
  tiles: number;
  framesPerTile: number;
  tileWidth: number;
  tileHeight: number;
}

export interface Slot {
  /** Where it stands on the line. */
  left: number;
  width: number;
  /** What of the picture is shown there. */
  sourceX: number;
  sourceY: number;
}

/** Which still of a filmstrip stands for a frame. */
export function tileOf(strip: Strip, frame: number): number {
  return Math.max(0, Math.min(strip.tiles - 1, Math.round(frame / strip.framesPerTile)));
}

/** Where a still is in the picture of all. */
export function sourceOf(strip: Strip, tile: number): { x: number; y: number } {
  return { x: (tile % strip.columns) * strip.tileWidth, y: Math.floor(tile / strip.columns) * strip.tileHeight };
}

/** The stills in sight, each in its own shape; they stand on frames, so that they move along when the line does. */
export function slots(strip: Strip, scale: Scale, height: number): Slot[] {
  if (strip.tiles < 1 || strip.tileHeight <= 0 || height <= 0) return [];
  const width = Math.max(8, (strip.tileWidth / strip.tileHeight) * height);
  const frames = width / scale.step;
  const list: Slot[] = [];
  for (let at = Math.floor(scale.first / frames); at * frames < scale.first + scale.visible; at++) {
    const { x, y } = sourceOf(strip, tileOf(strip, Math.min(scale.count - 1, Math.floor((at + 0.5) * frames))));
    list.push({ left: scale.left(at * frames), width, sourceX: x, sourceY: y });
  }
  return list;
}

export interface Mark {
  first: number;
  last: number;
  kind: "note" | "drawing" | "done";
}

/** Marks in sight; those that would stand on the same pixels are one: a thousand notes are as quick as ten. */
export function spots(marks: readonly Mark[], scale: Scale, size: number): { x: number; kind: Mark["kind"] }[] {
  const rank = { drawing: 0, done: 1, note: 2 };
  const best = new Map<number, Mark["kind"]>();
  for (const mark of marks) {
    if (!scale.shows(mark.first)) continue;
    const cell = Math.floor(scale.middle(mark.first) / size);
    const held = best.get(cell);
    if (held === undefined || rank[mark.kind] > rank[held]) best.set(cell, mark.kind);
  }
  return [...best].map(([cell, kind]) => ({ x: (cell + 0.5) * size, kind })).sort((a, b) => a.x - b.x);
}

/** Frames from one tick of a ruler to the next: at least so many pixels apart, and on seconds as soon as that far. */
export function tickFrames(scale: Scale, rate: number, leastPx: number): number {
  const least = leastPx / scale.step;
  const second = Math.max(1, Math.round(rate));
  const steps = [1, 2, 5, 10, ...[1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200].map((each) => each * second)];
  return steps.find((each) => each >= least && (each < second || each % second === 0)) ?? second * 14_400;
}
