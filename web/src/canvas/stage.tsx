/** The picture with what is drawn on it. */
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { person } from "../app/people";
import type { Annotation, Id } from "../document";
import { t } from "../messages";
import { Matte } from "../player/look";
import { SubtitleLines } from "../player/subtitle";
import type { Room } from "../review/room";
import type { Dragging, Other } from "../session/presence";
import { css, isLight } from "../ui/color";
import { depend } from "../ui/depend";
import { Ghosts } from "./ghosts";
import { forgetShapes, shareShape } from "./paint";
import { densityNow, Painter, type LaserTrail, type Scene } from "./painter";
import { Pointers } from "./pointers";
import { SelectionBar } from "./selection_bar";
import { isDrawn } from "./shape";
import { Textbox } from "./textbox";
import { ghost, hold, tool } from "./tools";
import { EXACT_PAST, View } from "./view";
import "./stage.css";

/** How far apart two playing people may be and still be on the same frame, in seconds. */
const TOGETHER_S = 0.5;

/** Whether what somebody points at is on this frame. */
export function together(room: Room, other: Other, frame: number): boolean {
  if (other.frame === frame) return true;
  return other.playing && room.player.playing.peek() && Math.abs(other.frame - frame) <= room.player.clock.rate * TOGETHER_S;
}

function placed(annotation: Annotation, dragging: Dragging): Annotation {
  const copy = { ...annotation, position: dragging.to, ...(dragging.box ? { box: dragging.box } : {}) };
  if (!dragging.box) shareShape(copy, annotation);
  return copy;
}

/** What was made of the document for the last scene, as long as it holds. */
interface Made {
  version: number;
  frame: number;
  hold: boolean;
  hidden: ReadonlySet<Id>;
}

/** What is drawn on a frame, in drawing order; while it is held, what was drawn last. */
function drawnOn(room: Room, frame: number): Annotation[] {
  const { index } = room.session;
  const on = (at: number): Annotation[] => index.on(at).map(({ annotation }) => annotation).filter(isDrawn);
  const here = on(frame);
  if (here.length > 0 || !hold.peek()) return here;
  const before = index.lastBefore(frame, isDrawn);
  return before === undefined ? here : on(before);
}

function sameIds(a: ReadonlySet<Id>, b: ReadonlySet<Id>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}

/** Brings the sheet to what the frame shows now. */
function refresh(room: Room, made: Made): void {
  const [frame, version] = [room.player.frame.peek(), room.session.version.peek()];
  if (made.version === version && made.frame === frame && made.hold === hold.peek()) return;
  if (made.frame !== frame) forgetShapes();
  Object.assign(made, { version, frame, hold: hold.peek() });
  room.sheet.update(String(frame), drawnOn(room, frame));
}

/** All that is to be seen on a frame. */
function sceneOf(room: Room, view: View, made: Made): Scene {
  const { session, player, hand } = room;
  const frame = player.frame.peek();
  const others = session.others.peek().filter((other) => together(room, other, frame));
  const dragged = new Map<Id, Dragging>();
  for (const other of others) for (const dragging of other.moving) dragged.set(dragging.id, dragging);
  for (const dragging of hand?.dragged() ?? []) dragged.set(dragging.id, dragging);
  const editing = room.entry.peek()?.id;
  const hidden = new Set(editing === undefined ? dragged.keys() : [...dragged.keys(), editing]);
  if (!sameIds(hidden, made.hidden)) made.hidden = hidden;
  refresh(room, made);
  const change = room.sheet.take();
  const live: Annotation[] = [];
  for (const [id, dragging] of dragged) {
    const annotation = room.get(id);
    if (annotation && room.onFrame(annotation, frame)) live.push(placed(annotation, dragging));
  }
  for (const other of others) live.push(...other.transient.filter(isDrawn));
  const drawing = hand?.drawing();
  if (drawing) live.push(drawing);
  const selected = selectedOf(room, frame, dragged);
  const over = { selected, marquee: hand?.marquee(), guides: hand?.guides() ?? [] };
  return { view, change, hidden: made.hidden, live, lasers: lasersOf(room, others), over };
}

function lasersOf(room: Room, others: readonly Other[]): LaserTrail[] {
  const lasers: LaserTrail[] = others
    .filter((other) => other.laser.length > 0 && !room.lookers.peek().has(other.personId))
    .map((other) => ({ points: other.laser, color: person(other.personId).color }));
  const own = room.hand?.laser(performance.now()) ?? [];
  if (own.length > 0) lasers.push({ points: own, color: person(room.personId).color });
  return lasers;
}

function selectedOf(room: Room, frame: number, dragged: Map<Id, Dragging>): Annotation[] {
  if (room.entry.peek()) return [];
  const selected: Annotation[] = [];
  for (const id of room.selected.peek()) {
    const annotation = room.get(id);
    const dragging = dragged.get(id);
    if (annotation && room.onFrame(annotation, frame)) selected.push(dragging ? placed(annotation, dragging) : annotation);
  }
  return selected;
}

