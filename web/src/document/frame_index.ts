/** Which notes a frame shows, kept up to date by what changed, so that a repaint does not look at the whole document. */

import { compareDrawingOrder } from "./model";
import type { Annotation, AnnotationState, Id } from "./model";
import type { Screen } from "./screen";

/** Frames that share one bucket. */
const BUCKET = 32;
/** Notes over more buckets than this are looked at for every frame. */
const MOST_BUCKETS = 64;

interface Place {
  readonly first: number;
  readonly last: number;
}

/** Notes by frame. Give it the ids of each changed event. */
export class FrameIndex {
  private readonly places = new Map<Id, Place>();
  private readonly buckets = new Map<number, Set<Id>>();
  private readonly wide = new Set<Id>();

  constructor(private readonly screen: Pick<Screen, "get" | "annotations">) {
    this.update(undefined);
  }

  /** Follows a changed event; undefined: everything changed. */
  update(ids: ReadonlySet<Id> | undefined): void {
    if (ids === undefined) {
      this.places.clear();
      this.buckets.clear();
      this.wide.clear();
      for (const state of this.screen.annotations) {
        this.put(state);
      }
      return;
    }
    for (const id of ids) {
      this.take(id);
      const state = this.screen.get(id);
      if (state !== undefined) {
        this.put(state);
      }
    }
  }

  /** What a frame shows, in drawing order; deleted notes are left out. */
  on(frame: number): AnnotationState[] {
    const shown: AnnotationState[] = [];
    for (const ids of [this.buckets.get(Math.floor(frame / BUCKET)) ?? [], this.wide]) {
      for (const id of ids) {
        const state = this.screen.get(id);
        if (state !== undefined && state.annotation.firstFrame <= frame && frame <= state.annotation.lastFrame) {
          shown.push(state);
        }
      }
    }
    return shown.sort(compareDrawingOrder);
  }

  /** What shows on any of these frames, in drawing order; deleted notes are left out. */
  between(first: number, last: number): AnnotationState[] {
    const ids = new Set(this.wide);
    for (let bucket = Math.floor(first / BUCKET); bucket <= Math.floor(last / BUCKET); bucket++) {
      for (const id of this.buckets.get(bucket) ?? []) {
        ids.add(id);
      }
    }
    const shown = [...ids].map((id) => this.screen.get(id) as AnnotationState);
    return shown
      .filter(({ annotation }) => annotation.firstFrame <= last && first <= annotation.lastFrame)
      .sort(compareDrawingOrder);
  }

  /** The last frame before this one that shows a note which counts; undefined: none. */
  lastBefore(frame: number, counts: (annotation: Annotation) => boolean): number | undefined {
    let found: number | undefined;
    const look = (ids: Iterable<Id>): void => {
      for (const id of ids) {
        const annotation = this.screen.get(id)?.annotation;
        if (annotation !== undefined && annotation.firstFrame < frame && counts(annotation)) {
          found = Math.max(found ?? 0, Math.min(frame - 1, annotation.lastFrame));
        }
      }
    };
    look(this.wide);
    for (let bucket = Math.floor((frame - 1) / BUCKET); bucket >= 0; bucket--) {
      // A note is in the bucket of its last frame, or of this one: what lies before that of what was found is earlier.
      if (found !== undefined && Math.floor(found / BUCKET) > bucket) {
        break;
      }
      look(this.buckets.get(bucket) ?? []);
    }
    return found;
  }

  /** First and last frames of all notes that are not deleted, for a timeline. */
  get frames(): IterableIterator<readonly [Id, Place]> {
    return this.places.entries();
  }

  private put({ annotation }: AnnotationState): void {
    if (annotation.deleted) {
      return;
    }
    const { id, firstFrame, lastFrame } = annotation;
    this.places.set(id, { first: firstFrame, last: lastFrame });
    for (const bucket of this.bucketsOf(firstFrame, lastFrame)) {
      bucket.add(id);
    }
  }

  private take(id: Id): void {
    const place = this.places.get(id);
    if (place !== undefined) {
      this.places.delete(id);
      for (const bucket of this.bucketsOf(place.first, place.last)) {
        bucket.delete(id);
      }
    }
  }

  private bucketsOf(firstFrame: number, lastFrame: number): Set<Id>[] {
    const first = Math.floor(firstFrame / BUCKET);
    const last = Math.floor(lastFrame / BUCKET);
    if (last - first >= MOST_BUCKETS) {
      return [this.wide];
    }
    const found: Set<Id>[] = [];
    for (let at = first; at <= last; at++) {
      const bucket = this.buckets.get(at) ?? new Set<Id>();
      this.buckets.set(at, bucket);
      found.push(bucket);
    }
    return found;
  }
}
