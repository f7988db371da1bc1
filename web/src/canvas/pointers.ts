/** What pointers do on the stage: the hand draws with one, two zoom and pan, a wheel zooms at the pointer. */
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { Hand, type Surroundings, type Touch } from "./hand";
import { uppermost } from "./hit";
import { pressureByte } from "./stroke";
import { isDrawn } from "./shape";
import { TEXT_WIDTH } from "./textbox";
import { brush, tool } from "./tools";
import type { Point, View } from "./view";
import { AnnotationKind, type Annotation } from "../document";

const REACH_PX = { mouse: 7, pen: 9, touch: 16 };
const WHEEL_STEP = 0.0015;

interface Places {
  room: Room;
  element: HTMLElement;
  view: () => View;
  /** Something is to be painted. */
  invalidate: () => void;
}

export class Pointers {
  readonly hand = new Hand();
  private readonly touches = new Map<number, Point>();
  private drawing: number | undefined;
  private panning: { id: number; at: Point } | undefined;
  private pinch: { middle: Point; spread: number } | undefined;
  private readonly stopSignal = new AbortController();

  constructor(private readonly places: Places) {
    const { element, room } = places;
    room.hand = this.hand;
    const options = { signal: this.stopSignal.signal };
    element.addEventListener("pointerdown", (event) => this.down(event), options);
    element.addEventListener("pointermove", (event) => this.move(event), options);
    element.addEventListener("pointerup", (event) => this.up(event, false), options);
    element.addEventListener("pointercancel", (event) => this.up(event, true), options);
    element.addEventListener("pointerleave", () => this.away(), options);
    element.addEventListener("dblclick", (event) => this.double(event), options);
    element.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
    element.addEventListener("contextmenu", (event) => (this.hand.busy ? event.preventDefault() : undefined), options);
  }

  close(): void {
    this.stopSignal.abort();
    this.hand.cancel();
    this.places.room.hand = undefined;
    this.places.room.cursor = undefined;
  }

  /** What was begun is not done. Gives whether there was something. */
  cancel(): boolean {
    const { busy } = this.hand;
    this.hand.cancel();
    this.drawing = undefined;
    this.changed();
    return busy;
  }

  private changed(): void {
    this.places.room.session.touch();
    this.places.invalidate();
  }

