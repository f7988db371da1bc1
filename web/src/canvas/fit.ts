/** How high a box must be to hold its text, as this browser's letters are. */
import { AnnotationKind, type Annotation, type Id, type Operation } from "../document";
import type { ResizeOperation } from "../document/model";
import { fontOf, textHeight, wrap } from "./paint";
import { localBox, type Bounds } from "./shape";

/** How high a text is in a box of a width. */
export function heightOf(text: string, width: number, fontSize: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return textHeight(text.split("\n").length, fontSize);
  context.font = fontOf(fontSize);
  return textHeight(wrap(text, width, (each) => context.measureText(each).width).length, fontSize);
}

/** What a resize of texts asks for besides: a box is never lower than its text. */
export function fits(operations: readonly Operation[], get: (id: Id) => Annotation | undefined): Operation[] {
  return operations.flatMap((operation) => {
    const annotation = operation.kind === "resize" ? get(operation.id) : undefined;
    if (operation.kind !== "resize" || !annotation) return [];
    const { left, top, right, bottom } = { ...localBox(annotation), ...annotation.box, ...edgesOf(operation) };
    return fitted({ ...annotation, box: { left, top, right, bottom } });
  });
}

function edgesOf({ left, top, right, bottom }: ResizeOperation): Partial<Bounds> {
  const edges = Object.entries({ left, top, right, bottom }).filter(([, edge]) => edge !== undefined);
  return Object.fromEntries(edges);
}

/** The box holds its text: what was typed, or larger letters, may have made that longer. */
export function fitted(annotation: Annotation, fontSize = annotation.style?.fontSize ?? 0): Operation[] {
  if (annotation.kind !== AnnotationKind.TEXT) return [];
  const { top, bottom, left, right } = localBox(annotation);
  const needed = heightOf(annotation.text, right - left, fontSize);
  return needed > bottom - top ? [{ kind: "resize", id: annotation.id, bottom: top + needed }] : [];
}
