/** Notes that are only looked at, painted one list over the other on a canvas of their own. */
import type { Annotation } from "../document";
import { contextOf } from "./layer";
import { draw, takeView } from "./paint";
import { densityNow } from "./painter";
import type { View } from "./view";

export interface Coat {
  list: readonly Annotation[];
  tint?: string;
  alpha: number;
  /** The part of the stage's width that it is painted on. */
  clip?: [from: number, to: number];
}

/** Paints them, in the place of what was there. */
export function paintCoats(canvas: HTMLCanvasElement, view: View, coats: readonly Coat[]): void {
  const density = densityNow();
  canvas.width = Math.round(view.stage.width * density);
  canvas.height = Math.round(view.stage.height * density);
  if (canvas.width * canvas.height === 0) return;
  const context = contextOf(canvas);
  const scratch = contextOf(document.createElement("canvas"));
  for (const { list, tint, alpha, clip } of coats) {
    if (list.length === 0) continue;
    // By itself first: an eraser of one side erases nothing of the other.
    scratch.canvas.width = canvas.width;
    scratch.canvas.height = canvas.height;
    takeView(scratch, view, density);
    for (const annotation of list) draw(scratch, annotation, tint);
    const [from, to] = clip ?? [0, 1];
    const [x, width] = [Math.round(from * canvas.width), Math.round((to - from) * canvas.width)];
    context.globalAlpha = alpha;
    if (width > 0) context.drawImage(scratch.canvas, x, 0, width, canvas.height, x, 0, width, canvas.height);
  }
}
