/** The state of the review page as its address: what one reloads, sends to somebody, or goes back to, is what one saw. */
import { navigate, reviewPath, rewrite, type Sight } from "../app/router";
import { FIT, type Look } from "../canvas/view";
import { EVERYTHING, filterFrom, type Filter } from "../notes/board";
import { isPast } from "../history/showing";
import { liveRoom, replayed } from "../live/state";
import type { Room } from "./room";

/** Far beyond any picture, in units of its height. */
const PLACE_MOST = 1 << 20;

/** A look as text; empty: the picture fits. */
export function lookText({ zoom, x, y }: Look): string {
  if (zoom === FIT.zoom && x === FIT.x && y === FIT.y) return "";
  return [String(Math.round(zoom * 1000) / 1000), String(Math.round(x)), String(Math.round(y))].join(",");
}

/** The look of a text; what is none fits. */
export function lookOf(text: string): Look {
  const [zoom, x, y] = text.split(",").map(Number) as [number, number?, number?];
  if (x === undefined || y === undefined || !(zoom >= 0.1 && zoom <= 100)) return FIT;
  return Math.abs(x) <= PLACE_MOST && Math.abs(y) <= PLACE_MOST ? { zoom, x, y } : FIT;
}

/** A filter as text: what of it is not as at first. */
export function filterText(filter: Filter): string {
  const changed = Object.entries(filter).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(EVERYTHING[name as keyof Filter]));
  return changed.length === 0 ? "" : JSON.stringify(Object.fromEntries(changed));
}

/** The filter of a text; what is not of its kind is left out. */
export function filterOf(text: string): Filter {
  if (text === "") return EVERYTHING;
  try {
    return filterFrom(JSON.parse(text));
  } catch {
    return EVERYTHING;
  }
}

/** How a room is looked at. */
export function sightOf(room: Room): Sight {
  return { look: lookText(room.look.peek()), filter: filterText(room.filter.peek()), compare: room.compare.peek(), live: liveRoom.peek(), replay: replayed.peek() };
}

/** What of a sight holds on another cut too: another cut beside it does, its own past does not. */
export function onAnother<S extends Partial<Sight>>(sight: S): S {
  return isPast(sight.compare ?? "") ? { ...sight, compare: "" } : sight;
}

/** The address of where one is. */
export function addressOf(room: Room): string {
  return reviewPath(String(room.asset.assetId), room.cut.number, room.player.frame.peek(), room.note.peek(), sightOf(room));
}

/** Goes to another cut of the room's asset, looked at as this one is. Which frame it begins with is known once it is open. */
export function goToNumber(room: Room, number: number): void {
  rewrite(addressOf(room));
  navigate(reviewPath(String(room.asset.assetId), number, undefined, "", onAnother(sightOf(room))));
}
