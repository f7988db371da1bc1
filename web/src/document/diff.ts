/** What differs between two states of an annotation. */

import * as field from "./field";
import { compareCodePoints } from "./hex";
import type { Annotation, AnnotationState, FieldValue, Value } from "./model";

/** Every field that it has: the fixed ones, its tags and its attachments. */
function names(annotation: Annotation): string[] {
  return [
    ...field.MEMBERS.keys(),
    ...annotation.tags.map((tag) => `tags/${tag}`),
    ...annotation.attachments.map((attachment) => `attachments/${attachment.id}`),
  ];
}

/**
 * The fields of two states of one annotation that differ, with their values after, sorted by name.
 *
 * A tag or attachment that is not there any more has no value. Text is no field: see `text.diff`.
 */
export function diff(before: AnnotationState, after: AnnotationState): FieldValue[] {
  const all = new Set([...names(before.annotation), ...names(after.annotation)]);
  return [...all].sort(compareCodePoints).flatMap((name) => {
    const value = field.read(after.annotation, name);
    return same(value.value, field.read(before.annotation, name).value) ? [] : [value];
  });
}

/** Whether two values of one field are equal. */
function same(a: Value | undefined, b: Value | undefined): boolean {
  return a === b || JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

/** A value as a list that does not depend on the order in which its members were written. */
function ordered(value: Value | undefined): readonly unknown[] {
  switch (value?.kind) {
    case undefined:
      return [];
    case "number":
      return [value.number];
    case "flag":
      return [value.flag];
    case "position":
      return [value.position.x, value.position.y];
    case "frames":
      return [value.frames.first, value.frames.last];
    case "audience":
      return [value.audience];
    case "attachment": {
      const { id, title, target } = value.attachment;
      return [id, title, target?.kind, target?.value];
    }
  }
}
