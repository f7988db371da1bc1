/** What is drawn on the frame that is looked at, in drawing order and by place, and what of it changed. Pure. */
import type { Annotation, Id } from "../document";
import { Grid } from "./grid";
import { inkBox, type Bounds } from "./shape";

/** What a repaint must do. */
export interface Change {
  /** Everything is another: nothing of what was painted is of use. */
  all: boolean;
  /** Parts of the picture where something lies otherwise than it did. */
  places: readonly Bounds[];
  /** What came on top of the rest. */
  added: readonly Annotation[];
}

const NOTHING: Change = { all: false, places: [], added: [] };
const ALL: Change = { all: true, places: [], added: [] };

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function sameMembers(a: object | undefined, b: object | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return Object.entries(a).every(([name, value]) => (b as Record<string, unknown>)[name] === value);
}

/** Whether both look the same: a note that was only saved does. */
export function sameLook(a: Annotation, b: Annotation): boolean {
  if (a === b) return true;
  return (
    a.kind === b.kind &&
    a.mode === b.mode &&
    a.text === b.text &&
    sameMembers(a.position, b.position) &&
    sameMembers(a.box, b.box) &&
    sameMembers(a.style, b.style) &&
    sameNumbers(a.points, b.points) &&
    sameNumbers(a.pressure, b.pressure)
  );
}

/** What is different of a list in drawing order. */
export function changeOf(before: readonly Annotation[], after: readonly Annotation[]): Change {
  let same = 0;
  for (; same < before.length && same < after.length; same++) {
    const [a, b] = [before[same] as Annotation, after[same] as Annotation];
    if (a.id !== b.id || !sameLook(a, b)) break;
  }
  if (same === before.length) return same === after.length ? NOTHING : { all: false, places: [], added: after.slice(same) };
  const places: Bounds[] = [];
  const old = new Map<Id, { annotation: Annotation; at: number }>();
  for (let at = same; at < before.length; at++) {
    const annotation = before[at] as Annotation;
    old.set(annotation.id, { annotation, at });
  }
  let latest = -1;
  for (const annotation of after.slice(same)) {
    const was = old.get(annotation.id);
    old.delete(annotation.id);
    // Of two that changed places in the order, the one that now comes later lay below.
    const moved = was !== undefined && was.at < latest;
    if (was) latest = Math.max(latest, was.at);
    if (was && !moved && sameLook(was.annotation, annotation)) continue;
    places.push(inkBox(annotation));
    if (was && !moved) places.push(inkBox(was.annotation));
  }
  for (const { annotation } of old.values()) places.push(inkBox(annotation));
  return { all: false, places, added: [] };
}

/** Two changes, one after the other, as one. */
export function together(first: Change, then: Change): Change {
  if (first.all || then.all) return ALL;
  const places = [...first.places, ...then.places];
  if (places.length === 0) return { all: false, places, added: [...first.added, ...then.added] };
  // What changed since it came on top is painted as it is now, with what lies around it.
  return { all: false, places: [...places, ...first.added.map(inkBox), ...then.added.map(inkBox)], added: [] };
}

export class Sheet {
  list: readonly Annotation[] = [];
  private readonly places = new Grid();
  /** The list that the places are of. */
  private placed: readonly Annotation[] = [];
  private subject = "";
  private pending = NOTHING;

  /** The list by place; what changed is put there when somebody asks, so that a frame that is only shown costs nothing of it. */
  get grid(): Grid {
    const [before, { list, places }] = [this.placed, this];
    if (before === list) return places;
    this.placed = list;
    const kept = new Set(list.map(({ id }) => id));
    for (const { id } of before) if (!kept.has(id)) places.remove(id);
    let same = 0;
    while (same < before.length && before[same] === list[same]) same++;
    for (let at = same; at < list.length; at++) places.put(list[at] as Annotation, at);
    return places;
  }

  /** What changed since this was asked for last. */
  take(): Change {
    const change = this.pending;
    this.pending = NOTHING;
    return change;
  }

  /** What is to be seen now. Another subject (another frame) is nothing that changed of the one before. */
  update(subject: string, list: readonly Annotation[]): void {
    const before = this.list;
    if (subject === this.subject && list === before) return;
    this.list = list;
    this.pending = together(this.pending, subject === this.subject ? changeOf(before, list) : ALL);
    if (subject === this.subject) return;
    this.subject = subject;
    this.places.clear();
    this.placed = [];
  }
}