  private at(event: MouseEvent): Point {
    const box = this.places.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private touchOf(event: PointerEvent): Touch {
    const view = this.places.view();
    const { x, y } = this.at(event);
    const pressed = event.pointerType === "pen" && event.pressure > 0;
    const reach = (REACH_PX as Partial<Record<string, number>>)[event.pointerType] ?? REACH_PX.mouse;
    return {
      ...view.toUnits(x, y),
      pressure: pressed ? pressureByte(event.pressure) : 128,
      pressed,
      shift: event.shiftKey,
      reach: reach / view.scale,
      nowMs: performance.now(),
    };
  }

  /** What is drawn on the frame and may be changed, in drawing order. */
  private changeable(): Annotation[] {
    const { room } = this.places;
    return room.session.index
      .on(room.player.frame.peek())
      .map(({ annotation }) => annotation)
      .filter((annotation) => isDrawn(annotation) && room.mayChange(annotation));
  }

  private around(): Surroundings {
    const { room } = this.places;
    return {
      tool: tool.peek(),
      brush: brush(),
      setting: { frame: room.player.frame.peek(), audience: room.audience.peek() },
      drawn: tool.peek() === "select" ? this.changeable() : [],
      newId: makeId,
    };
  }

  private down(event: PointerEvent): void {
    if (event.target instanceof HTMLTextAreaElement) return;
    const { room, element } = this.places;
    const place = this.at(event);
    this.touches.set(event.pointerId, place);
    if (this.touches.size === 2) return this.pinchBegins();
    if (this.touches.size > 2 || this.drawing !== undefined) return;
    element.setPointerCapture(event.pointerId);
    if (event.button === 1 || event.altKey) {
      event.preventDefault();
      this.panning = { id: event.pointerId, at: place };
      return;
    }
    if (event.button !== 0) return;
    const inHand = tool.peek();
    if (room.entry.peek()) {
      // A press beside the field ends the typing, and does nothing else.
      room.entry.value = undefined;
      return;
    }
    if (!room.session.writable.peek() && inHand !== "laser") return;
    if (inHand !== "select" && inHand !== "laser") {
      room.release();
      if (room.player.playing.peek()) room.player.seek(room.player.frame.peek());
    }
    this.hand.selected = room.selected.peek();
    this.drawing = event.pointerId;
    this.hand.down(this.touchOf(event), this.around());
    room.selected.value = this.hand.selected;
    this.changed();
  }

  private move(event: PointerEvent): void {
    const { room, view } = this.places;
    const place = this.at(event);
    const before = this.touches.get(event.pointerId);
    if (before) this.touches.set(event.pointerId, place);
    if (this.pinch) return this.pinchMoves();
    if (this.panning?.id === event.pointerId) {
      room.look.value = view().panned(place.x - this.panning.at.x, place.y - this.panning.at.y);
      this.panning.at = place;
      return;
    }
    const units = view().toUnits(place.x, place.y);
    room.cursor = units;
    if (this.drawing === event.pointerId) {
      const all = event.getCoalescedEvents();
      for (const each of all.length > 0 ? all : [event]) room.made(this.hand.move(this.touchOf(each)), undefined);
      this.places.invalidate();
    } else if (tool.peek() === "laser" && event.pointerType === "mouse" && event.buttons === 0) {
      return room.session.touch();
    }
    room.session.touch();
  }

  private up(event: PointerEvent, cancelled: boolean): void {
    this.touches.delete(event.pointerId);
    if (this.touches.size < 2) this.pinch = undefined;
    if (this.panning?.id === event.pointerId) this.panning = undefined;
    if (this.drawing !== event.pointerId) return;
    this.drawing = undefined;
    if (cancelled) {
      this.hand.cancel();
      return this.changed();
    }
    const { room } = this.places;
    const { operations, textAt } = this.hand.up(this.touchOf(event));
    room.made(operations, undefined);
    if (textAt) this.beginText(textAt);
    this.changed();
  }

  private beginText(at: Point): void {
    const { room } = this.places;
    const reach = REACH_PX.mouse / this.places.view().scale;
    const found = uppermost(this.changeable(), at, reach);
    if (found?.kind === AnnotationKind.TEXT) return this.editText(found);
    const half = this.places.view().half;
    const width = Math.max(3000, Math.min(TEXT_WIDTH, Math.round(half.x - at.x)));
    room.entry.value = { id: undefined, at, size: { x: width, y: 0 } };
  }

  private editText(annotation: Annotation): void {
    const { room } = this.places;
    const { left, top, right, bottom } = annotation.box ?? { left: 0, top: 0, right: TEXT_WIDTH, bottom: 0 };
    const { x, y } = annotation.position ?? { x: 0, y: 0 };
    const [at, size] = [
      { x: x + Math.min(left, right), y: y + Math.min(top, bottom) },
      { x: Math.abs(right - left), y: Math.abs(bottom - top) },
    ];
    room.entry.value = { id: annotation.id, at, size };
  }

  private double(event: MouseEvent): void {
    if (tool.peek() !== "select") return;
    const view = this.places.view();
    const place = this.at(event);
    const found = uppermost(this.changeable(), view.toUnits(place.x, place.y), REACH_PX.mouse / view.scale);
    if (found?.kind === AnnotationKind.TEXT) this.editText(found);
  }

  private away(): void {
    this.places.room.cursor = undefined;
    this.places.room.session.touch();
  }

  // -- looking closer ----------------------------------------------------------------------------------------

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const view = this.places.view();
    const lines = event.deltaMode === 1 ? 30 : 1;
    const factor = Math.exp(-event.deltaY * lines * WHEEL_STEP * (event.ctrlKey ? 4 : 1));
    this.places.room.look.value = view.zoomed(factor, this.at(event));
  }

  private two(): { middle: Point; spread: number } {
    const [first = { x: 0, y: 0 }, second = first] = [...this.touches.values()];
    const middle = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
    return { middle, spread: Math.max(1, Math.hypot(first.x - second.x, first.y - second.y)) };
  }

  /** A second finger: what the first began was no drawing. */
  private pinchBegins(): void {
    this.cancel();
    this.panning = undefined;
    this.pinch = this.two();
  }

  private pinchMoves(): void {
    const before = this.pinch;
    if (!before) return;
    const now = this.two();
    const { room, view } = this.places;
    room.look.value = view().zoomed(now.spread / before.spread, now.middle);
    room.look.value = view().panned(now.middle.x - before.middle.x, now.middle.y - before.middle.y);
    this.pinch = now;
  }
}
