/** What undoes a commit: fields by Restore, text by the inverse edit. */

import * as field from "./field";
import type { AnnotationState, EditTextOperation, FieldBefore, Id, Operation, RestoreOperation } from "./model";
import type { Edit } from "./text";

/** The fields that an operation sets; of a Create and an edit none. */
export function fieldsSet(operation: Operation): readonly string[] {
  switch (operation.kind) {
    case "move":
      return ["position"];
    case "resize":
      return field.EDGES.filter((edge) => operation[edge] !== undefined);
    case "setFields":
      return operation.fields.map((value) => value.field);
    case "setDeleted":
      return ["deleted"];
    case "restore":
      return [operation.value.field];
    default:
      return [];
  }
}

/** The annotation that an operation is about; empty: none. */
export function target(operation: Operation): Id {
  switch (operation.kind) {
    case "none":
      return "";
    case "create":
      return operation.annotation.id;
    case "present":
      return operation.state.annotation.id;
    default:
      return operation.id;
  }
}

/**
 * What a commit's fields were. `earlier` holds what it touched as it was before it; undefined: not there.
 *
 * A created annotation counts as deleted before, with the stamp of its Create; its other fields are not listed.
 */
export function fieldsBefore(
  operations: readonly Operation[],
  revision: number,
  earlier: ReadonlyMap<Id, AnnotationState | undefined>,
): FieldBefore[] {
  const before: FieldBefore[] = [];
  const listed = new Set<string>();
  for (const operation of operations) {
    const id = target(operation);
    const state = earlier.get(id);
    if (state === undefined) {
      if (operation.kind === "create") {
        const value = { field: "deleted", value: { kind: "flag", flag: true } } as const;
        before.push({ id, value, stampRevision: revision });
      }
      continue;
    }
    for (const name of fieldsSet(operation)) {
      if (!listed.has(`${id}/${name}`)) {
        listed.add(`${id}/${name}`);
        before.push({ id, value: field.read(state.annotation, name), stampRevision: field.stampOf(state, name) });
      }
    }
  }
  return before;
}

/** ID/FIELD -> the stamp that each field of a commit has right after it: its revision, but of a Restore the old stamp. */
function madeStamps(operations: readonly Operation[], revision: number): Map<string, number> {
  const stamps = new Map<string, number>();
  for (const operation of operations) {
    const id = target(operation);
    for (const name of fieldsSet(operation)) {
      stamps.set(`${id}/${name}`, operation.kind === "restore" ? operation.stampRevision : revision);
    }
  }
  return stamps;
}

/** What puts back what a commit's fields were, the last first. A publication is not taken back. */
export function restores(
  operations: readonly Operation[],
  revision: number,
  before: readonly FieldBefore[],
): RestoreOperation[] {
  const stamps = madeStamps(operations, revision);
  const undo: RestoreOperation[] = [];
  for (const { id, value, stampRevision } of before) {
    if (value.field !== "audience") {
      const madeRevision = stamps.get(`${id}/${value.field}`) ?? revision;
      undo.push({ kind: "restore", id, value, stampRevision, madeRevision });
    }
  }
  return undo.reverse();
}

/** An edit as an operation. */
export function editOperation(id: Id, edit: Edit): EditTextOperation {
  return { kind: "editText", id, pieces: edit };
}
