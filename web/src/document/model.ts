/**
 * What the core works on: plain immutable objects, ids as hexadecimal digits, integers as numbers (all below 2^53).
 *
 * wire.ts makes them from protobuf messages and messages from them.
 */

import { StrokeMode as Mode, TextAlign as Align } from "../gen/rushes/annotation/v1/annotation_pb";
import type { AnnotationKind, StrokeMode, TextAlign } from "../gen/rushes/annotation/v1/annotation_pb";
import { Audience } from "../gen/rushes/type/v1/access_pb";
import type { Edit } from "./text";

export { AnnotationKind, StrokeMode, TextAlign } from "../gen/rushes/annotation/v1/annotation_pb";
export { Delivery } from "../gen/rushes/annotation/v1/annotation_service_pb";
export { Audience, Permission } from "../gen/rushes/type/v1/access_pb";

/** 32 hexadecimal digits in lower case: an annotation's or a client's id. Empty: none. */
export type Id = string;

export interface Position {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Style {
  readonly color: number;
  readonly opacity: number;
  readonly width: number;
  readonly fill: number;
  readonly fontSize: number;
  readonly align: TextAlign;
}

export interface Attachment {
  readonly id: string;
  readonly target?: { readonly kind: "blob" | "link"; readonly value: string };
  readonly title: string;
}

export interface Origin {
  readonly videoId: number;
  readonly annotationId: Id;
  readonly authorId: string;
}

/** How closely the picture was looked at, and what of it was in the middle of the stage. */
export interface View {
  /** 1000: the whole picture. */
  readonly zoomPermille: number;
  readonly center?: Position;
}

export interface Annotation {
  readonly id: Id;
  readonly kind: AnnotationKind;
  readonly authorId: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly position?: Position;
  readonly box?: Box;
  /** x and y in turn, relative to the position: the first pair absolute, each other the difference to the one before. */
  readonly points: readonly number[];
  /** One byte a point, or empty. */
  readonly pressure: Uint8Array;
  readonly mode: StrokeMode;
  readonly style?: Style;
  readonly text: string;
  readonly parentId: Id;
  readonly tags: readonly string[];
  readonly attachments: readonly Attachment[];
  readonly origin?: Origin;
  readonly resolved: boolean;
  readonly audience: Audience;
  readonly deleted: boolean;
  /** None: the picture fitted. */
  readonly view?: View;
}

export interface FieldStamp {
  readonly field: string;
  readonly revision: number;
  /** Empty: the annotation's author. */
  readonly personId: string;
}

export interface MoveEntry {
  readonly revision: number;
  readonly clientId: Id;
  readonly to: Position;
}

/** An annotation with what undo, merge and the next operations need to know of it. */
export interface AnnotationState {
  readonly annotation: Annotation;
  readonly orderRevision: number;
  readonly orderIndex: number;
  readonly stamps: readonly FieldStamp[];
  readonly moves: readonly MoveEntry[];
}

export interface FrameRange {
  readonly first: number;
  readonly last: number;
}

export type Value =
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "flag"; readonly flag: boolean }
  | { readonly kind: "position"; readonly position: Position }
  | { readonly kind: "frames"; readonly frames: FrameRange }
  | { readonly kind: "audience"; readonly audience: Audience }
  | { readonly kind: "attachment"; readonly attachment: Attachment };

/** A field and its value; a tag or attachment without one is not there. */
export interface FieldValue {
  readonly field: string;
  readonly value?: Value;
}

export interface CreateOperation {
  readonly kind: "create";
  readonly annotation: Annotation;
}

export interface MoveOperation {
  readonly kind: "move";
  readonly id: Id;
  readonly to?: Position;
  /** Filled in when it is submitted. */
  readonly seenRevision: number;
}

export interface ResizeOperation {
  readonly kind: "resize";
  readonly id: Id;
  readonly left?: number;
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
}

export interface SetFieldsOperation {
  readonly kind: "setFields";
  readonly id: Id;
  readonly fields: readonly FieldValue[];
}

export interface EditTextOperation {
  readonly kind: "editText";
  readonly id: Id;
  /** Canonical, if it is valid (text.ts). */
  readonly pieces: Edit;
}

export interface SetDeletedOperation {
  readonly kind: "setDeleted";
  readonly id: Id;
  readonly deleted: boolean;
}

export interface RestoreOperation {
  readonly kind: "restore";
  readonly id: Id;
  readonly value: FieldValue;
  readonly stampRevision: number;
  readonly madeRevision: number;
}

/** The server's own. */
export interface PresentOperation {
  readonly kind: "present";
  readonly state: AnnotationState;
}

/** Of no known kind; in a commit: left out for this audience. */
export interface NoOperation {
  readonly kind: "none";
}

export type Operation =
  | CreateOperation
  | MoveOperation
  | ResizeOperation
  | SetFieldsOperation
  | EditTextOperation
  | SetDeletedOperation
  | RestoreOperation
  | PresentOperation
  | NoOperation;

export interface Batch {
  readonly clientSeq: number;
  readonly baseRevision: number;
  readonly operations: readonly Operation[];
}

export interface Commit extends Batch {
  readonly revision: number;
  readonly personId: string;
  readonly clientId: Id;
  readonly timeMs: number;
}

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly index?: number;
}

export interface Outcome {
  readonly clientSeq: number;
  readonly result:
    | { readonly kind: "revision"; readonly revision: number }
    | { readonly kind: "refusal"; readonly refusal: Refusal }
    | undefined;
  /** 64 bits. */
  readonly hash: bigint;
  readonly atRevision: number;
}

export interface FieldBefore {
  readonly id: Id;
  readonly value: FieldValue;
  readonly stampRevision: number;
}

/** A text edit as applied. */
export interface LandedEdit {
  readonly revision: number;
  readonly personId: string;
  readonly clientId: Id;
  readonly id: Id;
  readonly edit: Edit;
}

export const ORIGIN_POINT: Position = { x: 0, y: 0 };
export const EMPTY_BOX: Box = { left: 0, top: 0, right: 0, bottom: 0 };
export const EMPTY_STYLE: Style = { color: 0, opacity: 0, width: 0, fill: 0, fontSize: 0, align: Align.UNSPECIFIED };
const NO_BYTES = new Uint8Array(0);

/** An annotation to be created: what is not given is empty. */
export function newAnnotation(given: Pick<Annotation, "id" | "kind"> & Partial<Annotation>): Annotation {
  return {
    authorId: "",
    createdMs: 0,
    updatedMs: 0,
    firstFrame: 0,
    lastFrame: 0,
    points: [],
    pressure: NO_BYTES,
    mode: Mode.UNSPECIFIED,
    text: "",
    parentId: "",
    tags: [],
    attachments: [],
    resolved: false,
    audience: Audience.UNSPECIFIED,
    deleted: false,
    ...given,
  };
}

/** Absolute places, x and y in turn, as points of an annotation. */
export function encodePoints(places: readonly number[]): number[] {
  return places.map((place, index) => (index < 2 ? place : place - (places[index - 2] as number)));
}

/** Points of an annotation as places relative to its position, x and y in turn. */
export function decodePoints(points: readonly number[]): number[] {
  const places: number[] = [];
  for (let index = 0; index < points.length; index++) {
    places.push((points[index] as number) + (index < 2 ? 0 : (places[index - 2] as number)));
  }
  return places;
}

/** Sorts by the place of the Create in the log. */
export function compareDrawingOrder(a: AnnotationState, b: AnnotationState): number {
  return a.orderRevision - b.orderRevision || a.orderIndex - b.orderIndex;
}
