/** What others did, while one was away, to the same notes that one worked on: said once all is sent. Pure. */
import { commitFromMessage, type Id, type Operation } from "../document";
import type { Committed } from "../gen/rushes/annotation/v1/annotation_service_pb";

export type Change = "move" | "text" | "deletion" | "other";

export interface Merged {
  personId: string;
  change: Change;
  /** So many changes beside this one. */
  more: number;
}

function changeOf(operation: Operation): Change {
  if (operation.kind === "move" || operation.kind === "resize") return "move";
  if (operation.kind === "editText") return "text";
  return operation.kind === "setDeleted" ? "deletion" : "other";
}

export class MergeNotice {
  private pending: ReadonlySet<Id> = new Set();
  private readonly met = new Map<string, Merged>();

  /** One is back, with work on these annotations. */
  begin(pending: readonly Id[]): void {
    this.pending = new Set(pending);
    this.met.clear();
  }

  /** What comes, of what others did meanwhile. */
  heard(committed: Committed, self: string): void {
    if (this.pending.size === 0) return;
    for (const commit of committed.commits.map(commitFromMessage)) {
      if (commit.personId === self) continue;
      for (const operation of commit.operations) {
        if (!("id" in operation) || !this.pending.has(operation.id)) continue;
        const change = changeOf(operation);
        this.met.set(`${commit.personId} ${operation.id} ${change}`, { personId: commit.personId, change, more: 0 });
      }
    }
  }

  /** What to say, once nothing of one's own is waiting any more: one line at most. */
  settled(pendingCount: number): Merged[] {
    if (pendingCount > 0 || this.pending.size === 0) return [];
    const [first, ...rest] = this.met.values();
    this.begin([]);
    return first ? [{ ...first, more: rest.length }] : [];
  }
}
