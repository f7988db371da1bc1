/** What a client has made and not seen come back: operations, batches, and how they are kept over a reload. */

import { fromBinary } from "@bufbuild/protobuf";
import { BatchSchema, OperationSchema, type Batch as BatchMessage } from "../gen/rushes/annotation/v1/operation_pb";
import { editOperation, target } from "./inverse";
import type { FieldBefore, Id, Operation } from "./model";
import * as text from "./text";
import type { Edit } from "./text";
import * as wire from "./wire";

/** Whether an action was done, undoes one, or redoes one. */
export type Kind = "do" | "undo" | "redo";

/** An operation that is pending, as it applies to what has been received so far. */
export class Item {
  /** Of a text edit: moved past what has landed since it was made. */
  edit: Edit | undefined;

  constructor(
    /** Of a text edit only its annotation counts: see `edit`. */
    public operation: Operation,
    /** Number of the person's action that it is of. */
    readonly action: number,
    readonly kind: Kind,
  ) {
    this.edit = operation.kind === "editText" ? text.check(operation.pieces) : undefined;
  }

  /** The annotation that it is about. */
  get target(): Id {
    return target(this.operation);
  }

  /** The operation as it applies now. */
  current(): Operation {
    return this.edit === undefined ? this.operation : editOperation(this.target, this.edit);
  }
}

/** A batch on its way. What was sent never changes; beside it is what has become of it (the shadow). */
export class Sent {
  /** Its revision, once known; it is in flight until that revision has come. */
  landed: number | undefined;
  /** What its fields were, once known. */
  before: readonly FieldBefore[] | undefined;

  constructor(
    readonly clientSeq: number,
    readonly batch: Uint8Array,
    readonly items: readonly Item[],
  ) {}

  /** The batch as it was sent. */
  message(): BatchMessage {
    return fromBinary(BatchSchema, this.batch);
  }
}

export interface StoredItem {
  /** The operation as it applies, serialised. */
  readonly operation: Uint8Array;
  readonly action: number;
  readonly kind: Kind;
}

export interface StoredBatch {
  readonly clientSeq: number;
  readonly batch: Uint8Array;
  readonly items: readonly StoredItem[];
}

/** Everything that must outlive a page, as IndexedDB can hold it. */
export interface Stored {
  readonly videoId: number;
  readonly personId: string;
  readonly clientId: Id;
  readonly movesId: Id;
  readonly epoch: number;
  readonly nextSeq: number;
  readonly committed: boolean;
  readonly sent: readonly StoredBatch[];
  readonly unsent: readonly StoredItem[];
  readonly doubt: readonly StoredItem[];
  /** The confirmed texts that edits among these are made on, by annotation. */
  readonly texts: readonly (readonly [Id, string])[];
}

/** Items as they are kept. */
export function store(items: readonly Item[]): StoredItem[] {
  return items.map((item) => ({
    operation: wire.operationBytes(item.current()),
    action: item.action,
    kind: item.kind,
  }));
}

/** Items as they were kept. */
export function load(stored: readonly StoredItem[]): Item[] {
  return stored.map(
    ({ operation, action, kind }) => new Item(wire.operation(fromBinary(OperationSchema, operation)), action, kind),
  );
}
