/**
 * Between protobuf messages and the model: ids from bytes to digits, 64-bit integers to numbers, and back.
 *
 * What is serialised from it is canonical: equal values have equal bytes, the same as in Python.
 */

import { create, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import type { Status } from "../gen/google/rpc/status_pb";
import * as notes from "../gen/rushes/annotation/v1/annotation_pb";
import type { FieldBefore as FieldBeforeMessage } from "../gen/rushes/annotation/v1/annotation_service_pb";
import * as ops from "../gen/rushes/annotation/v1/operation_pb";
import { fromHex, toHex } from "./hex";
import { MAX_NUMBER } from "./limit";
import { newAnnotation } from "./model";
import type {
  Annotation,
  AnnotationState,
  Attachment,
  Batch,
  Box,
  Commit,
  FieldBefore,
  FieldValue,
  Operation,
  Origin,
  Outcome,
  Position,
  Refusal,
  ResizeOperation,
  Style,
  Value,
  View,
} from "./model";
import type { Edit, Part } from "./text";

/** The server sent an integer that no number holds exactly: no revision, time or id can be so large. */
export class TooLarge extends RangeError {}

/** A number that the server vouches for. Throws TooLarge. */
export function exact(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new TooLarge("an integer is too large");
  }
  return number;
}

/** A number that anybody sent: one too large becomes one that is out of every range. */
export function bounded(value: bigint): number {
  const number = Number(value);
  return number > MAX_NUMBER ? MAX_NUMBER + 1 : number < -MAX_NUMBER ? -MAX_NUMBER - 1 : number;
}

// To the model.

function position(message: notes.Position): Position {
  return { x: message.x, y: message.y };
}

function box(message: notes.Box): Box {
  return { left: message.left, top: message.top, right: message.right, bottom: message.bottom };
}

function style(message: notes.Style): Style {
  const { color, opacity, width, fill, fontSize, align } = message;
  return { color, opacity, width, fill, fontSize, align };
}

function attachment(message: notes.Attachment): Attachment {
  const { id, target, title } = message;
  return target.case === undefined ? { id, title } : { id, title, target: { kind: target.case, value: target.value } };
}

function origin(message: notes.Origin): Origin {
  return {
    videoId: bounded(message.videoId),
    annotationId: toHex(message.annotationId),
    authorId: message.authorId,
  };
}

function view({ zoomPermille, center }: notes.View): View {
  return center === undefined ? { zoomPermille } : { zoomPermille, center: position(center) };
}

/** An annotation of anybody. */
export function annotation(message: notes.Annotation | undefined): Annotation {
  if (message === undefined) {
    return newAnnotation({ id: "", kind: notes.AnnotationKind.UNSPECIFIED });
  }
  return {
    id: toHex(message.id),
    kind: message.kind,
    authorId: message.authorId,
    createdMs: bounded(message.createdMs),
    updatedMs: bounded(message.updatedMs),
    firstFrame: message.firstFrame,
    lastFrame: message.lastFrame,
    ...(message.position && { position: position(message.position) }),
    ...(message.box && { box: box(message.box) }),
    points: message.points,
    pressure: message.pressure,
    mode: message.mode,
    ...(message.style && { style: style(message.style) }),
    text: message.text,
    parentId: toHex(message.parentId),
    tags: message.tags,
    attachments: message.attachments.map(attachment),
    ...(message.origin && { origin: origin(message.origin) }),
    resolved: message.resolved,
    audience: message.audience,
    deleted: message.deleted,
    ...(message.view && { view: view(message.view) }),
  };
}

/** A state that the server sent. */
export function state(message: notes.AnnotationState): AnnotationState {
  return {
    annotation: annotation(message.annotation),
    orderRevision: exact(message.orderRevision),
    orderIndex: message.orderIndex,
    stamps: message.stamps.map(({ field, revision, personId }) => ({ field, revision: exact(revision), personId })),
    moves: message.moves.map((entry) => ({
      revision: exact(entry.revision),
      clientId: toHex(entry.clientId),
      to: { x: entry.to?.x ?? 0, y: entry.to?.y ?? 0 },
    })),
  };
}

function value(given: ops.FieldValue["value"]): Value | undefined {
  switch (given.case) {
    case undefined:
      return undefined;
    case "number":
      return { kind: "number", number: bounded(given.value) };
    case "flag":
      return { kind: "flag", flag: given.value };
    case "position":
      return { kind: "position", position: position(given.value) };
    case "frames":
      return { kind: "frames", frames: { first: given.value.first, last: given.value.last } };
    case "audience":
      return { kind: "audience", audience: given.value };
    case "attachment":
      return { kind: "attachment", attachment: attachment(given.value) };
  }
}

/** A field with its value. */
export function fieldValue(message: ops.FieldValue | undefined): FieldValue {
  const given = message && value(message.value);
  return given === undefined ? { field: message?.field ?? "" } : { field: message?.field ?? "", value: given };
}

