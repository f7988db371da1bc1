/** What a person sees: the confirmed document, on it what was sent (as it applies now), then what is unsent. */

import { Change } from "./change";
import type { AnnotationState, Id } from "./model";
import type { Item, Sent } from "./pending_item";
import * as rebase from "./rebase";
import type { Replica } from "./replica";
import type { Edit } from "./text";

/** Read it by `get` and `annotations`; what is in it is never modified. */
export class Screen {
  private change: Change;
  private shown = 0;

  constructor(private readonly confirmed: Replica) {
    this.change = this.begin("", "");
  }

  /** The annotation, or undefined. */
  get(id: Id): AnnotationState | undefined {
    return this.change.get(id);
  }

  /** The first annotation of its thread; its own id if it is that. */
  root(id: Id): Id {
    return this.change.root(id);
  }

  /** All annotations of a thread, its root first. */
  thread(rootId: Id): Id[] {
    return this.change.thread(rootId);
  }

  /** Whether work on it is not confirmed yet. */
  isPending(id: Id): boolean {
    return this.change.touched.has(id);
  }

  /** All, in drawing order, what is pending last: a new list. To follow changes, read what a changed event names. */
  get annotations(): AnnotationState[] {
    const { touched, created } = this.change;
    if (touched.size === 0) {
      return this.confirmed.annotations;
    }
    const shown = this.confirmed.annotations.map((state) => touched.get(state.annotation.id) ?? state);
    shown.push(...[...created.keys()].map((id) => touched.get(id) as AnnotationState));
    return shown;
  }

  /** Shows the work anew on what is confirmed now. Gives what pending work touched before or touches now. */
  rebuild(sent: Iterable<Sent>, unsent: Iterable<Item>, personId: string, clientId: Id): Set<Id> {
    const touched = new Set(this.change.touched.keys());
    const change = this.begin(personId, clientId);
    for (const batch of sent) {
      rebase.show(change, batch.items);
      change.begin(change.revision + 1);
    }
    this.change = change;
    this.shown = 0;
    for (const item of unsent) {
      rebase.showOne(change, item, this.shown++);
    }
    for (const id of change.touched.keys()) {
      touched.add(id);
    }
    return touched;
  }

  /** Shows more unsent work. Gives what it touched. */
  add(items: Iterable<Item>): Set<Id> {
    this.change.begin(this.change.revision);
    const touched = new Set<Id>();
    for (const item of items) {
      rebase.showOne(this.change, item, this.shown++);
      touched.add(item.target);
    }
    return touched;
  }

  /** Shows an edit of the text on the screen, which is composed into unsent work. Gives what it touched. */
  edit(id: Id, typed: Edit): Set<Id> {
    this.change.begin(this.change.revision);
    const now = this.change.get(id);
    if (now !== undefined) {
      this.change.editText(id, now, typed);
    }
    return new Set([id]);
  }

  private begin(personId: string, clientId: Id): Change {
    const { revision, timeMs } = this.confirmed;
    return new Change(this.confirmed, { revision: revision + 1, personId, clientId, timeMs });
  }
}
