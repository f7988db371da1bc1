/** The vectors that Python wrote: what this core does must be equal to it byte for byte. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AnnotationStateSchema } from "../gen/rushes/annotation/v1/annotation_pb";
import * as service from "../gen/rushes/annotation/v1/annotation_service_pb";
import * as ops from "../gen/rushes/annotation/v1/operation_pb";
import * as records from "../gen/rushes/annotation/v1/record_pb";
import { apply } from "./apply";
import { view } from "./audience";
import { Document } from "./document";
import { fromHex } from "./hex";
import { fieldsBefore } from "./inverse";
import { Audience, type AnnotationState, type Delivery, type FieldBefore, type Operation } from "./model";
import { PendingClient } from "./pending";
import type { Event } from "./pending_event";
import type { Stored, StoredItem } from "./pending_item";
import { Refuse } from "./refusal";
import type { Applied, Result } from "./result";
import * as text from "./text";
import * as wire from "./wire";

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}`, import.meta.url), "utf8"));
}

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64");
}

function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  parts.forEach((part) => hash.update(part));
  return hash.digest("hex").slice(0, 16);
}

interface TextVectors {
  apply: { text: string; edit: text.Edit; after: string }[];
  invert: { text: string; edit: text.Edit; inverse: text.Edit }[];
  transform: { landed: text.Edit; later: text.Edit; landedMoved: text.Edit; laterMoved: text.Edit }[];
  compose: { first: text.Edit; second: text.Edit; both: text.Edit }[];
  diff: { before: string; after: string; edit: text.Edit }[];
  split: { edit: text.Edit; bytes: number; parts: number; edits: text.Edit[] }[];
  mismatch: { text: string; edit: text.Edit }[];
}

describe("text edits as in Python", () => {
  const vectors = load("text.json") as TextVectors;

  test("apply, invert and diff", () => {
    for (const each of vectors.apply) {
      expect(text.apply(each.text, each.edit)).toBe(each.after);
    }
    for (const each of vectors.invert) {
      expect(text.invert(each.edit, each.text)).toEqual(each.inverse);
    }
    for (const each of vectors.diff) {
      expect(text.diff(each.before, each.after)).toEqual(each.edit);
    }
  });

  test("transform, compose and split", () => {
    for (const each of vectors.transform) {
      expect(text.transform(each.landed, each.later)).toEqual([each.landedMoved, each.laterMoved]);
    }
    for (const each of vectors.compose) {
      expect(text.compose(each.first, each.second)).toEqual(each.both);
    }
    for (const each of vectors.split) {
      expect(text.split(each.edit, each.bytes, each.parts)).toEqual(each.edits);
    }
  });

  test("what does not span the text is refused", () => {
    expect(vectors.mismatch.length).toBeGreaterThan(0);
    for (const each of vectors.mismatch) {
      expect(() => text.apply(each.text, each.edit)).toThrow(Refuse);
    }
  });
});

interface FoldStep {
  record: string;
  [answer: string]: unknown;
}

interface FoldVector {
  name: string;
  epoch: number;
  start: string;
  steps: FoldStep[];
  end: string;
}

function beforeMessage(given: FieldBefore): service.FieldBefore {
  return {
    $typeName: "rushes.annotation.v1.FieldBefore",
    id: fromHex(given.id),
    value: wire.fieldValueMessage(given.value),
    stampRevision: BigInt(given.stampRevision),
  };
}

function ownOutcome(applied: Applied): Uint8Array {
  const commit = wire.commit(applied.commit);
  const before = fieldsBefore(commit.operations, commit.revision, applied.earlier);
  const edits = applied.commit.operations.flatMap(({ kind }) => (kind.case === "editText" ? [kind.value] : []));
  return toBinary(service.OwnOutcomeSchema, {
    $typeName: "rushes.annotation.v1.OwnOutcome",
    outcome: wire.outcomeMessage(applied.outcome),
    before: before.map(beforeMessage),
    edits,
  });
}

function answer(result: Result): Record<string, unknown> {
  switch (result.kind) {
    case "applied": {
      const shown = view(result, Audience.CLIENT);
      return {
        own: base64(ownOutcome(result)),
        commit: base64(toBinary(ops.CommitSchema, result.commit)),
        client: shown === undefined ? null : shown === result.commit ? "same" : base64(toBinary(ops.CommitSchema, shown)),
        published: result.published,
      };
    }
    case "refused":
      return { outcome: base64(toBinary(ops.OutcomeSchema, wire.outcomeMessage(result.outcome))) };
    case "duplicate": {
      const outcome = base64(toBinary(ops.OutcomeSchema, wire.outcomeMessage(result.outcome)));
      return { outcome, same: result.same };
    }
    case "ignored":
      return { reason: result.refusal?.reason ?? null };
  }
}

describe("the fold as in Python", () => {
  test.each((load("apply.json") as FoldVector[]).map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const document = Document.fromState(fromBinary(records.DocumentStateSchema, bytes(vector.start)), vector.epoch);
    expect(base64(document.toBytes())).toBe(vector.start);
    for (const { record, ...expected } of vector.steps) {
      const result = apply(document, fromBinary(records.RecordSchema, bytes(record)));
      const { revision, ordinal } = document;
      const state = digest(document.toBytes());
      expect({ kind: result.kind, ...answer(result), state, revision, ordinal }).toEqual(expected);
    }
    expect(base64(document.toBytes())).toBe(vector.end);
  });
});

interface EventVector {
  event: string;
  ids?: string[] | null;
  [member: string]: unknown;
}

interface Step {
  call: string;
  stored?: boolean | string;
  frame?: number;
  response?: string;
  now?: number;
  operations?: string[];
  id?: string;
  text?: string;
  request?: string;
  requests?: string[];
  events?: EventVector[];
  wake?: number | null;
  screen?: string;
  revision?: number;
  pending?: number;
  inFlight?: number;
}

interface Script {
  name: string;
  videoId: number;
  audience: Audience;
  delivery: Delivery;
  steps: Step[];
  confirmed: string;
}

function picture(states: readonly AnnotationState[]): string {
  return digest(
    ...states.flatMap((state) => {
      const data = toBinary(AnnotationStateSchema, wire.stateMessage(state));
      const size = new Uint8Array(4);
      new DataView(size.buffer).setUint32(0, data.length);
      return [size, data];
    }),
  );
}

function encoded(operations: readonly Operation[]): string[] {
  return operations.map((operation) => base64(wire.operationBytes(operation)));
}

function eventVector(event: Event): EventVector {
  const name = event.kind.charAt(0).toUpperCase() + event.kind.slice(1);
  switch (event.kind) {
    case "changed":
      return { event: name, ids: event.ids === undefined ? null : [...event.ids].sort() };
    case "dropped":
      return { event: name, operations: encoded(event.operations), reason: event.reason, message: event.message };
    case "inDoubt":
      return { event: name, operations: encoded(event.operations) };
    case "presenceReceived":
    case "pongReceived":
    case "trouble":
      return { event: name };
    default: {
      return { ...event, kind: undefined, event: name };
    }
  }
}

/** Here the screen is built once for a message, there once for a commit: what changed is one event or several. */
function withOneChange(events: readonly EventVector[]): EventVector[] {
  const changes = events.filter((event) => event.event === "Changed");
  const others = events.filter((event) => event.event !== "Changed");
  const all = changes.some((change) => change.ids === null);
  const ids = [...new Set(changes.flatMap((change) => change.ids ?? []))].sort();
  return changes.length ? [...others, { event: "Changed", ids: all ? null : ids }] : others;
}

