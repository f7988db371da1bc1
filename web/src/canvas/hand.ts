/**
 * What the pointer does on the picture with the tool in hand. Places come in, in units; out come what is being drawn (presence
 * shows it to others) and, when the pointer lifts, operations. Pure.
 */
import type { Annotation, Id, Operation } from "../document";
import { groupBox, moves, resizeOf, resizes, scaled, shifted } from "./group";
import { boxHandles, handleAt, handles, isTouched, uppermost, type Handle } from "./hit";
import { boxOf, lineOf, strokeOf, type Brush, type Setting } from "./make";
import { draggedBox, resized } from "./resize";
import { placedBox, type Bounds } from "./shape";
import { alongAxis, snapped, squared, stepped, straightened, type Guide } from "./snap";
import { LiveStroke, simplify, type Ink } from "./stroke";
import type { Point } from "./view";

export const TOOLS = ["select", "pen", "eraser", "line", "arrow", "rect", "ellipse", "text", "laser"] as const;
export type Tool = (typeof TOOLS)[number];

/** Where and how the pointer is. */
export interface Touch extends Ink {
  /** The device tells how hard one presses. */
  pressed: boolean;
  shift: boolean;
  /** Nothing snaps. */
  free: boolean;
  /** How near is on it, in units. */
  reach: number;
  /** A pixel of the page in units. */
  pixel: number;
  nowMs: number;
}

/** What is drawn on the frame. */
export interface Drawn {
  get(id: Id): Annotation | undefined;
  /** What may colour a part of the picture, in drawing order. */
  near(box: Bounds): readonly Annotation[];
}

/** What the hand must know of what is around it. */
export interface Surroundings {
  tool: Tool;
  brush: Brush;
  setting: Setting;
  drawn: Drawn;
  mayChange: (annotation: Annotation) => boolean;
  /** What things snap to beside each other: the picture's edges and middle. */
  picture: Bounds | undefined;
  /** How far what is kept of a stroke may be from what was drawn, in units. */
  tolerance: number;
  newId: () => Id;
}

/** An annotation while it is dragged or resized. */
export interface Dragged {
  id: Id;
  to: Point;
  box?: Bounds;
}

interface Drag {
  kind: "drag";
  annotations: readonly Annotation[];
  /** The one that was grasped: a click leaves only it selected. */
  grasped: Id;
  from: Point;
  by: Point;
  box: Bounds;
  targets: readonly Bounds[];
  guides: readonly Guide[];
  moved: boolean;
}

interface Resizing {
  kind: "resize";
  annotations: readonly Annotation[];
  handle: Handle;
  from: Point;
  /** The box around all, before and now; of a single one relative to its position. */
  before: Bounds;
  box: Bounds;
  changed: boolean;
}

type Doing =
  | { kind: "nothing" }
  | { kind: "stroke"; stroke: LiveStroke; erase: boolean; id: Id; around: Surroundings }
  | { kind: "shape"; from: Point; to: Point; id: Id; around: Surroundings }
  | { kind: "marquee"; from: Point; to: Point; before: ReadonlySet<Id>; around: Surroundings }
  | Drag
  | Resizing
  | { kind: "laser" };

interface LaserPoint extends Point {
  atMs: number;
}

export const LASER_MS = 900;
const LASER_POINTS = 60;
/** A drag shorter than this is a click, in reaches. */
const STILL = 0.5;
/** Nearer than this things snap, in reaches. */
const SNAP = 0.6;
/** Among more than so many nothing lines up with anything on purpose. */
const MOST_TARGETS = 120;

export interface Lifted {
  operations: Operation[];
  /** Where text is to be typed, and how wide, if that was drawn. */
  textAt?: Point;
  textWidth?: number;
}

