/** Draws annotations on a canvas whose units are those of the picture. Shapes are kept, by annotation, while it does not change. */
import { AnnotationKind, StrokeMode, TextAlign, type Annotation } from "../document";
import { css } from "../ui/color";
import { lettersOf } from "../ui/letters";
import { arrowHead, localBox, localPoints } from "./shape";
import type { View } from "./view";

export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

const FONT = `system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "Liberation Sans", "DejaVu Sans", sans-serif`;
const LINE_HEIGHT = 1.25;
/** Pressure never makes a stroke thinner than this part of its width. */
const LEAST_WIDTH = 0.25;

let paths = new WeakMap<Annotation, Path2D>();
let broken = new WeakMap<Annotation, string[]>();

/** Lets go of all shapes: one has left what they were for, while its annotations stay in the document. */
export function forgetShapes(): void {
  paths = new WeakMap();
  broken = new WeakMap();
}

/** A copy that is only elsewhere has the shape of what it was copied from. */
export function shareShape(copy: Annotation, from: Annotation): void {
  const path = paths.get(from);
  if (path) paths.set(copy, path);
  const lines = broken.get(from);
  if (lines) broken.set(copy, lines);
}

/** What an annotation costs to paint: a point costs 1. */
export function costOf(annotation: Annotation): number {
  return 12 + annotation.points.length / 2 + annotation.text.length;
}

function pathOf(annotation: Annotation, make: (annotation: Annotation) => Path2D): Path2D {
  let path = paths.get(annotation);
  if (!path) {
    path = make(annotation);
    paths.set(annotation, path);
  }
  return path;
}

/**
 * A line through all points, its corners rounded by no more than its width: what was kept of a stroke may be a few points far
 * apart, and a curve that only passes between them would not be where the pen was.
 */
function smoothPath(annotation: Annotation): Path2D {
  const flat = localPoints(annotation);
  const most = annotation.style?.width ?? 0;
  const path = new Path2D();
  path.moveTo(flat[0] ?? 0, flat[1] ?? 0);
  if (flat.length <= 2) path.lineTo((flat[0] ?? 0) + 0.1, flat[1] ?? 0);
  for (let at = 2; at + 3 < flat.length; at += 2) {
    const [fromX, fromY, x, y, toX, toY] = flat.slice(at - 2, at + 4) as [number, number, number, number, number, number];
    const [before, after] = [Math.hypot(fromX - x, fromY - y), Math.hypot(toX - x, toY - y)];
    const [back, on] = [Math.min(0.5, most / Math.max(1, before)), Math.min(0.5, most / Math.max(1, after))];
    path.lineTo(x + (fromX - x) * back, y + (fromY - y) * back);
    path.quadraticCurveTo(x, y, x + (toX - x) * on, y + (toY - y) * on);
  }
  if (flat.length > 2) path.lineTo(flat[flat.length - 2] ?? 0, flat[flat.length - 1] ?? 0);
  return path;
}

/** The outline of a stroke that is as wide as one pressed: a disc at each point and a band between each two, all one fill. */
function pressedPath(annotation: Annotation): Path2D {
  const flat = localPoints(annotation);
  const width = annotation.style?.width ?? 0;
  const radius = (at: number): number => (width / 2) * (LEAST_WIDTH + (1 - LEAST_WIDTH) * ((annotation.pressure[at] ?? 128) / 255));
  const path = new Path2D();
  for (let at = 0; at * 2 + 1 < flat.length; at++) {
    const [x, y, r] = [flat[at * 2] ?? 0, flat[at * 2 + 1] ?? 0, radius(at)];
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, Math.PI * 2);
    if (at === 0) continue;
    const [fromX, fromY, fromR] = [flat[at * 2 - 2] ?? 0, flat[at * 2 - 1] ?? 0, radius(at - 1)];
    const length = Math.hypot(x - fromX, y - fromY);
    if (length === 0) continue;
    const [nx, ny] = [-(y - fromY) / length, (x - fromX) / length];
    // Wound as the discs are, so that overlaps add up and do not cut each other out.
    path.moveTo(fromX - nx * fromR, fromY - ny * fromR);
    path.lineTo(x - nx * r, y - ny * r);
    path.lineTo(x + nx * r, y + ny * r);
    path.lineTo(fromX + nx * fromR, fromY + ny * fromR);
    path.closePath();
  }
  return path;
}

