/** What becomes of a record. */

import type { Commit as CommitMessage } from "../gen/rushes/annotation/v1/operation_pb";
import type { AnnotationState, Id, Outcome, Refusal } from "./model";

/** The batch landed, whole. */
export interface Applied {
  readonly kind: "applied";
  /** Of the record among those that changed the state. */
  readonly ordinal: number;
  /** As everyone receives it: what was sent, with what was transformed. */
  readonly commit: CommitMessage;
  readonly outcome: Outcome;
  /** What the commit touched, as it was before; undefined: it was not there. */
  readonly earlier: ReadonlyMap<Id, AnnotationState | undefined>;
  /** The same as it is now. */
  readonly after: ReadonlyMap<Id, AnnotationState>;
  /** What became readable by the client audience. */
  readonly published: readonly Id[];
}

/** Nothing of the batch landed, and nothing more of its client will. */
export interface Refused {
  readonly kind: "refused";
  readonly ordinal: number;
  readonly outcome: Outcome;
  readonly refusal: Refusal;
  /** Revision of the document. */
  readonly at: number;
}

/** The number has an outcome already. Nothing changed. */
export interface Duplicate {
  readonly kind: "duplicate";
  readonly outcome: Outcome;
  /** Whether it was this batch; else the number was used for another one (ALREADY_USED). */
  readonly same: boolean;
}

/** Not taken, and nothing changed. */
export interface Ignored {
  readonly kind: "ignored";
  /** Why; undefined: the number is at or below the client's last. */
  readonly refusal: Refusal | undefined;
}

export type Result = Applied | Refused | Duplicate | Ignored;
