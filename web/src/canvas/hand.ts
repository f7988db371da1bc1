/**
 * What the pointer does on the picture with the tool in hand. Places come in, in units; out come what is being drawn (presence
 * shows it to others) and, when the pointer lifts, operations. Pure.
 */
import type { Annotation, Operation } from "../document";
import { handleAt, uppermost, type Handle } from "./hit";
import { boxOf, lineOf, squared, stepped, strokeOf, type Brush, type Setting } from "./make";
import { resized } from "./resize";
import type { Bounds } from "./shape";
import { LiveStroke, type Ink } from "./stroke";
import type { Point } from "./view";

export const TOOLS = ["select", "pen", "eraser", "line", "arrow", "rect", "ellipse", "text", "laser"] as const;
export type Tool = (typeof TOOLS)[number];

/** Where and how the pointer is. */
export interface Touch extends Ink {
  /** The device tells how hard one presses. */
  pressed: boolean;
  shift: boolean;
  /** How near is on it, in units. */
  reach: number;
  nowMs: number;
}

/** What the hand must know of what is around it. */
export interface Surroundings {
  tool: Tool;
  brush: Brush;
  setting: Setting;
  /** What is drawn on the frame, in drawing order, and may be changed. */
  drawn: readonly Annotation[];
  newId: () => string;
}

/** An annotation while it is dragged or resized. */
export interface Dragged {
  id: string;
  to: Point;
  box?: Bounds;
}

type Doing =
  | { kind: "nothing" }
  | { kind: "stroke"; stroke: LiveStroke; erase: boolean; id: string; around: Surroundings }
  | { kind: "shape"; from: Point; to: Point; id: string; around: Surroundings }
  | { kind: "drag"; annotation: Annotation; from: Point; to: Point }
  | { kind: "resize"; annotation: Annotation; handle: Handle; from: Point; box: Bounds; changed: boolean }
  | { kind: "laser" };

interface LaserPoint extends Point {
  atMs: number;
}

export const LASER_MS = 900;
const LASER_POINTS = 60;
/** A drag shorter than this is a click, in reaches. */
const STILL = 0.5;

export interface Lifted {
  operations: Operation[];
  /** Where text is to be typed. */
  textAt?: Point;
}

export class Hand {
  /** The annotation that is selected. */
  selected: string | undefined;
  private doing: Doing = { kind: "nothing" };
  private trail: LaserPoint[] = [];

  /** Whether something is being drawn or dragged. */
  get busy(): boolean {
    return this.doing.kind !== "nothing";
  }

  /** The pointer goes down. */
  down(touch: Touch, around: Surroundings): void {
    const { tool } = around;
    const at = { x: touch.x, y: touch.y };
    if (tool === "pen" || tool === "eraser") {
      const stroke = new LiveStroke({ ...at, pressure: touch.pressure }, touch.pressed);
      this.doing = { kind: "stroke", stroke, erase: tool === "eraser", id: around.newId(), around };
    } else if (tool === "select") {
      this.grasp(touch, around);
    } else if (tool === "laser") {
      this.doing = { kind: "laser" };
      this.shine(touch);
    } else {
      this.doing = { kind: "shape", from: at, to: at, id: around.newId(), around };
    }
  }

  private grasp(touch: Touch, around: Surroundings): void {
    const at = { x: touch.x, y: touch.y };
    const held = around.drawn.find((annotation) => annotation.id === this.selected);
    const handle = held && handleAt(held, at, touch.reach);
    if (held && handle) {
      this.doing = { kind: "resize", annotation: held, handle, from: at, box: resized(held, handle, at, false), changed: false };
      return;
    }
    const found = uppermost(around.drawn, at, touch.reach);
    this.selected = found?.id;
    this.doing = found ? { kind: "drag", annotation: found, from: at, to: at } : { kind: "nothing" };
  }

  /** The pointer moves while it is down. Gives operations where a stroke became full and the next begins. */
  move(touch: Touch): Operation[] {
    const { doing } = this;
    const at = { x: touch.x, y: touch.y };
    switch (doing.kind) {
      case "stroke":
        return this.draw(touch, doing);
      case "shape": {
        const { tool } = doing.around;
        const even = tool === "rect" || tool === "ellipse" ? squared : stepped;
        doing.to = touch.shift ? even(doing.from, at) : at;
        return [];
      }
      case "drag":
        doing.to = touch.shift ? straightened(doing.from, at) : at;
        return [];
      case "resize":
        doing.changed ||= far(doing.from, at) >= touch.reach * STILL;
        doing.box = resized(doing.annotation, doing.handle, at, touch.shift);
        return [];
      case "laser":
        this.shine(touch);
        return [];
      case "nothing":
        return [];
    }
  }

