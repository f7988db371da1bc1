/** Frames on a line of so many pixels. Pure. */
export class Scale {
  constructor(
    readonly count: number,
    readonly width: number,
  ) {}

  /** Pixels of a frame, at least one. */
  get step(): number {
    return Math.max(1, this.width / Math.max(1, this.count));
  }

  /** Left edge of a frame. */
  left(frame: number): number {
    return (frame / Math.max(1, this.count)) * this.width;
  }

  /** Middle of a frame. */
  middle(frame: number): number {
    return ((frame + 0.5) / Math.max(1, this.count)) * this.width;
  }

  /** The frame at a place. */
  frame(x: number): number {
    const frame = Math.floor((x / Math.max(1, this.width)) * this.count);
    return Math.max(0, Math.min(this.count - 1, frame));
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

/** The stills along a line of so many pixels, each in its own shape. */
export function slots(strip: Strip, scale: Scale, height: number): Slot[] {
  if (strip.tiles < 1 || strip.tileHeight <= 0 || height <= 0) return [];
  const width = Math.max(8, (strip.tileWidth / strip.tileHeight) * height);
  const list: Slot[] = [];
  for (let left = 0; left < scale.width; left += width) {
    const { x, y } = sourceOf(strip, tileOf(strip, scale.frame(left + width / 2)));
    list.push({ left, width, sourceX: x, sourceY: y });
  }
  return list;
}

export interface Mark {
  first: number;
  last: number;
  kind: "note" | "drawing" | "done";
}

/** Marks that would stand on the same pixels, together: a thousand notes are as quick as ten. */
export function spots(marks: readonly Mark[], scale: Scale, size: number): { x: number; kind: Mark["kind"] }[] {
  const rank = { drawing: 0, done: 1, note: 2 };
  const best = new Map<number, Mark["kind"]>();
  for (const mark of marks) {
    const cell = Math.floor(scale.middle(mark.first) / size);
    const held = best.get(cell);
    if (held === undefined || rank[mark.kind] > rank[held]) best.set(cell, mark.kind);
  }
  return [...best].map(([cell, kind]) => ({ x: (cell + 0.5) * size, kind })).sort((a, b) => a.x - b.x);
}
