/**
 * The annotations of one video by id, with their drawing order and threads: what server and client have in common.
 *
 * The states in it are immutable: a change replaces a state, so whoever holds one, or a list, holds a snapshot.
 */

import { compareDrawingOrder } from "./model";
import type { AnnotationState, Id } from "./model";

/** What a change can be made on. */
export interface Notes {
  /** The annotation, or undefined. */
  get(id: Id): AnnotationState | undefined;
  /** The first annotation of its thread; its own id if it is that, or not known. */
  root(id: Id): Id;
  /** All annotations of a thread, its root first. */
  thread(rootId: Id): Id[];
}

/** Annotations by id. Only this folder changes it. */
export class Table implements Notes {
  private states = new Map<Id, AnnotationState>();
  private readonly roots = new Map<Id, Id>();
  private readonly replies = new Map<Id, Id[]>();
  private newestRevision = 0;
  private newestIndex = 0;
  private inOrder = true;

  get size(): number {
    return this.states.size;
  }

  get(id: Id): AnnotationState | undefined {
    return this.states.get(id);
  }

  root(id: Id): Id {
    return this.roots.get(id) ?? id;
  }

  thread(rootId: Id): Id[] {
    return [rootId, ...(this.replies.get(rootId) ?? [])];
  }

  /** All, in drawing order: a new list. */
  get annotations(): AnnotationState[] {
    if (!this.inOrder) {
      const sorted = [...this.states.values()].sort(compareDrawingOrder);
      this.states = new Map(sorted.map((state) => [state.annotation.id, state]));
      this.inOrder = true;
    }
    return [...this.states.values()];
  }

  /** Forgets all. */
  clear(): void {
    this.states.clear();
    this.roots.clear();
    this.replies.clear();
    this.newestRevision = 0;
    this.newestIndex = 0;
    this.inOrder = true;
  }

  /** Adds or replaces whole annotations, in whatever order. */
  put(states: Iterable<AnnotationState>): void {
    for (const state of [...states].sort(compareDrawingOrder)) {
      const { id, parentId } = state.annotation;
      if (!this.states.has(id)) {
        this.place(state);
        this.addReply(id, parentId ? this.root(parentId) : id);
      }
      this.states.set(id, state);
    }
  }

  /** Takes over a change: new states, and the roots of what was created, in order. */
  land(touched: ReadonlyMap<Id, AnnotationState>, created: ReadonlyMap<Id, Id>): void {
    for (const [id, rootId] of created) {
      this.place(touched.get(id) as AnnotationState);
      this.addReply(id, rootId);
    }
    for (const [id, state] of touched) {
      this.states.set(id, state);
    }
  }

  private addReply(id: Id, rootId: Id): void {
    if (rootId !== id) {
      this.roots.set(id, rootId);
      const replies = this.replies.get(rootId);
      if (replies === undefined) {
        this.replies.set(rootId, [id]);
      } else {
        replies.push(id);
      }
    }
  }

  private place(state: AnnotationState): void {
    const { orderRevision, orderIndex } = state;
    if (orderRevision < this.newestRevision || (orderRevision === this.newestRevision && orderIndex < this.newestIndex)) {
      this.inOrder = false;
    } else {
      this.newestRevision = orderRevision;
      this.newestIndex = orderIndex;
    }
  }
}
