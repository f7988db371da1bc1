/** What an audience may read. The audience never has a default. */

import { create } from "@bufbuild/protobuf";
import * as ops from "../gen/rushes/annotation/v1/operation_pb";
import { InvalidArgument } from "./errors";
import { target } from "./inverse";
import { Audience, compareDrawingOrder } from "./model";
import type { AnnotationState, Id } from "./model";
import type { Applied } from "./result";
import type { Table } from "./table";
import * as wire from "./wire";

/** Whether an audience may read an annotation. A reply's audience is kept equal to its thread's. */
export function visible(state: AnnotationState, audience: Audience): boolean {
  check(audience);
  return audience === Audience.INTERNAL || state.annotation.audience === Audience.CLIENT;
}

/** What an audience may read of a document, in drawing order. */
export function visibleAnnotations(table: Table, audience: Audience): AnnotationState[] {
  return table.annotations.filter((state) => visible(state, audience));
}

/**
 * A commit as an audience receives it; undefined: there is nothing in it for them, only its revision (progress).
 *
 * What is now readable is presented as it is, whatever the batch did to it; what is not readable is left out.
 */
export function view(applied: Applied, audience: Audience): ops.Commit | undefined {
  check(audience);
  if (audience === Audience.INTERNAL || !hides(applied)) {
    return applied.commit;
  }
  const { commit, after } = applied;
  const published = new Set<Id>(applied.published);
  const operations: ops.Operation[] = [];
  commit.operations.forEach((operation, index) => {
    const id = target(wire.operation(operation));
    const state = after.get(id);
    if (published.has(id) || state === undefined || !visible(state, audience)) {
      return;
    }
    while (operation.kind.case === "create" && operations.length < index) {
      // Its index is its place in the drawing order: what is left out before it becomes an empty operation.
      operations.push(create(ops.OperationSchema));
    }
    operations.push(operation);
  });
  operations.push(...present([...published].map((id) => after.get(id) as AnnotationState)));
  return operations.length ? create(ops.CommitSchema, { ...commit, operations }) : undefined;
}

function check(audience: Audience): void {
  if (audience !== Audience.INTERNAL && audience !== Audience.CLIENT) {
    throw new InvalidArgument("an audience is internal or client");
  }
}

function hides(applied: Applied): boolean {
  const internal = [...applied.after.values()].some((state) => state.annotation.audience !== Audience.CLIENT);
  return applied.published.length > 0 || internal;
}

function present(states: AnnotationState[]): ops.Operation[] {
  return states.sort(compareDrawingOrder).map((state) => wire.operationMessage({ kind: "present", state }));
}
