/** What is drawn over everything: what is selected with its handles, the frame that selects, the lines that things snap to. */
import type { Annotation } from "../document";
import { groupBox } from "./group";
import { boxHandles, handles } from "./hit";
import type { Context } from "./paint";
import { placedBox, type Bounds } from "./shape";
import type { Guide } from "./snap";
import type { View } from "./view";

export interface Over {
  selected: readonly Annotation[];
  marquee: Bounds | undefined;
  guides: readonly Guide[];
}

const HANDLE_PX = 4;
/** How near a mouse must be to a handle. */
const HANDLE_REACH_PX = 7;
const ACCENT = "#e0a24e";
const GUIDE = "#4fd1c5";
/** With more than so many selected only the box around all is drawn. */
const MOST_BOXES = 300;

function outline(context: Context, box: Bounds, view: View): void {
  const [from, to] = [view.toPixels(box.left, box.top), view.toPixels(box.right, box.bottom)];
  context.strokeStyle = "rgb(0 0 0 / 60%)";
  context.lineWidth = 3;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.strokeStyle = ACCENT;
  context.lineWidth = 1;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
}

function drawSelected(context: Context, selected: readonly Annotation[], view: View): void {
  const [first] = selected;
  if (!first) return;
  const reach = HANDLE_REACH_PX / view.scale;
  const box = groupBox(selected);
  const all = selected.length === 1 ? handles(first, reach) : boxHandles(box, reach);
  if (selected.length > 1 && selected.length <= MOST_BOXES) {
    context.strokeStyle = "rgb(224 162 78 / 55%)";
    context.lineWidth = 1;
    for (const annotation of selected) {
      const { left, top, right, bottom } = placedBox(annotation);
      const [from, to] = [view.toPixels(left, top), view.toPixels(right, bottom)];
      context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
  }
  // A line has its ends for handles, and no box.
  if (all.length > 2) outline(context, box, view);
  for (const [, place] of all) {
    const { x, y } = view.toPixels(place.x, place.y);
    context.fillStyle = ACCENT;
    context.strokeStyle = "#101010";
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, HANDLE_PX, 0, Math.PI * 2);
    context.fill();
    context.stroke();
  }
}

function drawMarquee(context: Context, { left, top, right, bottom }: Bounds, view: View): void {
  const [from, to] = [view.toPixels(left, top), view.toPixels(right, bottom)];
  context.fillStyle = "rgb(224 162 78 / 12%)";
  context.strokeStyle = ACCENT;
  context.lineWidth = 1;
  context.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
}

function drawGuide(context: Context, guide: Guide, view: View): void {
  const { x, y } = view.toPixels(guide.at, guide.at);
  context.strokeStyle = GUIDE;
  context.lineWidth = 1;
  context.beginPath();
  if (guide.axis === "x") {
    context.moveTo(x, 0);
    context.lineTo(x, view.stage.height);
  } else {
    context.moveTo(0, y);
    context.lineTo(view.stage.width, y);
  }
  context.stroke();
}

/** Draws all of it; the canvas has the stage's pixels. */
export function drawMarks(context: Context, over: Over, view: View): void {
  for (const guide of over.guides) drawGuide(context, guide, view);
  drawSelected(context, over.selected, view);
  if (over.marquee) drawMarquee(context, over.marquee, view);
}
