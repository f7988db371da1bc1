/** What changes of a note besides its text: tags, attachments, whether it is resolved. */
import { text as core, type Annotation, type Attachment, type FieldValue, type Operation } from "../document";
import { MAX_TAG_BYTES, MAX_TAGS } from "../document/limit";
import type { Room } from "../review/room";
import type { Thread } from "./board";
import type { Change } from "./label";

/** Tags that a note may have: not too long, not too many, each once, sorted as the service keeps them. */
export function tidy(tags: Iterable<string>): string[] {
  const fit = [...new Set(tags)].filter((tag) => tag !== "" && core.bytesOf(tag) <= MAX_TAG_BYTES);
  return fit.slice(0, MAX_TAGS).sort();
}

function set(room: Room, annotation: Annotation, fields: readonly FieldValue[]): boolean {
  return fields.length === 0 || room.session.submit([{ kind: "setFields", id: annotation.id, fields }]);
}

/** Puts tags on a note and takes them off. */
export function changeTags(room: Room, annotation: Annotation, changes: readonly Change[]): boolean {
  const off = changes.filter(({ tag, on }) => !on && annotation.tags.includes(tag)).map(({ tag }): FieldValue => ({ field: `tags/${tag}` }));
  const left = annotation.tags.length - off.length;
  const on = tidy(changes.filter((each) => each.on && !annotation.tags.includes(each.tag)).map(({ tag }) => tag))
    .slice(0, Math.max(0, MAX_TAGS - left))
    .map((tag): FieldValue => ({ field: `tags/${tag}`, value: { kind: "flag", flag: true } }));
  return set(room, annotation, [...off, ...on]);
}

/** Attaches something to a note. */
export function attach(room: Room, annotation: Annotation, attachment: Attachment): boolean {
  return set(room, annotation, [{ field: `attachments/${attachment.id}`, value: { kind: "attachment", attachment } }]);
}

/** Takes an attachment away. */
export function detach(room: Room, annotation: Annotation, id: string): boolean {
  return set(room, annotation, [{ field: `attachments/${id}` }]);
}

/** Resolves notes, or opens them again, as one action. */
export function resolve(room: Room, threads: readonly Thread[], flag: boolean): boolean {
  const operations = threads
    .filter(({ root }) => root.resolved !== flag && room.mayChange(root))
    .map(({ root }): Operation => ({ kind: "setFields", id: root.id, fields: [{ field: "resolved", value: { kind: "flag", flag } }] }));
  return operations.length === 0 || room.session.submit(operations);
}