function storedItems(items: readonly StoredItem[]): unknown[] {
  return items.map(({ operation, action, kind }) => [operation, action, kind]);
}

function storedDigest(stored: Stored): string {
  let written = "";
  const put = (value: unknown): void => {
    if (Array.isArray(value)) {
      written += `[${value.length}`;
      value.forEach(put);
    } else if (value instanceof Uint8Array) {
      written += `b${Buffer.from(value).toString("hex")};`;
    } else {
      written += `${String(value)};`;
    }
  };
  const { videoId, personId, clientId, movesId, epoch, nextSeq, committed, sent, unsent, doubt, texts } = stored;
  put([videoId, personId, fromHex(clientId), fromHex(movesId), epoch, nextSeq, committed]);
  written = written.replace("[7", "[11");
  put(sent.map((batch) => [batch.clientSeq, batch.batch, storedItems(batch.items)]));
  put(storedItems(unsent));
  put(storedItems(doubt));
  put(texts.map(([id, each]) => [fromHex(id), each]));
  return digest(written);
}

function call(client: PendingClient, step: Step): unknown {
  const nowS = step.now ?? Number.NaN;
  switch (step.call) {
    case "connect":
      return client.connect(step.frame ?? Number.NaN);
    case "disconnected":
      return client.disconnected();
    case "receive":
      return client.receive(fromBinary(service.CollaborateResponseSchema, bytes(step.response ?? "")));
    case "poll":
      return client.poll(nowS);
    case "submit": {
      const operations = (step.operations ?? []).map((each) => fromBinary(ops.OperationSchema, bytes(each)));
      return client.submit(operations.map(wire.operation), nowS);
    }
    case "editText":
      return client.editText(step.id ?? "", step.text ?? "", nowS);
    case "undo":
      return client.undo(nowS);
    case "redo":
      return client.redo(nowS);
    case "resendDoubt":
      return client.resendDoubt(nowS);
    case "discardDoubt":
      return client.discardDoubt();
    default:
      throw new Error(`no such call: ${step.call}`);
  }
}

