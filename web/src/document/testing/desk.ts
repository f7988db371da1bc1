/** One client and a server that answers by hand: for tests of what is sent when. */

import { create } from "@bufbuild/protobuf";
import * as service from "../../gen/rushes/annotation/v1/annotation_service_pb";
import { type Batch, CommitSchema } from "../../gen/rushes/annotation/v1/operation_pb";
import { fromHex } from "../hex";
import { AnnotationKind, Audience, Delivery, newAnnotation } from "../model";
import type { AnnotationState, Operation } from "../model";
import { PendingClient } from "../pending";
import type { Event } from "../pending_event";
import type { Stored } from "../pending_item";
import * as wire from "../wire";
import { VIDEO } from "./server";

/** An id of a number. */
export function key(number: number): string {
  return number.toString(16).padStart(32, "0");
}

/** Creates a note that everybody may read. */
export function creation(number: number, text = "", frame = 10): Operation {
  const kind = AnnotationKind.COMMENT;
  const given = { id: key(number), kind, firstFrame: frame, lastFrame: frame, text, audience: Audience.CLIENT };
  return { kind: "create", annotation: newAnnotation(given) };
}

/** Moves a note. */
export function movement(number: number, x: number): Operation {
  return { kind: "move", id: key(number), to: { x, y: 0 }, seenRevision: 0 };
}

export class Desk {
  nowS = 100;
  revision = 0;
  readonly client: PendingClient;
  private count = 1000;

  constructor(stored?: Stored) {
    this.client = new PendingClient(VIDEO, () => fromHex(key(this.count++)), {
      audience: Audience.UNSPECIFIED,
      delivery: Delivery.FULL,
      stored,
    });
  }

  /** Opens a stream on a document of these states, one in each revision. */
  open(states: readonly AnnotationState[] = []): this {
    this.client.connect(0);
    this.revision = states.length;
    const given = { epoch: 1n, revision: BigInt(states.length), personId: "ann", permissions: 0b111110 };
    this.receive({ case: "opened", value: create(service.CollaborateOpenedSchema, given) });
    const annotations = states.map(wire.stateMessage);
    const part = { revision: BigInt(states.length), last: true, annotations };
    this.receive({ case: "snapshotPart", value: create(service.SnapshotPartSchema, part) });
    return this;
  }

  receive(message: service.CollaborateResponse["message"]): Event[] {
    const response = create(service.CollaborateResponseSchema);
    response.message = message;
    return this.client.receive(response);
  }

  submit(...operations: Operation[]): Event[] {
    return this.client.submit(operations, this.nowS);
  }

  /** The batches that go out now. */
  sent(): Batch[] {
    const messages = this.client.poll(this.nowS).map((request) => request.message);
    return messages.flatMap((message) => (message.case === "submit" ? [message.value] : []));
  }

  /** A batch of ours comes back as a commit. */
  land(batch: Batch): Event[] {
    return this.commit(batch.operations.map(wire.operation), this.client.clientId, "ann", batch.clientSeq);
  }

  /** A batch of somebody else lands. */
  other(...operations: Operation[]): Event[] {
    return this.commit(operations, key(999), "bob", 1n);
  }

  private commit(operations: readonly Operation[], clientId: string, personId: string, clientSeq: bigint): Event[] {
    const commit = create(CommitSchema, {
      revision: BigInt(++this.revision),
      personId,
      clientId: fromHex(clientId),
      clientSeq,
      timeMs: 1000n,
      operations: operations.map(wire.operationMessage),
    });
    return this.receive({ case: "committed", value: create(service.CommittedSchema, { commits: [commit] }) });
  }
}
