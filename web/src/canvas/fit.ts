/** How high a box must be to hold its text, as this browser's letters are. */
import { AnnotationKind, type Annotation, type Operation } from "../document";
import { fontOf, textHeight, wrap } from "./paint";
import { localBox } from "./shape";

/** How high a text is in a box of a width. */
export function heightOf(text: string, width: number, fontSize: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return textHeight(text.split("\n").length, fontSize);
  context.font = fontOf(fontSize);
  return textHeight(wrap(text, width, (each) => context.measureText(each).width).length, fontSize);
}

/** The box holds its text: what was typed, or larger letters, may have made that longer. */
export function fitted(annotation: Annotation, fontSize = annotation.style?.fontSize ?? 0): Operation[] {
  if (annotation.kind !== AnnotationKind.TEXT) return [];
  const { top, bottom, left, right } = localBox(annotation);
  const needed = heightOf(annotation.text, right - left, fontSize);
  return needed > bottom - top ? [{ kind: "resize", id: annotation.id, bottom: top + needed }] : [];
}
