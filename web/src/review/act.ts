/** What the shortcuts of the review page do. */
import type { Action } from "../app/keys";
import { TOOLS, type Tool } from "../canvas/hand";
import { copySelected, copyToNext, cutSelected, deleteSelected, duplicate, paste, selectAll } from "../canvas/selection";
import { changeWidth, ghost, hold, tool } from "../canvas/tools";
import { FIT } from "../canvas/view";
import { toggleExact } from "../canvas/zoom";
import { AnnotationKind, newAnnotation } from "../document";
import { t } from "../messages";
import { neighbour, type Board } from "../notes/board";
import { focusList } from "../notes/list_keys";
import { setEnd } from "../notes/range";
import { toggleFull } from "../player/controls";
import { expose, ungrade } from "../player/grade";
import { ZOOM_STEP } from "../player/timeline";
import { nextLoop } from "../player/shuttle";
import { goToNumber } from "./address";
import { goToCut } from "./neighbour";
import { makeId } from "../session/session";
import type { Room } from "./room";

/** Shortcuts after which one does not go where another goes any more. */
const OWN = /^(play|step|go|range)\./;

function jump(room: Room, board: Board, direction: 1 | -1): void {
  const frame = neighbour(board, room.player.here, direction);
  if (frame === undefined) return;
  const thread = board.threads.find(({ root }) => root.firstFrame === frame);
  const note = thread?.root ?? board.drawings.find((drawings) => drawings.frame === frame)?.first;
  if (note) room.goTo(note);
}

function goFrom(room: Room, by: 1 | -1): void {
  void goToCut(room.asset, room.cut.number, by, (number) => goToNumber(room, number));
}

/** Leaves a note without words of one's own, while it plays if it does: one comes back to it later. */
function mark(room: Room): void {
  const frame = room.player.frame.peek();
  const audience = room.audience.peek();
  const { seen } = room;
  const marker = newAnnotation({
    id: makeId(),
    kind: AnnotationKind.COMMENT,
    text: t("notes.marker"),
    firstFrame: frame,
    lastFrame: frame,
    audience,
    ...(seen ? { view: seen } : {}),
  });
  if (room.session.writable.peek() && room.session.submit([{ kind: "create", annotation: marker }])) room.note.value = marker.id;
}

/** The timeline nearer or farther, around the frame on screen. */
function zoomLine(room: Room, factor: number): void {
  const scale = room.scale.peek().revealing(room.player.frame.peek());
  room.scale.value = scale.zoomed(factor, scale.middle(room.player.frame.peek()));
}

function cancel(room: Room): void {
  if (room.entry.value) room.entry.value = undefined;
  else if (room.selected.value.size > 0) room.selected.value = new Set();
  else tool.value = "select";
}

/** Does an action. */
export function act(room: Room, board: Board, action: Action): void {
  const { player, session } = room;
  if (OWN.test(action)) room.release();
  const name = action.startsWith("tool.") ? action.slice(5) : "";
  if ((TOOLS as readonly string[]).includes(name)) {
    tool.value = name as Tool;
    return;
  }
  const run: Partial<Record<Action, () => void>> = {
    "play.toggle": () => player.toggle(),
    "play.toggleTyping": () => player.toggle(),
    "play.back": () => player.shuttle(-1),
    "play.stop": () => player.pause(),
    "play.forward": () => player.shuttle(1),
    "play.loop": () => (player.loop.value = nextLoop(player.loop.peek())),
    "step.back": () => player.step(-1),
    "step.on": () => player.step(1),
    "step.back5": () => player.step(-5),
    "step.on5": () => player.step(5),
    "go.first": () => player.seek(0),
    "go.last": () => player.seek(player.clock.last),
    "go.previousNote": () => jump(room, board, -1),
    "go.nextNote": () => jump(room, board, 1),
    "go.previousCut": () => goFrom(room, -1),
    "go.nextCut": () => goFrom(room, 1),
    "range.in": () => player.setIn(),
    "range.out": () => player.setOut(),
    "range.clear": () => player.clearRange(),
    "tool.wider": () => changeWidth(1),
    "tool.narrower": () => changeWidth(-1),
    "note.new": () => {
      room.side.value = "notes";
      room.panel.value = true;
      room.askComment.value++;
    },
    "note.marker": () => mark(room),
    "note.list": () => focusList(room),
    "note.first": () => setEnd(room, "first"),
    "note.last": () => setEnd(room, "last"),
    "edit.undo": () => session.undo(),
    "edit.redo": () => session.redo(),
    "edit.delete": () => deleteSelected(room),
    "edit.all": () => selectAll(room),
    "edit.copy": () => copySelected(room),
    "edit.cut": () => cutSelected(room),
    "edit.paste": () => paste(room),
    "edit.duplicate": () => duplicate(room),
    "edit.copyToNext": () => copyToNext(room),
    "view.fit": () => (room.look.value = FIT),
    "view.ghost": () => (ghost.value = !ghost.value),
    "view.hold": () => (hold.value = !hold.value),
    "view.exact": () => toggleExact(room),
    "view.full": toggleFull,
    "line.nearer": () => zoomLine(room, ZOOM_STEP),
    "line.farther": () => zoomLine(room, 1 / ZOOM_STEP),
    "line.all": () => (room.scale.value = room.scale.peek().all()),
    "look.brighter": () => expose(0.5),
    "look.darker": () => expose(-0.5),
    "look.reset": ungrade,
    "view.panel": () => (room.panel.value = !room.panel.value),
    "view.mute": () => player.setMuted(!player.muted.peek()),
    cancel: () => cancel(room),
  };
  run[action]?.();
}
