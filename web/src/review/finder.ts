/** What the palette finds on the review page: what its keys do, notes, frames and timecodes. */
import { ACTIONS, keysOf, type Action } from "../app/keys";
import type { Found, Finder } from "../app/finder";
import { best } from "../app/match";
import { t } from "../messages";
import type { Board } from "../notes/board";
import { frameMeant } from "../player/timecode";
import type { Room } from "./room";

const MOST_NOTES = 8;
/** What is done with keys alone, or found in another way. */
const LEFT_OUT: ReadonlySet<Action> = new Set(["play.toggleTyping", "cancel", "help.keys", "help.palette"]);

function framesOf(room: Room, query: string): Found[] {
  const frame = frameMeant(query, room.labels, room.player.here);
  if (frame === undefined || frame < 0 || frame > room.player.clock.last) return [];
  const { number, timecode } = room.names(frame);
  const run = (): void => {
    room.release();
    room.player.seek(frame);
  };
  return [{ id: `frame-${frame}`, label: t("palette.frame", { number }), detail: timecode, icon: "next", run }];
}

function notesOf(room: Room, board: Board, query: string): Found[] {
  if (query.trim() === "") return [];
  const texts = board.threads.flatMap(({ root, replies }) => [root, ...replies]).filter(({ text }) => text !== "");
  return best(texts, ({ text }) => text, query, MOST_NOTES).map((note): Found => {
    const detail = `${t("palette.note")} · ${room.names(note.firstFrame).timecode}`;
    const run = (): void => {
      room.panel.value = true;
      room.goTo(note);
    };
    return { id: `note-${note.id}`, label: note.text, detail, icon: "note", run };
  });
}

function commandsOf(query: string, run: (action: Action) => void): Found[] {
  const actions = ACTIONS.filter((action) => !LEFT_OUT.has(action));
  return best(actions, (action) => t(`keys.${action}`), query, query.trim() === "" ? actions.length : 8).map((action): Found => {
    return { id: action, label: t(`keys.${action}`), keys: keysOf(action), run: () => run(action) };
  });
}

/** The finder of a room. */
export function roomFinder(room: Room, board: () => Board, run: (action: Action) => void): Finder {
  return (query) => [...framesOf(room, query.trim()), ...commandsOf(query, run), ...notesOf(room, board(), query)];
}