  private draw(touch: Touch, doing: Doing & { kind: "stroke" }): Operation[] {
    const ink = { x: touch.x, y: touch.y, pressure: touch.pressure };
    if (touch.shift) {
      doing.stroke.straight(ink);
      return [];
    }
    doing.stroke.add(ink);
    if (!doing.stroke.full) return [];
    const made = this.strokeNow(doing);
    doing.stroke = new LiveStroke(ink, touch.pressed);
    doing.id = doing.around.newId();
    return [{ kind: "create", annotation: made }];
  }

  private strokeNow(doing: Doing & { kind: "stroke" }, id = doing.around.newId()): Annotation {
    return strokeOf(id, doing.stroke, doing.erase, doing.around.brush, doing.around.setting);
  }

  private shine(touch: Touch): void {
    this.trail.push({ x: touch.x, y: touch.y, atMs: touch.nowMs });
    if (this.trail.length > LASER_POINTS) this.trail.shift();
  }

  /** The pointer lifts. */
  up(touch: Touch): Lifted {
    const { doing } = this;
    const extra = this.move(touch);
    this.doing = { kind: "nothing" };
    const at = { x: touch.x, y: touch.y };
    switch (doing.kind) {
      case "stroke":
        return { operations: [...extra, { kind: "create", annotation: this.strokeNow(doing) }] };
      case "shape":
        if (doing.around.tool === "text") return { operations: [], textAt: doing.from };
        if (far(doing.from, doing.to) < touch.reach * STILL) return { operations: [] };
        return { operations: [{ kind: "create", annotation: shapeOf(doing, doing.around.newId()) }] };
      case "drag":
        if (far(doing.from, at) < touch.reach * STILL) return { operations: [] };
        return { operations: [{ kind: "move", id: doing.annotation.id, to: dragTo(doing), seenRevision: 0 }] };
      case "resize":
        return { operations: doing.changed ? resizeOf(doing.annotation, doing.box) : [] };
      default:
        return { operations: [] };
    }
  }

  /** What was begun is not done. */
  cancel(): void {
    this.doing = { kind: "nothing" };
  }

  /** What is being drawn, under ids that are never created. */
  drawing(): Annotation | undefined {
    const { doing } = this;
    if (doing.kind === "stroke") return this.strokeNow(doing, doing.id);
    if (doing.kind !== "shape" || doing.around.tool === "text" || far(doing.from, doing.to) === 0) return undefined;
    return shapeOf(doing, doing.id);
  }

  /** What is being dragged, and where it is. */
  dragged(): Dragged | undefined {
    const { doing } = this;
    if (doing.kind === "drag") return { id: doing.annotation.id, to: dragTo(doing) };
    if (doing.kind !== "resize" || !doing.changed) return undefined;
    return { id: doing.annotation.id, to: doing.annotation.position ?? { x: 0, y: 0 }, box: doing.box };
  }

  /** The laser's trail, x and y in turn, the newest last. */
  laser(nowMs: number): number[] {
    this.trail = this.trail.filter((point) => nowMs - point.atMs < LASER_MS);
    return this.trail.flatMap((point) => [point.x, point.y]);
  }
}

function far(from: Point, to: Point): number {
  return Math.hypot(to.x - from.x, to.y - from.y);
}

/** With Shift a drag goes across or down. */
function straightened(from: Point, to: Point): Point {
  return Math.abs(to.x - from.x) > Math.abs(to.y - from.y) ? { x: to.x, y: from.y } : { x: from.x, y: to.y };
}

function dragTo(doing: Doing & { kind: "drag" }): Point {
  const { x, y } = doing.annotation.position ?? { x: 0, y: 0 };
  return { x: x + doing.to.x - doing.from.x, y: y + doing.to.y - doing.from.y };
}

function shapeOf(doing: Doing & { kind: "shape" }, id: string): Annotation {
  const { tool, brush, setting } = doing.around;
  if (tool === "line" || tool === "arrow") return lineOf(id, tool === "arrow", doing.from, doing.to, brush, setting);
  return boxOf(id, tool === "ellipse", doing.from, doing.to, brush, setting);
}

/** A Resize of the edges that differ. */
function resizeOf(annotation: Annotation, box: Bounds): Operation[] {
  const now = annotation.box;
  const edges: Partial<Bounds> = {};
  for (const edge of ["left", "top", "right", "bottom"] as const) if (now?.[edge] !== box[edge]) edges[edge] = box[edge];
  return Object.keys(edges).length > 0 ? [{ kind: "resize", id: annotation.id, ...edges }] : [];
}
