/**
 * Fields of an annotation by name: reading and writing their values and their stamps.
 *
 * Everything of an annotation that can change but its text is a field with a value and a stamp, the revision that last
 * set it. A field without a stamp of its own has that of the Create and belongs to the author.
 */

import { compareCodePoints } from "./hex";
import * as limit from "./limit";
import { Audience, EMPTY_BOX, EMPTY_STYLE, ORIGIN_POINT } from "./model";
import type {
  Annotation,
  AnnotationState,
  Attachment,
  FieldStamp,
  FieldValue,
  Position,
  Style,
  Value,
} from "./model";
import { Refuse } from "./refusal";
import * as text from "./text";

export const EDGES = ["left", "top", "right", "bottom"] as const;
export type Edge = (typeof EDGES)[number];

/** Name of a style field -> its member, and its largest number; the least is 0. */
const STYLES: ReadonlyMap<string, readonly [keyof Style, number]> = new Map([
  ["style/color", ["color", 0xffffff]],
  ["style/opacity", ["opacity", 255]],
  ["style/width", ["width", limit.MAX_COORDINATE]],
  ["style/fill", ["fill", 0xffffffff]],
  ["style/font_size", ["fontSize", limit.MAX_COORDINATE]],
  ["style/align", ["align", 3]],
] as const);

/** Name of a field -> kind of its value; beside them are tags/NAME (flag) and attachments/ID (attachment). */
export const MEMBERS: ReadonlyMap<string, Value["kind"]> = new Map<string, Value["kind"]>([
  ["position", "position"],
  ...EDGES.map((edge) => [edge, "number"] as const),
  ["frames", "frames"],
  ["audience", "audience"],
  ["resolved", "flag"],
  ["deleted", "flag"],
  ...[...STYLES.keys()].map((name) => [name, "number"] as const),
]);

const SETTABLE: ReadonlySet<string> = new Set(["frames", "audience", "resolved", ...STYLES.keys()]);
const TAG = "tags/";
const ATTACHMENT = "attachments/";
const ATTACHMENT_ID = /^[a-z0-9]{1,16}$/;

/** An object that is being made: nobody else has seen it yet. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** A state that is being made. */
export interface StateDraft {
  annotation: Draft<Annotation>;
  orderRevision: number;
  orderIndex: number;
  stamps: FieldStamp[];
  moves: AnnotationState["moves"];
}

/** Whether SetFields may name it. */
export function isSettable(name: string): boolean {
  return SETTABLE.has(name) || name.startsWith(TAG) || name.startsWith(ATTACHMENT);
}

function isEdge(name: string): name is Edge {
  return (EDGES as readonly string[]).includes(name);
}

/** Refuses a field that there is not, and a value that it cannot have. */
export function checkValue(given: FieldValue, frameCount: number): void {
  const { field: name, value } = given;
  const member = MEMBERS.get(name);
  if (member === undefined) {
    if (name.startsWith(TAG)) {
      checkTag(name.slice(TAG.length), value);
    } else if (name.startsWith(ATTACHMENT)) {
      checkAttachmentField(name.slice(ATTACHMENT.length), value);
    } else {
      throw new Refuse("INVALID_FIELD");
    }
  } else if (value?.kind !== member) {
    throw new Refuse("INVALID_VALUE");
  } else if (value.kind === "number") {
    checkNumber(name, value.number);
  } else if (value.kind === "frames") {
    checkFrames(value.frames.first, value.frames.last, frameCount);
  } else if (value.kind === "position") {
    checkPlace(value.position);
  } else if (value.kind === "audience" && value.audience !== Audience.INTERNAL && value.audience !== Audience.CLIENT) {
    throw new Refuse("INVALID_AUDIENCE");
  }
}

/** Refuses a range that is none, or outside the video (`frameCount` 0: not known). */
export function checkFrames(first: number, last: number, frameCount: number): void {
  if (first > last) {
    throw new Refuse("INVALID_FRAMES");
  }
  if (frameCount && last >= frameCount) {
    throw new Refuse("FRAME_OUTSIDE");
  }
}

/** Whether a coordinate is in range. */
export function inRange(coordinate: number): boolean {
  return -limit.MAX_COORDINATE <= coordinate && coordinate <= limit.MAX_COORDINATE;
}

/** Refuses a place out of range. */
export function checkPlace(place: Position): void {
  if (!inRange(place.x) || !inRange(place.y)) {
    throw new Refuse("INVALID_POSITION");
  }
}

/** Refuses an attachment without a valid id, target and title. */
export function checkAttachment(attachment: Attachment): void {
  const { id, target, title } = attachment;
  const most = target?.kind === "blob" ? limit.MAX_BLOB_NAME_BYTES : limit.MAX_LINK_BYTES;
  if (
    !ATTACHMENT_ID.test(id) ||
    text.bytesOf(title) > limit.MAX_TITLE_BYTES ||
    target === undefined ||
    target.value === "" ||
    text.bytesOf(target.value) > most
  ) {
    throw new Refuse("INVALID_ATTACHMENTS");
  }
}

/** Whether a tag can be one. */
export function isTag(tag: string): boolean {
  return tag !== "" && text.bytesOf(tag) <= limit.MAX_TAG_BYTES;
}

function checkTag(tag: string, value: Value | undefined): void {
  if (!isTag(tag)) {
    throw new Refuse("INVALID_TAGS");
  }
  if (value !== undefined && value.kind !== "flag") {
    throw new Refuse("INVALID_VALUE");
  }
}

