/**
 * The two canvases over the picture. What is committed is painted once on a layer of its own and kept while it stays the same;
 * over it, each time something moves, what is being drawn. The upper canvas has the selection and laser trails.
 */
import type { Annotation, Id } from "../document";
import { css } from "../ui/color";
import { contextOf, Layer } from "./layer";
import { differing } from "./live";
import { drawMarks, type Over } from "./marks";
import { draw, takeView, type Context } from "./paint";
import { clipped, merged, pixelsOf, placeOf, type Pixels } from "./region";
import { inkBox, meets, type Bounds } from "./shape";
import type { Change, Sheet } from "./sheet";
import type { View } from "./view";

export interface LaserTrail {
  /** x and y in turn, the newest last. */
  points: readonly number[];
  color: number;
}

export interface Scene {
  view: View;
  /** Committed, and what of it is another than before. */
  change: Change;
  /** Of the committed, what is not to be seen: it is dragged or typed. */
  hidden: ReadonlySet<Id>;
  /** Being drawn or dragged, by oneself and others. */
  live: readonly Annotation[];
  lasers: readonly LaserTrail[];
  over: Over;
}

export class Painter {
  private readonly paint: CanvasRenderingContext2D;
  private readonly over: CanvasRenderingContext2D;
  private readonly layer: Layer;
  private live: readonly Annotation[] = [];
  private painted: View | undefined;
  private density = 1;
  private overUsed = false;

  constructor(
    private readonly lower: HTMLCanvasElement,
    private readonly upper: HTMLCanvasElement,
    sheet: Sheet,
  ) {
    this.paint = contextOf(lower);
    this.over = contextOf(upper);
    this.layer = new Layer(sheet);
  }

  /** Paints what differs. Gives whether there is more to paint in the next turn. */
  show(scene: Scene, nowMs: number): boolean {
    this.fit(scene.view);
    const { view, live } = scene;
    const touched = this.layer.show(scene.change, view, this.density, scene.hidden, nowMs);
    if (touched === "all" || view !== this.painted) this.compose([this.whole], view, live);
    else this.compose([...touched, ...this.liveParts(live, view)], view, live);
    this.painted = view;
    this.live = live;
    this.showOver(scene);
    return this.layer.busy;
  }

  close(): void {
    this.layer.close();
  }

  private get whole(): Pixels {
    return { left: 0, top: 0, right: this.lower.width, bottom: this.lower.height };
  }

  private fit({ stage }: View): void {
    const density = densityNow();
    const [width, height] = [Math.round(stage.width * density), Math.round(stage.height * density)];
    if (density !== this.density) this.painted = undefined;
    this.density = density;
    for (const canvas of [this.lower, this.upper]) {
      if (canvas.width === width && canvas.height === height) continue;
      canvas.width = width;
      canvas.height = height;
      this.painted = undefined;
      this.overUsed = true;
    }
  }

  /** Where what is being drawn was, and where it is. */
  private liveParts(live: readonly Annotation[], view: View): Pixels[] {
    const before = new Map(this.live.map((each) => [each.id, each]));
    const places: Bounds[] = [];
    for (const each of live) {
      const was = before.get(each.id);
      before.delete(each.id);
      if (was !== each) places.push(was ? differing(was, each) : inkBox(each));
    }
    for (const gone of before.values()) places.push(inkBox(gone));
    return places.map((place) => pixelsOf(place, view, this.density));
  }

  /** Puts the layer and what is being drawn together, in parts of the canvas. */
  private compose(all: readonly Pixels[], view: View, live: readonly Annotation[]): void {
    const { paint, lower } = this;
    const parts = merged(all.flatMap((part) => clipped(part, lower.width, lower.height) ?? []));
    for (const { left, top, right, bottom } of parts) {
      paint.save();
      paint.setTransform(1, 0, 0, 1, 0, 0);
      paint.beginPath();
      paint.rect(left, top, right - left, bottom - top);
      paint.clip();
      paint.clearRect(left, top, right - left, bottom - top);
      this.layer.put(paint, view, this.density);
      takeView(paint, view, this.density);
      const place = placeOf({ left, top, right, bottom }, view, this.density);
      for (const annotation of live) if (meets(inkBox(annotation), place)) draw(paint, annotation);
      paint.restore();
    }
  }

  private showOver({ view, lasers, over: marks }: Scene): void {
    const { over } = this;
    const used = lasers.length > 0 || marks.selected.length > 0 || marks.marquee !== undefined || marks.guides.length > 0;
    if (!used && !this.overUsed) return;
    this.overUsed = used;
    over.setTransform(1, 0, 0, 1, 0, 0);
    over.clearRect(0, 0, this.upper.width, this.upper.height);
    over.setTransform(this.density, 0, 0, this.density, 0, 0);
    for (const trail of lasers) drawLaser(over, trail, view);
    drawMarks(over, marks, view);
  }
}

/** Screen pixels of one of the page. */
export function densityNow(): number {
  return Math.min(3, window.devicePixelRatio || 1);
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