export class Hand {
  /** The annotations that are selected. */
  selected: ReadonlySet<Id> = new Set();
  /** Where the pen will be in a moment, as far as the device can tell: drawn, never kept. */
  predicted: readonly Ink[] = [];
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
      const stroke = new LiveStroke({ ...at, pressure: touch.pressure }, touch.pressed, touch);
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
    const held = heldOf(this.selected, around);
    if (!touch.shift && this.graspHandle(touch, held)) return;
    const found = uppermost(around.drawn.near(boxAt(at, touch.reach)).filter(around.mayChange), at, touch.reach);
    if (!found) {
      const before = touch.shift ? this.selected : new Set<Id>();
      this.selected = before;
      this.doing = { kind: "marquee", from: at, to: at, before, around };
      return;
    }
    if (touch.shift) {
      const selected = new Set(this.selected);
      if (!selected.delete(found.id)) selected.add(found.id);
      this.selected = selected;
      this.doing = { kind: "nothing" };
      return;
    }
    const annotations = this.selected.has(found.id) ? held : [found];
    if (!this.selected.has(found.id)) this.selected = new Set([found.id]);
    const box = groupBox(annotations);
    const targets = targetsOf(around, this.selected);
    this.doing = { kind: "drag", annotations, grasped: found.id, from: at, by: { x: 0, y: 0 }, box, targets, guides: [], moved: false };
  }

  private graspHandle(touch: Touch, held: readonly Annotation[]): boolean {
    const [first] = held;
    if (!first) return false;
    const at = { x: touch.x, y: touch.y };
    const single = held.length === 1;
    const before = single ? { left: 0, top: 0, right: 0, bottom: 0 } : groupBox(held);
    const handle = handleAt(single ? handles(first, touch.reach) : boxHandles(before, touch.reach), at, touch.reach);
    if (handle === undefined) return false;
    const box = single ? resized(first, handle, at, false) : before;
    this.doing = { kind: "resize", annotations: held, handle, from: at, before, box, changed: false };
    return true;
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
        break;
      }
      case "marquee":
        doing.to = at;
        break;
      case "drag":
        drag(doing, at, touch);
        break;
      case "resize":
        doing.changed ||= far(doing.from, at) >= touch.reach * STILL;
        doing.box = resizeTo(doing, at, touch.shift);
        break;
      case "laser":
        this.shine(touch);
        break;
      case "nothing":
    }
    return [];
  }

  private draw(touch: Touch, doing: Doing & { kind: "stroke" }): Operation[] {
    const ink = { x: touch.x, y: touch.y, pressure: touch.pressure };
    if (touch.shift) {
      const first = doing.stroke.points[0] as Ink;
      doing.stroke.straight({ ...straightened(first, ink), pressure: ink.pressure });
      return [];
    }
    doing.stroke.add(ink, touch);
    if (!doing.stroke.full) return [];
    const made = this.strokeNow(doing);
    doing.stroke = new LiveStroke(ink, touch.pressed, touch);
    doing.id = doing.around.newId();
    return [{ kind: "create", annotation: made }];
  }

  /** The stroke as it is kept. */
  private strokeNow(doing: Doing & { kind: "stroke" }, id = doing.around.newId()): Annotation {
    const { stroke, erase, around } = doing;
    return strokeOf(id, simplify(stroke.line, around.tolerance), stroke.pressed, erase, around.brush, around.setting);
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
    this.predicted = [];
    switch (doing.kind) {
      case "stroke":
        return { operations: [...extra, { kind: "create", annotation: this.strokeNow(doing) }] };
      case "shape":
        if (doing.around.tool === "text") return textAt(doing, touch.reach);
        if (far(doing.from, doing.to) < touch.reach * STILL) return { operations: [] };
        return { operations: [{ kind: "create", annotation: shapeOf(doing, doing.around.newId()) }] };
      case "marquee":
        this.select(doing);
        return { operations: [] };
      case "drag":
        if (!doing.moved) this.selected = new Set([doing.grasped]);
        return { operations: doing.moved ? moves(doing.annotations, doing.by) : [] };
      case "resize":
        return { operations: doing.changed ? resizeOperations(doing) : [] };
      default:
        return { operations: [] };
    }
  }

  private select({ from, to, before, around }: Doing & { kind: "marquee" }): void {
    const frame = frameOf(from, to);
    const touched = around.drawn.near(frame).filter((annotation) => around.mayChange(annotation) && isTouched(annotation, frame));
    this.selected = new Set([...before, ...touched.map(({ id }) => id)]);
  }

  /** What was begun is not done. */
  cancel(): void {
    this.doing = { kind: "nothing" };
    this.predicted = [];
  }

  /** What is being drawn, as its maker sees it: to where the pen is, and will be. Under an id that is never created. */
  drawing(): Annotation | undefined {
    const { doing } = this;
    if (doing.kind !== "stroke") return this.shape();
    const { stroke, erase, around, id } = doing;
    return strokeOf(id, [...stroke.line, ...this.predicted], stroke.pressed, erase, around.brush, around.setting);
  }

  /** What is being drawn, as others see it. */
  shown(): Annotation | undefined {
    const { doing } = this;
    return doing.kind === "stroke" ? this.strokeNow(doing, doing.id) : this.shape();
  }

  private shape(): Annotation | undefined {
    const { doing } = this;
    if (doing.kind !== "shape" || doing.around.tool === "text" || far(doing.from, doing.to) === 0) return undefined;
    return shapeOf(doing, doing.id);
  }

  /** The frame that is drawn around what is to be selected, or typed into. */
  marquee(): Bounds | undefined {
    const { doing } = this;
    const framing = doing.kind === "marquee" || (doing.kind === "shape" && doing.around.tool === "text");
    return framing && far(doing.from, doing.to) > 0 ? frameOf(doing.from, doing.to) : undefined;
  }

  /** What the dragged lines up with. */
  guides(): readonly Guide[] {
    return this.doing.kind === "drag" ? this.doing.guides : [];
  }

  /** What is being dragged or resized, and where it is. */
  dragged(): Dragged[] {
    const { doing } = this;
    if (doing.kind === "drag" && doing.moved) return doing.annotations.map((each) => ({ id: each.id, to: shifted(each, doing.by) }));
    if (doing.kind !== "resize" || !doing.changed) return [];
    return doing.annotations.map((each) => ({ id: each.id, to: each.position ?? { x: 0, y: 0 }, box: boxNow(doing, each) }));
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

function boxAt({ x, y }: Point, reach: number): Bounds {
  return { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach };
}

function frameOf(from: Point, to: Point): Bounds {
  return { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y) };
}

