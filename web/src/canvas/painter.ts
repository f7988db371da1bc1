/**
 * The two canvases over the picture. What is committed is painted once on a layer of its own and kept while it stays the same;
 * over it, each time something moves, what is being drawn. The upper canvas has the selection and laser trails.
 */
import type { Annotation } from "../document";
import { css } from "../ui/color";
import { handles } from "./hit";
import { draw, takeView, type Context } from "./paint";
import { placedBox } from "./shape";
import type { View } from "./view";

export interface LaserTrail {
  /** x and y in turn, the newest last. */
  points: readonly number[];
  color: number;
}

export interface Scene {
  view: View;
  /** Committed, in drawing order; those that are dragged are left out. */
  drawn: readonly Annotation[];
  /** Being drawn or dragged, by oneself and others. */
  live: readonly Annotation[];
  lasers: readonly LaserTrail[];
  selected: Annotation | undefined;
}

const HANDLE_PX = 4;
/** How near a mouse must be to a handle. */
const HANDLE_REACH_PX = 7;

export class Painter {
  private readonly paint: CanvasRenderingContext2D;
  private readonly over: CanvasRenderingContext2D;
  private readonly layer: HTMLCanvasElement;
  private readonly layerPaint: CanvasRenderingContext2D;
  private onLayer: readonly Annotation[] = [];
  private layerView: View | undefined;
  private density = 1;

  constructor(
    private readonly lower: HTMLCanvasElement,
    private readonly upper: HTMLCanvasElement,
  ) {
    this.layer = document.createElement("canvas");
    this.paint = contextOf(lower);
    this.over = contextOf(upper);
    this.layerPaint = contextOf(this.layer);
  }

  /** Paints what differs. */
  show(scene: Scene): void {
    this.fit(scene.view);
    this.keepLayer(scene);
    const { paint } = this;
    paint.setTransform(1, 0, 0, 1, 0, 0);
    paint.clearRect(0, 0, this.lower.width, this.lower.height);
    if (scene.drawn.length > 0 && this.layer.width * this.layer.height > 0) paint.drawImage(this.layer, 0, 0);
    takeView(paint, scene.view, this.density);
    for (const annotation of scene.live) draw(paint, annotation);
    this.showOver(scene);
  }

  private fit({ stage }: View): void {
    this.density = Math.min(3, window.devicePixelRatio || 1);
    const [width, height] = [Math.round(stage.width * this.density), Math.round(stage.height * this.density)];
    for (const canvas of [this.lower, this.upper, this.layer]) {
      if (canvas.width === width && canvas.height === height) continue;
      canvas.width = width;
      canvas.height = height;
      this.layerView = undefined;
    }
  }

  /** Paints the layer anew, or only what came on top. */
  private keepLayer({ view, drawn }: Scene): void {
    const before = this.onLayer;
    const sameView = this.layerView === view;
    if (sameView && drawn === before) return;
    const grew = sameView && drawn.length >= before.length && before.every((annotation, at) => annotation === drawn[at]);
    const from = grew ? before.length : 0;
    if (!grew) {
      this.layerPaint.setTransform(1, 0, 0, 1, 0, 0);
      this.layerPaint.clearRect(0, 0, this.layer.width, this.layer.height);
    }
    takeView(this.layerPaint, view, this.density);
    for (let at = from; at < drawn.length; at++) draw(this.layerPaint, drawn[at] as Annotation);
    this.onLayer = drawn;
    this.layerView = view;
  }

  private showOver({ view, lasers, selected }: Scene): void {
    const { over } = this;
    over.setTransform(1, 0, 0, 1, 0, 0);
    over.clearRect(0, 0, this.upper.width, this.upper.height);
    over.setTransform(this.density, 0, 0, this.density, 0, 0);
    for (const trail of lasers) drawLaser(over, trail, view);
    if (selected) drawSelection(over, selected, view);
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no canvas");
  return context;
}

function drawLaser(context: Context, { points, color }: LaserTrail, view: View): void {
  const count = Math.floor(points.length / 2);
  if (count === 0) return;
  context.lineCap = "round";
  for (let at = 1; at < count; at++) {
    const from = view.toPixels(points[at * 2 - 2] ?? 0, points[at * 2 - 1] ?? 0);
    const to = view.toPixels(points[at * 2] ?? 0, points[at * 2 + 1] ?? 0);
    context.strokeStyle = css(color, Math.round((255 * at) / count));
    context.lineWidth = 1 + (4 * at) / count;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  const tip = view.toPixels(points[count * 2 - 2] ?? 0, points[count * 2 - 1] ?? 0);
  const glow = context.createRadialGradient(tip.x, tip.y, 0, tip.x, tip.y, 12);
  glow.addColorStop(0, css(color));
  glow.addColorStop(0.35, css(color, 150));
  glow.addColorStop(1, css(color, 0));
  context.fillStyle = glow;
  context.beginPath();
  context.arc(tip.x, tip.y, 12, 0, Math.PI * 2);
  context.fill();
}

function drawSelection(context: Context, annotation: Annotation, view: View): void {
  const box = placedBox(annotation);
  const [from, to] = [view.toPixels(box.left, box.top), view.toPixels(box.right, box.bottom)];
  const all = handles(annotation, HANDLE_REACH_PX / view.scale);
  const line = all.length === 2;
  if (!line) {
    context.strokeStyle = "rgb(0 0 0 / 60%)";
    context.lineWidth = 3;
    context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    context.strokeStyle = "#e0a24e";
    context.lineWidth = 1;
    context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  }
  for (const [, place] of all) {
    const { x, y } = view.toPixels(place.x, place.y);
    context.fillStyle = "#e0a24e";
    context.strokeStyle = "#101010";
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, HANDLE_PX, 0, Math.PI * 2);
    context.fill();
    context.stroke();
  }
}