function requestVector(request: service.CollaborateRequest): string {
  return base64(toBinary(service.CollaborateRequestSchema, request));
}

function compare(client: PendingClient, step: Step, at: string): void {
  const result = call(client, step);
  if (step.request !== undefined) {
    expect(requestVector(result as service.CollaborateRequest), at).toBe(step.request);
  }
  if (step.requests !== undefined) {
    expect((result as service.CollaborateRequest[]).map(requestVector), at).toEqual(step.requests);
  }
  if (step.events !== undefined) {
    const events = (result as Event[]).map(eventVector);
    expect(withOneChange(events), at).toEqual(withOneChange(step.events));
  }
  if (step.now !== undefined) {
    if (step.wake === null || step.wake === undefined || step.wake > step.now) {
      // Polls that send nothing are no part of the script; before it is time they never do.
      expect(client.poll(step.now), at).toEqual([]);
    }
    expect(client.wakeAt(step.now) ?? null, at).toBe(step.wake);
  }
}

function run(script: Script): PendingClient {
  let count = 0;
  const randomBytes = (size: number): Uint8Array => {
    const made = new Uint8Array(size);
    new DataView(made.buffer).setUint32(size - 4, ++count);
    return made;
  };
  const { videoId, audience, delivery } = script;
  let stored: Stored | undefined;
  let client = new PendingClient(videoId, () => new Uint8Array(16), { audience, delivery });
  script.steps.forEach((step, index) => {
    const at = `step ${index}: ${step.call}`;
    if (step.call === "load") {
      client = new PendingClient(videoId, randomBytes, { audience, delivery, stored: step.stored ? stored : undefined });
      return;
    }
    if (step.call === "dump") {
      stored = structuredClone(client.dump());
      expect(storedDigest(stored), at).toBe(step.stored);
    } else {
      compare(client, step, at);
    }
    const now = { revision: client.confirmed.revision, pending: client.pendingCount, inFlight: client.inFlight };
    expect(now, at).toEqual({ revision: step.revision, pending: step.pending, inFlight: step.inFlight });
    expect(picture(client.screen.annotations), at).toBe(step.screen);
  });
  return client;
}

describe("a client as in Python", () => {
  test.each((load("pending.json") as Script[]).map((script) => [script.name, script] as const))("%s", (_, script) => {
    expect(picture(run(script).confirmed.annotations)).toBe(script.confirmed);
  });
});
