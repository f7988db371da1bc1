/** Checks of a batch that need no document: before it is sent, and again in the fold. */

import * as field from "./field";
import { compareCodePoints } from "./hex";
import * as limit from "./limit";
import { AnnotationKind, Audience, EMPTY_BOX, EMPTY_STYLE, ORIGIN_POINT, StrokeMode, TextAlign } from "./model";
import type { Annotation, Id, Operation, Refusal, View } from "./model";
import { Refuse, refusal } from "./refusal";
import * as text from "./text";
import { operationBytes } from "./wire";

/** Everything that can be said of a batch without the document, sizes included. */
export function checkBatch(operations: readonly Operation[], frameCount: number): Refusal | undefined {
  if (operations.length > limit.MAX_OPERATIONS) {
    return refusal("INVALID_BATCH");
  }
  const large = operations.findIndex((operation) => operationBytes(operation).length > limit.MAX_OPERATION_BYTES);
  return large < 0 ? checkOperations(operations, frameCount) : refusal("OPERATION_TOO_LARGE", large);
}

/** The part of `checkBatch` that the fold repeats: how many, each by itself, one text edit of an annotation. */
export function checkOperations(operations: readonly Operation[], frameCount: number): Refusal | undefined {
  if (operations.length === 0 || operations.length > limit.MAX_SERVICE_OPERATIONS) {
    return refusal("INVALID_BATCH");
  }
  const edited = new Set<Id>();
  let checked = 0;
  try {
    for (const operation of operations) {
      check(operation, frameCount);
      if (operation.kind === "editText") {
        if (edited.has(operation.id)) {
          throw new Refuse("INVALID_BATCH");
        }
        edited.add(operation.id);
      }
      checked++;
    }
  } catch (error) {
    if (error instanceof Refuse) {
      return refusal(error.reason, checked);
    }
    throw error;
  }
  return undefined;
}

/** All that can be said of one operation, its size included; frames are not checked. Throws Refuse. */
export function checkOperation(operation: Operation): void {
  if (operationBytes(operation).length > limit.MAX_OPERATION_BYTES) {
    throw new Refuse("OPERATION_TOO_LARGE");
  }
  check(operation, 0);
}

function check(operation: Operation, frameCount: number): void {
  switch (operation.kind) {
    case "create":
      checkAnnotation(operation.annotation, frameCount);
      break;
    case "move":
      checkId(operation.id);
      if (operation.to === undefined) {
        throw new Refuse("INVALID_POSITION");
      }
      field.checkPlace(operation.to);
      break;
    case "resize":
      checkResize(operation);
      break;
    case "setFields":
      checkSetFields(operation, frameCount);
      break;
    case "editText":
      checkEditText(operation);
      break;
    case "setDeleted":
      checkId(operation.id);
      break;
    case "restore":
      checkId(operation.id);
      field.checkValue(operation.value, frameCount);
      break;
    case "present":
      throw new Refuse("SERVER_ONLY");
    case "none":
      throw new Refuse("UNKNOWN_OPERATION");
  }
}

function checkId(id: Id): void {
  if (id.length !== limit.ID_DIGITS) {
    throw new Refuse("INVALID_ID");
  }
}

function checkAnnotation(annotation: Annotation, frameCount: number): void {
  checkId(annotation.id);
  if (annotation.kind <= AnnotationKind.UNSPECIFIED || annotation.kind > AnnotationKind.COMMENT) {
    throw new Refuse("INVALID_KIND");
  }
  field.checkFrames(annotation.firstFrame, annotation.lastFrame, frameCount);
  field.checkPlace(annotation.position ?? ORIGIN_POINT);
  const box = annotation.box ?? EMPTY_BOX;
  if (!field.EDGES.every((edge) => field.inRange(box[edge]))) {
    throw new Refuse("INVALID_BOX");
  }
  checkPoints(annotation);
  checkStyle(annotation);
  if (text.bytesOf(annotation.text) > limit.MAX_OPERATION_TEXT_BYTES) {
    throw new Refuse("TEXT_TOO_LONG");
  }
  const { parentId, audience } = annotation;
  if (parentId) {
    checkId(parentId);
  }
  if (audience < (parentId ? Audience.UNSPECIFIED : Audience.INTERNAL) || audience > Audience.CLIENT) {
    throw new Refuse("INVALID_AUDIENCE");
  }
  checkLists(annotation);
  checkView(annotation.view);
}