function Cursors({ room, view }: { room: Room; view: View }): JSX.Element {
  const frame = room.player.frame.value;
  const others = room.session.others.value.filter((other) => other.cursor && together(room, other, frame));
  return (
    <>
      {others.map((other) => {
        const { x, y } = view.toPixels(other.cursor?.x ?? 0, other.cursor?.y ?? 0);
        const { color, name } = person(other.personId);
        const own = other.personId === room.personId;
        return (
          <div key={other.clientId} class="cursor" style={{ transform: `translate(${x}px, ${y}px)` }} data-person={other.personId}>
            <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
              <path d="M1 1l5 13 2-5.5 5.5-2z" fill={css(color)} stroke="#101010" stroke-width="1" />
            </svg>
            <span style={{ background: css(color), color: isLight(color) ? "#101010" : "#f0f0f0" }}>
              {own ? t("people.yourOther") : other.name || name}
            </span>
          </div>
        );
      })}
    </>
  );
}

function Picture({ room }: { room: Room }): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  const still = useRef<HTMLImageElement>(null);
  useEffect(() => {
    room.screen.value = element.current ?? still.current ?? undefined;
    if (room.source.still) {
      room.player.still();
      return;
    }
    if (element.current) room.player.attach(element.current);
    return () => room.player.detach();
  }, [room]);
  if (room.source.still) return <img ref={still} class="picture" src={room.source.path} alt={room.asset.name} draggable={false} />;
  return <video ref={element} class="picture" src={room.source.path} preload="auto" playsInline disablePictureInPicture tabIndex={-1} />;
}

interface StageProps {
  room: Room;
  /** What lies under the picture, and what right over it, such as another picture beside which it is seen. */
  under?: JSX.Element | null;
  over?: JSX.Element | null;
}

/** The stage. */
export function Stage({ room, under, over }: StageProps): JSX.Element {
  const stage = useRef<HTMLDivElement>(null);
  const lower = useRef<HTMLCanvasElement>(null);
  const upper = useRef<HTMLCanvasElement>(null);
  const ghosts = useRef<HTMLCanvasElement>(null);
  const size = room.stage;
  const look = room.look.value;
  const view = useMemo(() => new View(size.value, room.picture, look), [size.value, room, look]);
  const viewNow = useRef(view);
  const invalidate = useRef<() => void>(() => undefined);
  viewNow.current = view;
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const watch = new ResizeObserver(() => (size.value = { width: element.clientWidth, height: element.clientHeight }));
    watch.observe(element);
    return () => watch.disconnect();
  }, [room]);
  useEffect(() => {
    if (!stage.current || !lower.current || !upper.current || !ghosts.current) return;
    const painters = { main: new Painter(lower.current, upper.current, room.sheet), ghosts: new Ghosts(ghosts.current) };
    return run(room, stage.current, painters, viewNow, invalidate);
  }, [room]);
  useEffect(() => invalidate.current(), [view]);
  const { centre, width, height } = view;
  const box = { left: `${centre.x - width / 2}px`, top: `${centre.y - height / 2}px`, width: `${width}px`, height: `${height}px` };
  const entry = room.entry.value;
  return (
    <div ref={stage} class="stage" data-tool={tool.value} data-writable={room.session.writable.value} data-testid="stage">
      {under}
      <div class="picture-box" style={box} data-exact={view.magnification(densityNow()) > EXACT_PAST}>
        <Picture room={room} />
        <Matte picture={room.picture} />
        <SubtitleLines room={room} />
      </div>
      {over}
      <canvas ref={ghosts} class="layer" data-testid="ghosts" aria-hidden="true" />
      <canvas ref={lower} class="layer" data-testid="annotations" aria-hidden="true" />
      <canvas ref={upper} class="layer" aria-hidden="true" />
      {entry && <Textbox key={`${entry.id ?? "new"}${entry.at.x},${entry.at.y}`} room={room} entry={entry} view={view} />}
      <Cursors room={room} view={view} />
      <SelectionBar room={room} />
    </div>
  );
}

interface Painters {
  main: Painter;
  ghosts: Ghosts;
}

/** Paints whenever something it depends on changes. Gives what ends it. */
function run(room: Room, element: HTMLElement, painters: Painters, view: { current: View }, invalidate: { current: () => void }): () => void {
  const made: Made = { version: -1, frame: -1, hold: false, hidden: new Set() };
  let turn = 0;
  const paint = (nowMs: number): void => {
    turn = 0;
    const scene = sceneOf(room, view.current, made);
    const more = painters.main.show(scene, nowMs);
    painters.ghosts.show(room, view.current);
    // What is much is painted in parts; a laser's trail fades by itself.
    if (more || scene.lasers.length > 0) later();
  };
  const later = (): void => {
    turn ||= requestAnimationFrame(paint);
  };
  invalidate.current = later;
  const pointers = new Pointers({ room, element, view: () => view.current, refresh: () => refresh(room, made), invalidate: later });
  const stop = effect(() => {
    depend(room.player.frame, room.session.version, room.session.others, room.selected, room.entry, room.draft, ghost, hold);
    later();
  });
  const escape = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && pointers.cancel()) event.stopPropagation();
  };
  addEventListener("keydown", escape, true);
  // Another screen or another scale of the page has other pixels.
  addEventListener("resize", later);
  return () => {
    cancelAnimationFrame(turn);
    removeEventListener("keydown", escape, true);
    removeEventListener("resize", later);
    stop();
    pointers.close();
    painters.main.close();
    painters.ghosts.close();
    forgetShapes();
  };
}
