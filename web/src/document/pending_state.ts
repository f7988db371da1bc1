/** What a client's end of `Collaborate` consists of, how one reads it, and how it outlives a page. */

import { InvalidArgument } from "./errors";
import { newId } from "./hex";
import { Permission } from "./model";
import type { AnnotationState, Audience, Delivery, Id, Operation } from "./model";
import { Sent, load, store, type Kind, type Stored } from "./pending_item";
import type { Replica } from "./replica";
import type { Screen } from "./screen";
import { Work } from "./work";

/** Where the stream is; leaving: it is to be closed, and what still comes is not read. */
export type Phase = "closed" | "opening" | "open" | "leaving";

/** A confirmed document that an earlier page had, and what one might do there. */
export interface KeptDocument {
  readonly states: readonly AnnotationState[];
  readonly revision: number;
  readonly epoch: number;
  readonly permissions: number;
  readonly personId: string;
}

export interface Options {
  readonly audience: Audience;
  readonly delivery: Delivery;
  /** What an earlier page left. */
  readonly stored?: Stored | undefined;
  /** What an earlier page saw: shown at once, and gone on from. */
  readonly kept?: KeptDocument | undefined;
}

/** A refusal that is to be dealt with once all that came before it is here. */
export interface Refusing {
  readonly clientSeq: number;
  readonly atRevision: number;
  readonly index: number | undefined;
  readonly reason: string;
  readonly message: string;
}

/** One client on one video: its confirmed document, its pending work and its screen. */
export class PendingState {
  clientId: Id;
  /** Bit mask. */
  permissions = 0;
  phase: Phase = "closed";
  protected readonly audience: Audience;
  protected readonly delivery: Delivery;
  protected readonly work: Work;
  protected epoch = 0;
  protected openedEpoch = 0;
  protected nextSeq = 1;
  protected committed = false;
  protected resend = false;
  protected ready = false;
  protected newEpoch = false;
  protected refusing: Refusing | undefined;
  protected parts: AnnotationState[] = [];
  protected readonly asked: Kind[] = [];
  protected nextBatchS = 0;
  protected lastBatchS = 0;
  protected nextAckS = 0;
  protected acked = 0;

  constructor(
    readonly videoId: number,
    protected readonly randomBytes: (count: number) => Uint8Array,
    { audience, delivery, stored, kept }: Options,
  ) {
    this.clientId = newId(randomBytes);
    this.audience = audience;
    this.delivery = delivery;
    this.work = new Work(this.clientId);
    if (stored !== undefined) {
      this.load(stored);
    }
    if (kept !== undefined) {
      this.restore(kept);
    }
  }

  /** The document as the server sent it. */
  get confirmed(): Replica {
    return this.work.confirmed;
  }

  /** The document as a person sees it. */
  get screen(): Screen {
    return this.work.screen;
  }

  /** Who one is; empty before the first `opened`. */
  get personId(): string {
    return this.work.personId;
  }

  /** Batches sent and not received. */
  get inFlight(): number {
    return this.work.sent.length;
  }

  /** Operations that are not known to be saved, those in doubt apart. */
  get pendingCount(): number {
    const sent = this.work.sent.filter((batch) => batch.landed === undefined);
    return sent.reduce((count, batch) => count + batch.items.length, this.work.unsent.length);
  }

  /** The annotations that pending operations are about. */
  get pendingTargets(): Id[] {
    const sent = this.work.sent.filter((batch) => batch.landed === undefined).flatMap((batch) => batch.items);
    return [...new Set([...sent, ...this.work.unsent].map((item) => item.target))];
  }

  /** Operations of which nobody can say whether they were saved. */
  get doubt(): Operation[] {
    return this.work.doubt.map((item) => item.current());
  }

  /** Whether one may write. */
  get writable(): boolean {
    return ((this.permissions >>> Permission.ANNOTATE) & 1) === 1;
  }

  /** Whether there is something of one's own to undo. */
  get canUndo(): boolean {
    return this.work.undo.entries.length > 0;
  }

  /** Whether there is something to redo. */
  get canRedo(): boolean {
    return this.work.redo.entries.length > 0;
  }

  /** Undos and redos that were asked for, and wait until nothing is pending. */
  get waiting(): number {
    return this.asked.length;
  }

  /** What must outlive this page, to begin another client with. */
  dump(): Stored {
    const { work } = this;
    return {
      videoId: this.videoId,
      personId: work.personId,
      clientId: this.clientId,
      movesId: work.movesId,
      epoch: this.epoch,
      nextSeq: this.nextSeq,
      committed: this.committed,
      sent: work.sent.map(({ clientSeq, batch, items }) => ({ clientSeq, batch, items: store(items) })),
      unsent: store(work.unsent),
      doubt: store(work.doubt),
      texts: [...work.baseTexts(false)].sort(([a], [b]) => (a < b ? -1 : 1)),
    };
  }

  /** Begins with a document that was seen before. Of another log or person it means nothing to the work that is pending. */
  private restore({ states, revision, epoch, permissions, personId }: KeptDocument): void {
    const { work } = this;
    const other = work.personId !== "" && work.personId !== personId;
    if (other || epoch === 0 || (this.epoch !== 0 && this.epoch !== epoch)) {
      return;
    }
    this.permissions = permissions;
    this.epoch = epoch;
    this.openedEpoch = epoch;
    work.personId = personId;
    work.restart(states, revision, epoch);
    if (work.movesId !== this.clientId) {
      work.restate(this.clientId);
      work.rebuild();
    }
  }

  private load(stored: Stored): void {
    if (stored.videoId !== this.videoId) {
      throw new InvalidArgument("this work is of another video");
    }
    const { work } = this;
    this.clientId = stored.clientId;
    this.epoch = stored.epoch;
    this.nextSeq = stored.nextSeq;
    this.committed = stored.committed;
    work.personId = stored.personId;
    work.movesId = stored.movesId;
    work.sent = stored.sent.map(({ clientSeq, batch, items }) => new Sent(clientSeq, batch, load(items)));
    work.unsent = load(stored.unsent);
    work.doubt = load(stored.doubt);
    work.texts = new Map(stored.texts);
    const kept = [...work.sent.flatMap((batch) => batch.items), ...work.unsent, ...work.doubt];
    work.action = kept.reduce((most, item) => Math.max(most, item.action), 0);
  }
}
