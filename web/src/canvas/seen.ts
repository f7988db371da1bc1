/** How the picture was looked at when a note was written: it goes with the note, and comes back with it. Pure. */
import { limit, type View as Seen } from "../document";
import { FIT, type Look } from "./view";

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.round(value)));
}

/** A look as a note keeps it; none where the whole picture is seen, which needs no words. */
export function seenAt({ zoom, x, y }: Look): Seen | undefined {
  const place = (value: number): number => within(value, -limit.MAX_COORDINATE, limit.MAX_COORDINATE) || 0;
  const seen = { zoomPermille: within(zoom * 1000, limit.MIN_ZOOM_PERMILLE, limit.MAX_ZOOM_PERMILLE), center: { x: place(x), y: place(y) } };
  return seen.zoomPermille === 1000 && seen.center.x === 0 && seen.center.y === 0 ? undefined : seen;
}

/** The look that a note keeps. */
export function lookAt({ zoomPermille, center }: Seen): Look {
  return { zoom: zoomPermille / 1000, x: center?.x ?? FIT.x, y: center?.y ?? FIT.y };
}

/** A look that came with a note, and one's own before it. */
export interface Lent {
  look: Look;
  own: Look;
}

/**
 * The look for a note: the one it was written at. For a note without one, and whoever has not looked otherwise since the note
 * before brought its own, it is again as one had it oneself.
 */
export function lookFor(seen: Seen | undefined, now: Look, lent: Lent | undefined): { look: Look; lent: Lent | undefined } {
  const own = lent?.look === now ? lent.own : now;
  if (!seen) return { look: own, lent: undefined };
  const look = lookAt(seen);
  return { look, lent: { look, own } };
}
