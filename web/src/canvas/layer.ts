/**
 * What is committed on a frame, painted once and kept as a picture. A change paints only the part of it where something changed;
 * what is much is painted a little in each turn of the screen, and until then the picture that there was is shown, moved to where
 * it belongs now.
 */
import type { Annotation, Id } from "../document";
import { costOf, draw, takeView, type Context } from "./paint";
import { Pace } from "./pace";
import { clipped, merged, pixelsOf, placeOf, shiftBetween, uncovered, type Pixels } from "./region";
import { inkBox, type Bounds } from "./shape";
import { together, type Change, type Sheet } from "./sheet";
import type { View } from "./view";

interface Raster {
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  view: View;
  density: number;
}

/** A picture being painted: the list as it was when it was begun, and the places where it has changed since. */
interface Build {
  raster: Raster;
  list: readonly Annotation[];
  hidden: ReadonlySet<Id>;
  at: number;
  repairs: Bounds[];
}

/** What of the layer is another now. */
export type Touched = "all" | readonly Pixels[];

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no canvas");
  return context;
}

export class Layer {
  private front: Raster | undefined;
  private spare: HTMLCanvasElement | undefined;
  private build: Build | undefined;
  private hidden: ReadonlySet<Id> = new Set();
  private readonly pace = new Pace();

  constructor(private readonly sheet: Sheet) {}

  /** Whether there is more to paint in the next turn. */
  get busy(): boolean {
    return this.build !== undefined;
  }

  /** Paints what the change asks for, as far as one turn allows. What is hidden is left out. */
  show(change: Change, view: View, density: number, hidden: ReadonlySet<Id>, nowMs: number): Touched {
    const hides = this.hide(hidden);
    const { places, added } = together(change, { all: false, places: hides, added: [] });
    if (change.all || !this.front) {
      // Nothing of what was there belongs here: what is done so far is shown as it grows.
      const raster = this.raster(view, density, this.front?.canvas);
      this.front = raster;
      this.begin(raster);
    } else if (this.build) {
      this.build.repairs.push(...places, ...added.map(inkBox));
      // What somebody has just drawn is seen at once all the same.
      this.paintOn(this.front, added);
    }
    const target = this.build?.raster ?? this.front;
    if (!sameView(target, view, density)) return this.look(view, density, [...places, ...added.map(inkBox)], nowMs);
    if (this.build) return this.step(nowMs);
    return this.repair(target, places, added, nowMs);
  }

