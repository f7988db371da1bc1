/** What pointers do on the stage: the hand draws with one, two zoom and pan, a wheel zooms at the pointer. */
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { fits } from "./fit";
import { Hand, type Surroundings, type Touch } from "./hand";
import { uppermost } from "./hit";
import { Palm } from "./palm";
import { pressureByte, toleranceOf } from "./stroke";
import { TEXT_WIDTH } from "./textbox";
import { brush, drawingFrames, tool } from "./tools";
import { View, type Point } from "./view";
import { AnnotationKind, type Annotation } from "../document";

const REACH_PX = { mouse: 7, pen: 9, touch: 16 };
const WHEEL_STEP = 0.0015;
/** Of what a device foresees so much is drawn: farther ahead it is a guess that is seen. */
const MOST_PREDICTED = 3;

interface Places {
  room: Room;
  element: HTMLElement;
  view: () => View;
  /** Brings what is drawn on the frame up to date, sooner than the next turn of the screen. */
  refresh: () => void;
  /** Something is to be painted. */
  invalidate: () => void;
}

export class Pointers {
  readonly hand = new Hand();
  private readonly touches = new Map<number, Point>();
  private readonly palm = new Palm();
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
      free: event.ctrlKey || event.metaKey,
      reach: reach / view.scale,
      pixel: 1 / view.scale,
      nowMs: event.timeStamp || performance.now(),
    };
  }

  private around(): Surroundings {
    const { room } = this.places;
    const view = this.places.view();
    const { x, y } = view.half;
    const [first, last] = drawingFrames(room.player);
    this.places.refresh();
    return {
      tool: tool.peek(),
      brush: brush(),
      setting: { first, last, audience: room.audience.peek(), view: room.seen },
      drawn: room.sheet.grid,
      // What is held from an earlier frame is only looked at.
      mayChange: (annotation) => room.onFrame(annotation) && room.mayChange(annotation),
      picture: { left: -x, top: -y, right: x, bottom: y },
      tolerance: toleranceOf(room.picture.height, 1 / view.scale),
      newId: makeId,
    };
  }

  private down(event: PointerEvent): void {
    if (event.target instanceof HTMLTextAreaElement) return;
    const does = this.palm.down(event);
    if (does === "nothing") return;
    // A pen came while a hand or a finger was drawing: that was no drawing.
    if (event.pointerType === "pen" && this.touches.size > 0) this.dropTouches();
    const { element } = this.places;
    const place = this.at(event);
    this.touches.set(event.pointerId, place);
    if (this.touches.size === 2) return this.pinchBegins();
    if (this.touches.size > 2 || this.drawing !== undefined) return;
    element.setPointerCapture(event.pointerId);
    if (event.button === 1 || event.altKey || does === "pan") {
      event.preventDefault();
      this.panning = { id: event.pointerId, at: place };
      return;
    }
    if (event.button === 0) this.takeInHand(event);
  }

  private dropTouches(): void {
    this.cancel();
    this.touches.clear();
    this.panning = this.pinch = undefined;
  }

  private takeInHand(event: PointerEvent): void {
    const { room } = this.places;
    const inHand = tool.peek();
    if (room.entry.peek()) {
      // A press beside the field ends the typing, and does nothing else.
      room.entry.value = undefined;
      return;
    }
    if (inHand === "laser" ? room.session.narrowed.peek() === "view" : !room.session.writable.peek()) return;
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
    this.palm.move(event);
    const { room, view } = this.places;
    const place = this.at(event);
    const before = this.touches.get(event.pointerId);
    if (before) this.touches.set(event.pointerId, place);
    else if (event.pointerType === "touch") return;
    if (this.pinch) return this.pinchMoves();
    if (this.panning?.id === event.pointerId) {
      room.look.value = view().panned(place.x - this.panning.at.x, place.y - this.panning.at.y);
      this.panning.at = place;
      return;
    }
    const units = view().toUnits(place.x, place.y);
    room.cursor = units;
    if (this.drawing === event.pointerId) {
      this.draw(event);
    } else if (tool.peek() === "laser" && event.pointerType === "mouse" && event.buttons === 0) {
      return room.session.touch();
    }
    room.session.touch();
  }

  private draw(event: PointerEvent): void {
    const all = event.getCoalescedEvents();
    for (const each of all.length > 0 ? all : [event]) this.places.room.made(this.hand.move(this.touchOf(each)), undefined);
    const foreseen = event.pointerType === "pen" && !event.shiftKey && "getPredictedEvents" in event ? event.getPredictedEvents() : [];
    this.hand.predicted = foreseen.slice(0, MOST_PREDICTED).map((each) => this.touchOf(each));
    this.places.invalidate();
  }

  private up(event: PointerEvent, cancelled: boolean): void {
    this.palm.up(event);
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
    const { operations, textAt, textWidth } = this.hand.up(this.touchOf(event));
    room.made([...operations, ...fits(operations, (id) => room.get(id))], undefined);
    room.selected.value = this.hand.selected;
    if (textAt) this.beginText(textAt, textWidth);
    this.changed();
  }

  /** The uppermost drawing at a place that may be changed. */
  private found(at: Point): Annotation | undefined {
    const { room } = this.places;
    this.places.refresh();
    const reach = REACH_PX.mouse / this.places.view().scale;
    const near = room.sheet.grid.near({ left: at.x - reach, top: at.y - reach, right: at.x + reach, bottom: at.y + reach });
    return uppermost(near.filter((annotation) => room.onFrame(annotation) && room.mayChange(annotation)), at, reach);
  }

  private beginText(at: Point, drawnWidth: number | undefined): void {
    const { room } = this.places;
    const found = drawnWidth === undefined ? this.found(at) : undefined;
    if (found?.kind === AnnotationKind.TEXT) return this.editText(found);
    const half = this.places.view().half;
    const width = drawnWidth ?? Math.max(3000, Math.min(TEXT_WIDTH, Math.round(half.x - at.x)));
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
    const place = this.at(event);
    const found = this.found(this.places.view().toUnits(place.x, place.y));
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
    const zoomed = view().zoomed(now.spread / before.spread, before.middle);
    // What was between the fingers stays there.
    room.look.value = new View(view().stage, room.picture, zoomed).panned(now.middle.x - before.middle.x, now.middle.y - before.middle.y);
    this.pinch = now;
  }
}