function checkPoints(annotation: Annotation): void {
  const { points, pressure } = annotation;
  const count = Math.floor(points.length / 2);
  if (!fits(annotation.kind, count) || points.length !== 2 * count) {
    throw new Refuse("INVALID_POINTS");
  }
  let x = 0;
  let y = 0;
  for (let at = 0; at < points.length; at += 2) {
    x += points[at] as number;
    y += points[at + 1] as number;
    if (!field.inRange(x) || !field.inRange(y)) {
      throw new Refuse("INVALID_POINTS");
    }
  }
  if (pressure.length && pressure.length !== count) {
    throw new Refuse("INVALID_PRESSURE");
  }
}

function fits(kind: AnnotationKind, count: number): boolean {
  if (kind === AnnotationKind.STROKE) {
    return count > 0 && count <= limit.MAX_POINTS;
  }
  return count === (kind === AnnotationKind.LINE || kind === AnnotationKind.ARROW ? 2 : 0);
}

function checkStyle(annotation: Annotation): void {
  const style = annotation.style ?? EMPTY_STYLE;
  if (
    style.color > 0xffffff ||
    style.opacity > 255 ||
    style.width > limit.MAX_COORDINATE ||
    style.fontSize > limit.MAX_COORDINATE ||
    style.align < TextAlign.UNSPECIFIED ||
    style.align > TextAlign.END ||
    annotation.mode < StrokeMode.UNSPECIFIED ||
    annotation.mode > StrokeMode.ERASE
  ) {
    throw new Refuse("INVALID_STYLE");
  }
}

function checkLists(annotation: Annotation): void {
  const { tags, attachments, origin } = annotation;
  if (tags.length > limit.MAX_TAGS) {
    throw new Refuse("TOO_MANY_TAGS");
  }
  if (!tags.every(field.isTag) || !ascends(tags)) {
    throw new Refuse("INVALID_TAGS");
  }
  if (attachments.length > limit.MAX_ATTACHMENTS) {
    throw new Refuse("TOO_MANY_ATTACHMENTS");
  }
  attachments.forEach(field.checkAttachment);
  if (!ascends(attachments.map((attachment) => attachment.id))) {
    throw new Refuse("INVALID_ATTACHMENTS");
  }
  if (
    origin !== undefined &&
    (origin.videoId < 0 ||
      origin.videoId > limit.MAX_NUMBER ||
      ![0, limit.ID_DIGITS].includes(origin.annotationId.length) ||
      text.bytesOf(origin.authorId) > limit.MAX_PERSON_ID_BYTES)
  ) {
    throw new Refuse("INVALID_ORIGIN");
  }
}

function checkView(view: View | undefined): void {
  if (view === undefined) {
    return;
  }
  const { zoomPermille, center } = view;
  const near = limit.MIN_ZOOM_PERMILLE <= zoomPermille && zoomPermille <= limit.MAX_ZOOM_PERMILLE;
  if (!near || !field.inRange(center?.x ?? 0) || !field.inRange(center?.y ?? 0)) {
    throw new Refuse("INVALID_VIEW");
  }
}

/** Sorted by code points, without repeats. */
function ascends(names: readonly string[]): boolean {
  return names.every((name, index) => index === 0 || compareCodePoints(names[index - 1] as string, name) < 0);
}

function checkResize(resize: Operation & { kind: "resize" }): void {
  checkId(resize.id);
  const edges = field.EDGES.map((edge) => resize[edge]).filter((edge) => edge !== undefined);
  if (edges.length === 0) {
    throw new Refuse("NOTHING_SET");
  }
  if (!edges.every(field.inRange)) {
    throw new Refuse("INVALID_BOX");
  }
}

function checkSetFields(setFields: Operation & { kind: "setFields" }, frameCount: number): void {
  checkId(setFields.id);
  const names = new Set<string>();
  for (const given of setFields.fields) {
    const name = given.field;
    if (names.has(name) || !field.isSettable(name)) {
      throw new Refuse("INVALID_FIELD");
    }
    names.add(name);
    field.checkValue(given, frameCount);
    if (given.value?.kind === "audience" && given.value.audience !== Audience.CLIENT) {
      throw new Refuse("INVALID_AUDIENCE");
    }
  }
  if (names.size === 0) {
    throw new Refuse("NOTHING_SET");
  }
}

function checkEditText(editText: Operation & { kind: "editText" }): void {
  checkId(editText.id);
  if (editText.pieces.length > limit.MAX_PIECES) {
    throw new Refuse("TEXT_TOO_LONG");
  }
  if (text.insertedBytes(text.check(editText.pieces)) > limit.MAX_OPERATION_TEXT_BYTES) {
    throw new Refuse("TEXT_TOO_LONG");
  }
}