  /** Puts the picture, or the part of it, where it belongs in the view. */
  put(context: Context, view: View, density: number): void {
    const { front } = this;
    if (!front || this.sheet.list.length === 0 || front.canvas.width * front.canvas.height === 0) return;
    const by = (view.scale * density) / (front.view.scale * front.density);
    const x = view.centre.x * density - front.view.centre.x * front.density * by;
    const y = view.centre.y * density - front.view.centre.y * front.density * by;
    if (sameView(front, view, density)) context.setTransform(1, 0, 0, 1, 0, 0);
    else context.setTransform(by, 0, 0, by, x, y);
    context.drawImage(front.canvas, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Gives its memory back. */
  close(): void {
    for (const canvas of [this.front?.canvas, this.build?.raster.canvas, this.spare]) if (canvas) canvas.width = canvas.height = 0;
    this.front = this.build = this.spare = undefined;
  }

  /** The places of what is hidden from now on, and of what is not any more. */
  private hide(hidden: ReadonlySet<Id>): Bounds[] {
    const before = this.hidden;
    if (before === hidden) return [];
    this.hidden = hidden;
    const places: Bounds[] = [];
    for (const [some, others] of [
      [before, hidden],
      [hidden, before],
    ] as const) {
      for (const id of some) {
        const box = others.has(id) ? undefined : this.sheet.grid.boxOf(id);
        if (box) places.push(box);
      }
    }
    return places;
  }

  private raster(view: View, density: number, canvas = this.spare ?? document.createElement("canvas")): Raster {
    if (canvas === this.spare) this.spare = undefined;
    canvas.width = Math.round(view.stage.width * density);
    canvas.height = Math.round(view.stage.height * density);
    return { canvas, context: contextOf(canvas), view, density };
  }

  private begin(raster: Raster): void {
    this.build = { raster, list: this.sheet.list, hidden: this.hidden, at: 0, repairs: [] };
  }

  /** It is looked at otherwise. */
  private look(view: View, density: number, places: readonly Bounds[], nowMs: number): Touched {
    const front = this.front as Raster;
    const shift = !this.build && front.density === density ? shiftBetween(front.view, view, density) : undefined;
    if (shift) {
      const { canvas, context } = front;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.globalCompositeOperation = "copy";
      context.drawImage(canvas, shift.dx, shift.dy);
      context.globalCompositeOperation = "source-over";
      front.view = view;
      const strips = uncovered(shift.dx, shift.dy, canvas.width, canvas.height).map((part) => placeOf(part, view, density));
      this.repair(front, [...places, ...strips], [], nowMs);
      return "all";
    }
    const unfinished = this.build?.raster;
    this.begin(this.raster(view, density, unfinished && unfinished !== front ? unfinished.canvas : undefined));
    return this.step(nowMs);
  }

  /** Goes on with what is being painted. */
  private step(nowMs: number): Touched {
    const build = this.build as Build;
    const { context, view, density } = build.raster;
    this.pace.turn(nowMs);
    takeView(context, view, density);
    let left = this.pace.budget;
    for (; build.at < build.list.length && left > 0; build.at++) {
      const annotation = build.list[build.at] as Annotation;
      if (build.hidden.has(annotation.id)) continue;
      draw(context, annotation);
      left -= costOf(annotation);
    }
    if (build.at < build.list.length) return "all";
    this.build = undefined;
    this.pace.rest();
    const before = this.front;
    if (before && before !== build.raster) this.spare = before.canvas;
    this.front = build.raster;
    this.repair(build.raster, build.repairs, [], nowMs);
    return "all";
  }

  /** Paints places anew, and what came on top; where that is more than one turn's work, it is done like a new picture. */
  private repair(raster: Raster, places: readonly Bounds[], added: readonly Annotation[], nowMs: number): Touched {
    const { canvas, view, density } = raster;
    const pixels = (box: Bounds): Pixels[] => {
      const part = clipped(pixelsOf(box, view, density), canvas.width, canvas.height);
      return part ? [part] : [];
    };
    const parts = merged(places.flatMap(pixels)).map((part) => ({ part, list: this.sheet.grid.near(placeOf(part, view, density)) }));
    const cost = parts.reduce((sum, { list }) => sum + list.reduce((each, annotation) => each + costOf(annotation), 0), 0);
    if (cost > this.pace.budget) {
      this.begin(this.raster(view, density));
      return this.step(nowMs);
    }
    for (const { part, list } of parts) this.paintPart(raster, part, list);
    this.paintOn(raster, added);
    return merged([...parts.map(({ part }) => part), ...added.flatMap((annotation) => pixels(inkBox(annotation)))]);
  }

  private paintOn({ context, view, density }: Raster, list: readonly Annotation[]): void {
    takeView(context, view, density);
    for (const annotation of list) if (!this.hidden.has(annotation.id)) draw(context, annotation);
  }

  private paintPart(raster: Raster, part: Pixels, list: readonly Annotation[]): void {
    const { context } = raster;
    const [width, height] = [part.right - part.left, part.bottom - part.top];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.save();
    context.beginPath();
    context.rect(part.left, part.top, width, height);
    context.clip();
    context.clearRect(part.left, part.top, width, height);
    this.paintOn(raster, list);
    context.restore();
  }
}

function sameView(raster: Raster, view: View, density: number): boolean {
  const { view: own } = raster;
  if (raster.density !== density) return false;
  if (own === view) return true;
  return (
    own.scale === view.scale &&
    own.centre.x === view.centre.x &&
    own.centre.y === view.centre.y &&
    own.stage.width === view.stage.width &&
    own.stage.height === view.stage.height
  );
}
