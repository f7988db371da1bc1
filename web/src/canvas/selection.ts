/** What is done with what is selected, and what was copied. */
import type { Action } from "../app/keys";
import { StrokeMode, type Annotation, type Id, type Operation } from "../document";
import { count } from "../messages";
import type { Room } from "../review/room";
import { makeId } from "../session/session";
import { say } from "../ui/toast";
import { fitted } from "./fit";
import { copies, deletions, reframes, restyles } from "./group";
import { isDrawn } from "./shape";
import { tool } from "./tools";
import type { Point } from "./view";

/** How far beside what it was copied from a copy on the same frame lies, in units. */
const ASIDE = 700;
const IN_PLACE: Point = { x: 0, y: 0 };

interface Clipboard {
  annotations: readonly Annotation[];
  videoId: bigint;
  frame: number;
  /** How often it was pasted where it was copied. */
  pasted: number;
}

/** What was copied, as long as the page is open: it can be pasted on another frame, and into another cut. */
let clipboard: Clipboard | undefined;

/** Whether a shortcut is the browser's: it copies text that is marked, and pastes where nothing of ours was copied. */
export function isBrowsers(room: Room, action: Action): boolean {
  const marked = (getSelection()?.toString() ?? "") !== "";
  if (action === "edit.copy" || action === "edit.cut") return marked || room.selected.peek().size === 0;
  return action === "edit.paste" && clipboard === undefined;
}

function isSelectable(room: Room, annotation: Annotation): boolean {
  return isDrawn(annotation) && annotation.mode !== StrokeMode.ERASE && room.mayChange(annotation);
}

/** Selects everything on the frame that one may change. */
export function selectAll(room: Room): void {
  const all = room.session.index.on(room.player.frame.peek()).filter(({ annotation }) => isSelectable(room, annotation));
  select(
    room,
    all.map(({ annotation }) => annotation.id),
  );
}

function select(room: Room, ids: readonly Id[]): void {
  tool.value = "select";
  room.selected.value = new Set(ids);
}

export function deleteSelected(room: Room): void {
  if (submitSome(room, deletions(room.chosen))) room.selected.value = new Set();
}

/** Does operations as one action, if there are any. */
export function submitSome(room: Room, operations: readonly Operation[]): boolean {
  return operations.length > 0 && room.session.submit(operations);
}

/** Gives what is selected another colour, width, size of letters or alignment. */
export function restyle(room: Room, field: "color" | "width" | "font_size" | "align", number: number, of: readonly Annotation[] = room.chosen): void {
  const larger = field === "font_size" ? of.flatMap((each) => fitted(each, number)) : [];
  submitSome(room, [...restyles(of, field, number), ...larger]);
}

/** Shows what is selected on other frames. */
export function reframe(room: Room, first: number, last: number): void {
  const { clock } = room.player;
  const [from, to] = [clock.clamp(Math.min(first, last)), clock.clamp(Math.max(first, last))];
  submitSome(room, reframes(room.chosen, from, to));
}

export function copySelected(room: Room): void {
  const annotations = room.chosen;
  if (annotations.length === 0) return;
  clipboard = { annotations, videoId: room.video.videoId, frame: room.player.frame.peek(), pasted: 0 };
  say({ title: count("tool.copied", annotations.length) });
}

export function cutSelected(room: Room): void {
  copySelected(room);
  deleteSelected(room);
}

/** Pastes what was copied: on another frame where it was, on the same one a little aside. */
export function paste(room: Room): void {
  if (!clipboard) return;
  const frame = room.player.frame.peek();
  const same = clipboard.videoId === room.video.videoId && clipboard.frame === frame;
  if (same) clipboard.pasted++;
  const aside = same ? ASIDE * clipboard.pasted : 0;
  put(room, clipboard.annotations, frame, { x: aside, y: aside });
}

/** A copy of what is selected beside it. */
export function duplicate(room: Room): void {
  put(room, room.chosen, room.player.frame.peek(), { x: ASIDE, y: ASIDE });
}

/** A copy of what is selected in the same place on the frame after it, and goes there. */
export function copyToNext(room: Room): void {
  const { chosen, player } = room;
  const next = Math.max(-1, ...chosen.map(({ lastFrame }) => lastFrame)) + 1;
  if (chosen.length === 0 || next > player.clock.last) return;
  const made = put(room, chosen, next, IN_PLACE);
  room.release();
  player.seek(next);
  // They are selected once their frame is there: on the way nothing of it is on the screen.
  if (made) room.selectWhenShown(next, made);
}

function put(room: Room, annotations: readonly Annotation[], frame: number, by: Point): Id[] | undefined {
  if (annotations.length === 0 || !room.session.writable.peek()) return undefined;
  const place = { frame, by, audience: room.audience.peek(), lastFrame: room.player.clock.last };
  const operations = copies(annotations, place, makeId);
  if (!room.session.submit(operations)) return undefined;
  const ids = operations.map((operation) => (operation.kind === "create" ? operation.annotation.id : ""));
  if (frame === room.player.frame.peek()) select(room, ids);
  return ids;
}