/** Pieces as an edit; what is not canonical stays so. */
export function edit(pieces: readonly ops.TextPiece[]): Edit {
  return pieces.map(({ piece }) => {
    if (piece.case === "insert") {
      return piece.value;
    }
    return piece.case === "retain" ? piece.value : piece.case === "delete" ? -piece.value : 0;
  });
}

function resize(message: ops.ResizeOperation): ResizeOperation {
  const { left, top, right, bottom } = message;
  return {
    kind: "resize",
    id: toHex(message.id),
    ...(left !== undefined && { left }),
    ...(top !== undefined && { top }),
    ...(right !== undefined && { right }),
    ...(bottom !== undefined && { bottom }),
  };
}

/** An operation of anybody. */
export function operation(message: ops.Operation): Operation {
  const given = message.kind;
  switch (given.case) {
    case undefined:
      return { kind: "none" };
    case "create":
      return { kind: "create", annotation: annotation(given.value.annotation) };
    case "move": {
      const to = given.value.to && { to: position(given.value.to) };
      return { kind: "move", id: toHex(given.value.id), ...to, seenRevision: bounded(given.value.seenRevision) };
    }
    case "resize":
      return resize(given.value);
    case "setFields":
      return { kind: "setFields", id: toHex(given.value.id), fields: given.value.fields.map(fieldValue) };
    case "editText":
      return { kind: "editText", id: toHex(given.value.id), pieces: edit(given.value.pieces) };
    case "setDeleted":
      return { kind: "setDeleted", id: toHex(given.value.id), deleted: given.value.deleted };
    case "restore":
      return {
        kind: "restore",
        id: toHex(given.value.id),
        value: fieldValue(given.value.value),
        stampRevision: bounded(given.value.stampRevision),
        madeRevision: bounded(given.value.madeRevision),
      };
    case "present":
      return { kind: "present", state: state(given.value.state ?? create(notes.AnnotationStateSchema)) };
  }
}

/** A commit that the server sent. */
export function commit(message: ops.Commit): Commit {
  return {
    revision: exact(message.revision),
    personId: message.personId,
    clientId: toHex(message.clientId),
    clientSeq: exact(message.clientSeq),
    baseRevision: exact(message.baseRevision),
    timeMs: exact(message.timeMs),
    operations: message.operations.map(operation),
  };
}

/** A refusal that the server sent. */
export function refusal(message: ops.Refusal): Refusal {
  const { code, reason, index } = message;
  return { code, reason, message: message.message, ...(index !== undefined && { index }) };
}

/** An outcome that the server sent. */
export function outcome(message: ops.Outcome): Outcome {
  const { result } = message;
  return {
    clientSeq: exact(message.clientSeq),
    result:
      result.case === "revision"
        ? { kind: "revision", revision: exact(result.value) }
        : result.case === "refusal"
          ? { kind: "refusal", refusal: refusal(result.value) }
          : undefined,
    hash: message.hash,
    atRevision: exact(message.atRevision),
  };
}

/** What a field was, as the server sent it. */
export function fieldBefore(message: FieldBeforeMessage): FieldBefore {
  return {
    id: toHex(message.id),
    value: fieldValue(message.value),
    stampRevision: exact(message.stampRevision),
  };
}

// From the model.

function attachmentMessage(given: Attachment): notes.Attachment {
  const { id, target, title } = given;
  const own = create(notes.AttachmentSchema, { id, title });
  if (target !== undefined) {
    own.target = { case: target.kind, value: target.value };
  }
  return own;
}

function viewMessage({ zoomPermille, center }: View): notes.View {
  return create(notes.ViewSchema, { zoomPermille, center: center && create(notes.PositionSchema, center) });
}

/** An annotation as a message. */
export function annotationMessage(given: Annotation): notes.Annotation {
  const { position: place, box: edges, style: look, origin: from, view: seen } = given;
  return create(notes.AnnotationSchema, {
    ...given,
    id: fromHex(given.id),
    createdMs: BigInt(given.createdMs),
    updatedMs: BigInt(given.updatedMs),
    position: place && create(notes.PositionSchema, place),
    box: edges && create(notes.BoxSchema, edges),
    points: [...given.points],
    style: look && create(notes.StyleSchema, look),
    parentId: fromHex(given.parentId),
    tags: [...given.tags],
    attachments: given.attachments.map(attachmentMessage),
    origin:
      from &&
      create(notes.OriginSchema, {
        videoId: BigInt(from.videoId),
        annotationId: fromHex(from.annotationId),
        authorId: from.authorId,
      }),
    view: seen && viewMessage(seen),
  });
}

/** A state as a message. */
export function stateMessage(given: AnnotationState): notes.AnnotationState {
  return create(notes.AnnotationStateSchema, {
    annotation: annotationMessage(given.annotation),
    orderRevision: BigInt(given.orderRevision),
    orderIndex: given.orderIndex,
    stamps: given.stamps.map(({ field, revision, personId }) =>
      create(notes.FieldStampSchema, { field, revision: BigInt(revision), personId }),
    ),
    moves: given.moves.map((entry) =>
      create(notes.MoveEntrySchema, {
        revision: BigInt(entry.revision),
        clientId: fromHex(entry.clientId),
        to: create(notes.PositionSchema, entry.to),
      }),
    ),
  });
}