function checkAttachmentField(id: string, value: Value | undefined): void {
  if (!ATTACHMENT_ID.test(id)) {
    throw new Refuse("INVALID_ATTACHMENTS");
  }
  if (value === undefined) {
    return;
  }
  if (value.kind !== "attachment") {
    throw new Refuse("INVALID_VALUE");
  }
  checkAttachment(value.attachment);
  if (value.attachment.id !== id) {
    throw new Refuse("INVALID_ATTACHMENTS");
  }
}

function checkNumber(name: string, number: number): void {
  const style = STYLES.get(name);
  if (style === undefined) {
    if (!inRange(number)) {
      throw new Refuse("INVALID_BOX");
    }
  } else if (number < 0 || number > style[1]) {
    throw new Refuse("INVALID_STYLE");
  }
}

/** A field's value now; the name is a valid one. Undefined: a tag or attachment that is not there. */
function valueOf(annotation: Annotation, name: string): Value | undefined {
  const style = STYLES.get(name);
  if (style !== undefined) {
    return { kind: "number", number: (annotation.style ?? EMPTY_STYLE)[style[0]] };
  }
  if (isEdge(name)) {
    return { kind: "number", number: (annotation.box ?? EMPTY_BOX)[name] };
  }
  switch (name) {
    case "position":
      return { kind: "position", position: annotation.position ?? ORIGIN_POINT };
    case "frames":
      return { kind: "frames", frames: { first: annotation.firstFrame, last: annotation.lastFrame } };
    case "audience":
      return { kind: "audience", audience: annotation.audience };
    case "resolved":
    case "deleted":
      return { kind: "flag", flag: annotation[name] };
  }
  if (name.startsWith(TAG)) {
    return annotation.tags.includes(name.slice(TAG.length)) ? { kind: "flag", flag: true } : undefined;
  }
  const id = name.slice(ATTACHMENT.length);
  const attachment = annotation.attachments.find((each) => each.id === id);
  return attachment && { kind: "attachment", attachment };
}

/** A field with its value now. */
export function read(annotation: Annotation, name: string): FieldValue {
  const value = valueOf(annotation, name);
  return value === undefined ? { field: name } : { field: name, value };
}

/** Sets a field, but for the audience. Refuses a tag or attachment too many; all else was checked before. */
export function write(annotation: Draft<Annotation>, given: FieldValue): void {
  const { field: name, value } = given;
  if (name.startsWith(TAG)) {
    writeTag(annotation, name.slice(TAG.length), value?.kind === "flag" && value.flag);
  } else if (name.startsWith(ATTACHMENT)) {
    writeAttachment(annotation, name.slice(ATTACHMENT.length), value);
  } else if (value !== undefined) {
    writeValue(annotation, name, value);
  }
}

function writeValue(annotation: Draft<Annotation>, name: string, value: Value): void {
  switch (value.kind) {
    case "number": {
      const style = STYLES.get(name);
      if (style !== undefined) {
        annotation.style = { ...(annotation.style ?? EMPTY_STYLE), [style[0]]: value.number };
      } else {
        annotation.box = { ...(annotation.box ?? EMPTY_BOX), [name]: value.number };
      }
      break;
    }
    case "position":
      annotation.position = value.position;
      break;
    case "frames":
      annotation.firstFrame = value.frames.first;
      annotation.lastFrame = value.frames.last;
      break;
    case "flag":
      if (name === "resolved" || name === "deleted") {
        annotation[name] = value.flag;
      }
      break;
    case "audience":
    case "attachment":
      break;
  }
}

function writeTag(annotation: Draft<Annotation>, tag: string, there: boolean): void {
  const tags = annotation.tags.filter((each) => each !== tag);
  if (there) {
    if (tags.length >= limit.MAX_TAGS) {
      throw new Refuse("TOO_MANY_TAGS");
    }
    tags.push(tag);
    tags.sort(compareCodePoints);
  }
  annotation.tags = tags;
}

function writeAttachment(annotation: Draft<Annotation>, id: string, value: Value | undefined): void {
  const others = annotation.attachments.filter((each) => each.id !== id);
  if (value?.kind === "attachment") {
    if (others.length >= limit.MAX_ATTACHMENTS) {
      throw new Refuse("TOO_MANY_ATTACHMENTS");
    }
    others.push(value.attachment);
    others.sort((a, b) => compareCodePoints(a.id, b.id));
  }
  annotation.attachments = others;
}

/** The revision that last set a field. */
export function stampOf(state: AnnotationState, name: string): number {
  return state.stamps.find((stamp) => stamp.field === name)?.revision ?? state.orderRevision;
}

/** Says who set a field, and when. What equals the Create's is left out; the list stays sorted by code points. */
export function setStamp(state: StateDraft, name: string, revision: number, personId: string): void {
  const person = personId === state.annotation.authorId ? "" : personId;
  const asCreated = person === "" && revision === state.orderRevision;
  let at = 0;
  for (const stamp of state.stamps) {
    const order = compareCodePoints(stamp.field, name);
    if (order === 0) {
      state.stamps.splice(at, 1, ...(asCreated ? [] : [{ field: name, revision, personId: person }]));
      return;
    }
    if (order > 0) {
      break;
    }
    at++;
  }
  if (!asCreated) {
    state.stamps.splice(at, 0, { field: name, revision, personId: person });
  }
}