function boxPath(annotation: Annotation): Path2D {
  const { left, top, right, bottom } = localBox(annotation);
  const path = new Path2D();
  if (annotation.kind === AnnotationKind.RECT) path.rect(left, top, right - left, bottom - top);
  else path.ellipse((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2, 0, 0, Math.PI * 2);
  return path;
}

function linePath(annotation: Annotation): Path2D {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = localPoints(annotation);
  const path = new Path2D();
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
  if (annotation.kind === AnnotationKind.ARROW) {
    const [left, tip, right] = arrowHead({ x: x0, y: y0 }, { x: x1, y: y1 }, annotation.style?.width ?? 0);
    path.moveTo(left.x, left.y);
    path.lineTo(tip.x, tip.y);
    path.lineTo(right.x, right.y);
  }
  return path;
}

/** Lines of a text in a box of a width, broken between words, and within a word that is too long. */
export function wrap(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.match(/\s+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu) ?? []) {
      if (line !== "" && measure(line + word.trimEnd()) > width) {
        lines.push(line.trimEnd());
        line = word.trimStart();
      } else {
        line += word;
      }
      while (measure(line.trimEnd()) > width && lettersOf(line).length > 1) {
        const letters = lettersOf(line);
        let fits = letters.length - 1;
        while (fits > 1 && measure(letters.slice(0, fits).join("")) > width) fits--;
        lines.push(letters.slice(0, fits).join(""));
        line = letters.slice(fits).join("");
      }
    }
    lines.push(line);
  }
  return lines;
}

/** The font of a text of a height. */
export function fontOf(size: number): string {
  return `500 ${size}px ${FONT}`;
}

/** How high a text of so many lines is. */
export function textHeight(lines: number, fontSize: number): number {
  return Math.round(lines * fontSize * LINE_HEIGHT);
}

function drawText(context: Context, annotation: Annotation): void {
  const { left, top, right } = localBox(annotation);
  const size = annotation.style?.fontSize ?? 900;
  context.font = fontOf(size);
  context.textBaseline = "top";
  let lines = broken.get(annotation);
  if (!lines) {
    lines = wrap(annotation.text, right - left, (text) => context.measureText(text).width);
    broken.set(annotation, lines);
  }
  const align = annotation.style?.align;
  const x = align === TextAlign.CENTER ? (left + right) / 2 : align === TextAlign.END ? right : left;
  context.textAlign = align === TextAlign.CENTER ? "center" : align === TextAlign.END ? "end" : "start";
  context.lineJoin = "round";
  context.lineWidth = size / 8;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  lines.forEach((line, at) => context.strokeText(line, x, top + (at * LINE_HEIGHT + 0.1) * size));
  lines.forEach((line, at) => context.fillText(line, x, top + (at * LINE_HEIGHT + 0.1) * size));
}

/** Makes the picture's units those of the canvas. */
export function takeView(context: Context, view: View, density: number): void {
  const scale = view.scale * density;
  context.setTransform(scale, 0, 0, scale, view.centre.x * density, view.centre.y * density);
}

/** Draws one; the canvas has the picture's units. With a tint all of it has that colour. */
export function draw(context: Context, annotation: Annotation, tint?: string): void {
  const { style, position, kind } = annotation;
  context.save();
  context.translate(position?.x ?? 0, position?.y ?? 0);
  const color = tint ?? css(style?.color ?? 0xffffff, style?.opacity ?? 255);
  context.fillStyle = context.strokeStyle = color;
  context.lineWidth = style?.width ?? 0;
  context.lineCap = context.lineJoin = "round";
  if (annotation.mode === StrokeMode.ERASE) context.globalCompositeOperation = "destination-out";
  if (kind === AnnotationKind.STROKE) {
    if (annotation.pressure.length > 0) context.fill(pathOf(annotation, pressedPath), "nonzero");
    else context.stroke(pathOf(annotation, smoothPath));
  } else if (kind === AnnotationKind.LINE || kind === AnnotationKind.ARROW) {
    context.stroke(pathOf(annotation, linePath));
  } else if (kind === AnnotationKind.RECT || kind === AnnotationKind.ELLIPSE) {
    drawBox(context, annotation, color, tint);
  } else if (kind === AnnotationKind.TEXT) {
    drawText(context, annotation);
  }
  context.restore();
}

function drawBox(context: Context, annotation: Annotation, color: string, tint?: string): void {
  const path = pathOf(annotation, boxPath);
  const fill = annotation.style?.fill ?? 0;
  if (fill >>> 24) {
    context.fillStyle = tint ?? css(fill & 0xffffff, fill >>> 24);
    context.fill(path);
  }
  context.strokeStyle = color;
  context.stroke(path);
}

