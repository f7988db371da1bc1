/** What is drawn on a frame by place: what lies in a part of the picture is found without looking at all of it. Pure. */
import type { Annotation, Id } from "../document";
import { inkBox, meets, type Bounds } from "./shape";

/** Side of a cell in units: a sixteenth of the picture's height. */
const CELL = 2048;
/** What covers more cells than this is looked at for every place. */
const MOST_CELLS = 64;

interface Entry {
  annotation: Annotation;
  box: Bounds;
  /** Its place in the drawing order. */
  order: number;
}

const keyOf = (column: number, row: number): number => column * 4096 + row;

export class Grid {
  private readonly entries = new Map<Id, Entry>();
  private readonly cells = new Map<number, Set<Entry>>();
  private readonly wide = new Set<Entry>();

  get size(): number {
    return this.entries.size;
  }

  get(id: Id): Annotation | undefined {
    return this.entries.get(id)?.annotation;
  }

  /** The part of the picture that an annotation colours. */
  boxOf(id: Id): Bounds | undefined {
    return this.entries.get(id)?.box;
  }

  /** Puts an annotation at a place of the drawing order, instead of what had its id. */
  put(annotation: Annotation, order: number): void {
    const before = this.entries.get(annotation.id);
    if (before?.annotation === annotation) {
      before.order = order;
      return;
    }
    this.remove(annotation.id);
    const entry = { annotation, box: inkBox(annotation), order };
    this.entries.set(annotation.id, entry);
    for (const cell of this.over(entry.box)) cell.add(entry);
  }

  remove(id: Id): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.entries.delete(id);
    for (const cell of this.over(entry.box)) cell.delete(entry);
  }

  clear(): void {
    this.entries.clear();
    this.cells.clear();
    this.wide.clear();
  }

  /** What may colour a part of the picture, in drawing order. */
  near(box: Bounds): Annotation[] {
    const found = new Set<Entry>();
    const take = (entry: Entry): void => {
      if (meets(entry.box, box)) found.add(entry);
    };
    this.wide.forEach(take);
    const range = cellsOf(box);
    if (range.count > this.cells.size) this.cells.forEach((cell) => cell.forEach(take));
    else forEachCell(range, (key) => this.cells.get(key)?.forEach(take));
    return [...found].sort((a, b) => a.order - b.order).map(({ annotation }) => annotation);
  }

  private over(box: Bounds): Set<Entry>[] {
    const range = cellsOf(box);
    if (range.count > MOST_CELLS) return [this.wide];
    const found: Set<Entry>[] = [];
    forEachCell(range, (key) => {
      const cell = this.cells.get(key) ?? new Set();
      this.cells.set(key, cell);
      found.push(cell);
    });
    return found;
  }
}

interface Range {
  left: number;
  top: number;
  right: number;
  bottom: number;
  count: number;
}

function cellsOf(box: Bounds): Range {
  const cell = (value: number): number => Math.floor(value / CELL);
  const [left, top, right, bottom] = [cell(box.left), cell(box.top), cell(box.right), cell(box.bottom)];
  return { left, top, right, bottom, count: (right - left + 1) * (bottom - top + 1) };
}

function forEachCell({ left, top, right, bottom }: Range, run: (key: number) => void): void {
  for (let column = left; column <= right; column++) for (let row = top; row <= bottom; row++) run(keyOf(column, row));
}
