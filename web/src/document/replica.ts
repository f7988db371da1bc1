/** A client's confirmed document: commits and states exactly as the server sent them. */

import { Change } from "./change";
import type { AnnotationState, Commit, Id } from "./model";
import { Table } from "./table";

/** Equal to the server's document (as far as one's audience goes) at each revision. */
export class Replica extends Table {
  /** Incarnation of the log that it is of; 0: it holds nothing yet. */
  epoch = 0;
  revision = 0;
  /** Server time of the last commit received. */
  timeMs = 0;

  /** Takes the next commit. Gives what it touched as it was before; undefined: it was not there. */
  apply(commit: Commit): Map<Id, AnnotationState | undefined> {
    const change = new Change(this, commit);
    commit.operations.forEach((operation, index) => change.apply(operation, index));
    const earlier = new Map([...change.touched.keys()].map((id) => [id, this.get(id)]));
    const presented = [...change.touched].filter(([id]) => this.get(id) === undefined && !change.created.has(id));
    this.put(presented.map(([, state]) => state));
    this.land(change.touched, change.created);
    this.revision = commit.revision;
    this.timeMs = commit.timeMs;
    return earlier;
  }

  /** Takes states at a revision, in the place of what was known of these annotations. */
  merge(states: Iterable<AnnotationState>, revision: number): void {
    this.put(states);
    this.revision = revision;
  }

  /** Takes a snapshot, in the place of everything. */
  restart(states: Iterable<AnnotationState>, revision: number, epoch: number): void {
    this.clear();
    this.put(states);
    this.revision = revision;
    this.epoch = epoch;
  }
}
