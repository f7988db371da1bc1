/** A client that begins with a document that an earlier page saw. */

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import * as service from "../gen/rushes/annotation/v1/annotation_service_pb";
import { fromHex } from "./hex";
import { Audience, Delivery, newAnnotation, AnnotationKind } from "./model";
import type { AnnotationState } from "./model";
import { PendingClient } from "./pending";
import type { Stored } from "./pending_item";
import type { KeptDocument } from "./pending_state";
import { creation, key } from "./testing/desk";
import { VIDEO } from "./testing/server";

const PERMISSIONS = 0b111110;

function note(number: number, text: string): AnnotationState {
  const annotation = newAnnotation({ id: key(number), kind: AnnotationKind.COMMENT, text, audience: Audience.CLIENT });
  return { annotation, orderRevision: number, orderIndex: 0, stamps: [], moves: [] };
}

function kept(texts: readonly string[], more: Partial<KeptDocument> = {}): KeptDocument {
  const states = texts.map((text, index) => note(index + 1, text));
  return { states, revision: texts.length, epoch: 1, permissions: PERMISSIONS, personId: "ann", ...more };
}

function begin(seen: KeptDocument, stored?: Stored): PendingClient {
  let count = 5000;
  const random = (): Uint8Array => fromHex(key(count++));
  return new PendingClient(VIDEO, random, { audience: Audience.UNSPECIFIED, delivery: Delivery.FULL, stored, kept: seen });
}

function opened(client: PendingClient, epoch: bigint, revision: bigint): void {
  const value = create(service.CollaborateOpenedSchema, { epoch, revision, personId: "ann", permissions: PERMISSIONS });
  const response = create(service.CollaborateResponseSchema);
  response.message = { case: "opened", value };
  client.receive(response);
}

const textOf = (client: PendingClient, number: number): string | undefined => client.screen.get(key(number))?.annotation.text;

describe("a document that was seen before", () => {
  test("it is shown, and worked on, before anybody is reached", () => {
    const client = begin(kept(["one", "two"]));
    expect([textOf(client, 1), client.writable, client.personId]).toEqual(["one", true, "ann"]);
    client.submit([creation(9, "made offline")], 0);
    client.editText(key(1), "one!", 0);
    expect([textOf(client, 9), textOf(client, 1), client.pendingCount]).toEqual(["made offline", "one!", 2]);
    expect(client.poll(0)).toEqual([]);
  });

  test("the server is asked for what changed since, not for all", () => {
    const client = begin(kept(["one", "two"]));
    const open = client.connect(3).message.value as service.CollaborateOpen;
    expect([open.resumeRevision, open.epoch]).toEqual([2n, 1n]);
    client.submit([creation(9)], 0);
    opened(client, 1n, 2n);
    expect(client.poll(1).map(({ message }) => message.case)).toEqual(["submit"]);
  });

  test("work that was kept with another text of a note moves past what changed there", () => {
    const before = begin(kept(["one"]));
    before.editText(key(1), "one more", 0);
    const after = begin(kept(["The one"]), before.dump());
    expect(textOf(after, 1)).toBe("The one more");
    expect(after.pendingTargets).toEqual([key(1)]);
  });

  test("of another log it is not gone on from once that is known", () => {
    const client = begin(kept(["one"]));
    client.connect(0);
    opened(client, 2n, 1n);
    client.submit([creation(9)], 0);
    expect(client.poll(1)).toEqual([]);
  });

  test("somebody else's, or that of a log which the work is not of, is not taken", () => {
    const before = begin(kept(["one"]));
    before.submit([creation(9)], 0);
    for (const other of [kept(["one"], { personId: "ben" }), kept(["one"], { epoch: 2 })]) {
      const client = begin(other, before.dump());
      expect([textOf(client, 1), client.confirmed.epoch, client.pendingCount]).toEqual([undefined, 0, 1]);
    }
  });
});
