/** Annotations as tools make them. Pure: ids come in. */
import {
  AnnotationKind,
  encodePoints,
  newAnnotation,
  StrokeMode,
  TextAlign,
  type Annotation,
  type Audience,
  type Style,
  type View,
} from "../document";
import { boundsOf } from "./shape";
import type { Ink } from "./stroke";
import type { Point } from "./view";

/** What the tools draw with. */
export interface Brush {
  /** 0xRRGGBB. */
  color: number;
  /** In units. */
  width: number;
  fontSize: number;
  align: TextAlign;
}

/** Of whom and for whom, and on which frames. */
export interface Setting {
  first: number;
  last: number;
  audience: Audience;
  /** How the picture is looked at; none: it fits. */
  view?: View | undefined;
}

const ERASER_TIMES = 4;

function styleOf(brush: Brush, width = brush.width): Style {
  return { color: brush.color, opacity: 255, width, fill: 0, fontSize: 0, align: TextAlign.UNSPECIFIED };
}

function base(id: string, setting: Setting): Pick<Annotation, "id" | "firstFrame" | "lastFrame" | "audience" | "view"> {
  const { first, last, audience, view } = setting;
  return { id, firstFrame: first, lastFrame: last, audience, ...(view ? { view } : {}) };
}

/** A stroke through points. */
export function strokeOf(id: string, points: readonly Ink[], pressed: boolean, erase: boolean, brush: Brush, setting: Setting): Annotation {
  const first = points[0] as Ink;
  const flat = points.flatMap((point) => [point.x - first.x, point.y - first.y]);
  return newAnnotation({
    ...base(id, setting),
    kind: AnnotationKind.STROKE,
    mode: erase ? StrokeMode.ERASE : StrokeMode.DRAW,
    position: { x: first.x, y: first.y },
    points: encodePoints(flat),
    pressure: pressed ? Uint8Array.from(points, (point) => point.pressure) : new Uint8Array(0),
    box: boundsOf(flat),
    style: styleOf(brush, erase ? brush.width * ERASER_TIMES : brush.width),
  });
}

/** A line or arrow. Its ends differ on both axes, by a unit nobody sees, so that each can be dragged anywhere later. */
export function lineOf(id: string, arrow: boolean, from: Point, to: Point, brush: Brush, setting: Setting): Annotation {
  const flat = [0, 0, to.x - from.x || 1, to.y - from.y || 1];
  return newAnnotation({
    ...base(id, setting),
    kind: arrow ? AnnotationKind.ARROW : AnnotationKind.LINE,
    position: from,
    points: encodePoints(flat),
    box: boundsOf(flat),
    style: styleOf(brush),
  });
}

/** A rectangle or an ellipse between two corners. */
export function boxOf(id: string, ellipse: boolean, from: Point, to: Point, brush: Brush, setting: Setting): Annotation {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  return newAnnotation({
    ...base(id, setting),
    kind: ellipse ? AnnotationKind.ELLIPSE : AnnotationKind.RECT,
    position: { x: left, y: top },
    box: { left: 0, top: 0, right: right - left, bottom: bottom - top },
    style: styleOf(brush),
  });
}

/** Text on the picture. */
export function textOf(id: string, at: Point, size: Point, text: string, brush: Brush, setting: Setting): Annotation {
  return newAnnotation({
    ...base(id, setting),
    kind: AnnotationKind.TEXT,
    position: at,
    box: { left: 0, top: 0, right: size.x, bottom: size.y },
    style: { ...styleOf(brush, 0), fontSize: brush.fontSize, align: brush.align },
    text,
  });
}