function valueMessage(given: Value): ops.FieldValue["value"] {
  switch (given.kind) {
    case "number":
      return { case: "number", value: BigInt(given.number) };
    case "flag":
      return { case: "flag", value: given.flag };
    case "position":
      return { case: "position", value: create(notes.PositionSchema, given.position) };
    case "frames":
      return { case: "frames", value: create(ops.FrameRangeSchema, given.frames) };
    case "audience":
      return { case: "audience", value: given.audience };
    case "attachment":
      return { case: "attachment", value: attachmentMessage(given.attachment) };
  }
}

/** A field with its value as a message. */
export function fieldValueMessage(given: FieldValue): ops.FieldValue {
  const message = create(ops.FieldValueSchema, { field: given.field });
  if (given.value !== undefined) {
    message.value = valueMessage(given.value);
  }
  return message;
}

function piece(part: Part): ops.TextPiece {
  return create(ops.TextPieceSchema, {
    piece:
      typeof part === "string"
        ? { case: "insert", value: part }
        : part > 0
          ? { case: "retain", value: part }
          : { case: "delete", value: -part },
  });
}

/** An edit as pieces. */
export function pieces(given: Edit): ops.TextPiece[] {
  return given.map(piece);
}

function kindMessage(given: Operation): ops.Operation["kind"] {
  switch (given.kind) {
    case "none":
      return { case: undefined };
    case "create": {
      const value = create(ops.CreateOperationSchema, { annotation: annotationMessage(given.annotation) });
      return { case: "create", value };
    }
    case "move": {
      const id = fromHex(given.id);
      const to = given.to && create(notes.PositionSchema, given.to);
      const value = create(ops.MoveOperationSchema, { id, to, seenRevision: BigInt(given.seenRevision) });
      return { case: "move", value };
    }
    case "resize": {
      const { left, top, right, bottom } = given;
      const value = create(ops.ResizeOperationSchema, { id: fromHex(given.id), left, top, right, bottom });
      return { case: "resize", value };
    }
    case "setFields": {
      const fields = given.fields.map(fieldValueMessage);
      return { case: "setFields", value: create(ops.SetFieldsOperationSchema, { id: fromHex(given.id), fields }) };
    }
    case "editText": {
      const value = create(ops.EditTextOperationSchema, { id: fromHex(given.id), pieces: pieces(given.pieces) });
      return { case: "editText", value };
    }
    case "setDeleted": {
      const value = create(ops.SetDeletedOperationSchema, { id: fromHex(given.id), deleted: given.deleted });
      return { case: "setDeleted", value };
    }
    case "restore": {
      const value = create(ops.RestoreOperationSchema, {
        id: fromHex(given.id),
        value: fieldValueMessage(given.value),
        stampRevision: BigInt(given.stampRevision),
        madeRevision: BigInt(given.madeRevision),
      });
      return { case: "restore", value };
    }
    case "present": {
      const value = create(ops.PresentOperationSchema, { state: stateMessage(given.state) });
      return { case: "present", value };
    }
  }
}

/** An operation as a message. */
export function operationMessage(given: Operation): ops.Operation {
  const message = create(ops.OperationSchema);
  message.kind = kindMessage(given);
  return message;
}

/** An operation's bytes. */
export function operationBytes(given: Operation): Uint8Array<ArrayBuffer> {
  return toBinary(ops.OperationSchema, operationMessage(given));
}

/** A batch's bytes: what is sent and, if need be, sent again. */
export function batchBytes(given: Batch): Uint8Array<ArrayBuffer> {
  const message = create(ops.BatchSchema, {
    clientSeq: BigInt(given.clientSeq),
    baseRevision: BigInt(given.baseRevision),
    operations: given.operations.map(operationMessage),
  });
  return toBinary(ops.BatchSchema, message);
}

/** A refusal as a message. */
export function refusalMessage(given: Refusal): ops.Refusal {
  const { code, reason, message, index } = given;
  return create(ops.RefusalSchema, { code, reason, message, index });
}

/** An outcome as a message. */
export function outcomeMessage(given: Outcome): ops.Outcome {
  const { result } = given;
  const message = create(ops.OutcomeSchema, {
    clientSeq: BigInt(given.clientSeq),
    hash: given.hash,
    atRevision: BigInt(given.atRevision),
  });
  if (result?.kind === "revision") {
    message.result = { case: "revision", value: BigInt(result.revision) };
  } else if (result?.kind === "refusal") {
    message.result = { case: "refusal", value: refusalMessage(result.refusal) };
  }
  return message;
}

/** The reason in a status that a refusal carries. */
export function reasonOf(status: Status | undefined): string {
  for (const detail of status?.details ?? []) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      return info.reason;
    }
  }
  return "UNKNOWN";
}