/** What of the selection is there and may be changed. */
function heldOf(selected: ReadonlySet<Id>, around: Surroundings): Annotation[] {
  return [...selected].map((id) => around.drawn.get(id)).filter((each): each is Annotation => each !== undefined && around.mayChange(each));
}

/** What a dragged thing may line up with: the picture, and what else is drawn. */
function targetsOf({ picture, drawn }: Surroundings, selected: ReadonlySet<Id>): Bounds[] {
  if (!picture) return [];
  const others = drawn.near(picture).filter(({ id }) => !selected.has(id));
  return [picture, ...(others.length <= MOST_TARGETS ? others.map(placedBox) : [])];
}

function drag(doing: Drag, at: Point, touch: Touch): void {
  doing.moved ||= far(doing.from, at) >= touch.reach * STILL;
  const by = { x: at.x - doing.from.x, y: at.y - doing.from.y };
  const straight = touch.shift ? alongAxis(by) : by;
  const result = touch.free ? { by: straight, guides: [] } : snapped(doing.box, straight, doing.targets, touch.reach * SNAP);
  doing.by = touch.shift ? { x: straight.x && result.by.x, y: straight.y && result.by.y } : result.by;
  doing.guides = doing.moved ? result.guides : [];
}

function resizeTo(doing: Resizing, at: Point, even: boolean): Bounds {
  const [first] = doing.annotations;
  if (doing.annotations.length === 1 && first) return resized(first, doing.handle, at, even);
  return draggedBox(doing.before, doing.handle, at, even);
}

/** The box of one of those that are resized, relative to its position. */
function boxNow(doing: Resizing, annotation: Annotation): Bounds {
  return doing.annotations.length === 1 ? doing.box : scaled(annotation, doing.before, doing.box);
}

function resizeOperations(doing: Resizing): Operation[] {
  const [first] = doing.annotations;
  if (doing.annotations.length === 1 && first) return resizeOf(first, doing.box);
  return resizes(doing.annotations, doing.before, doing.box);
}

function textAt({ from, to }: Doing & { kind: "shape" }, reach: number): Lifted {
  const { left, top, right } = frameOf(from, to);
  // A click says where, a drag also how wide.
  if (right - left < reach * 4) return { operations: [], textAt: from };
  return { operations: [], textAt: { x: left, y: top }, textWidth: right - left };
}

function shapeOf(doing: Doing & { kind: "shape" }, id: Id): Annotation {
  const { tool, brush, setting } = doing.around;
  if (tool === "line" || tool === "arrow") return lineOf(id, tool === "arrow", doing.from, doing.to, brush, setting);
  return boxOf(id, tool === "ellipse", doing.from, doing.to, brush, setting);
}
