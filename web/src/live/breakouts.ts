/** Where one belongs while a room is split, and how its people are shared out. Pure. */
import type { Breakout, Breakouts } from "../gen/rushes/signaling/v1/room_service_pb";

export type Split = Pick<Breakouts, "splitId" | "parentRoomId" | "over"> & { rooms: readonly Pick<Breakout, "roomId" | "personIds" | "assetId" | "title">[] };

/** The breakout that somebody belongs to; undefined: none, so the room itself. */
export function homeOf(split: Split, person: string): Split["rooms"][number] | undefined {
  return split.over ? undefined : split.rooms.find((each) => each.personIds.includes(person));
}

/** Where to go. */
export interface Way {
  /** Id of the room; empty: one is where one belongs, or went elsewhere oneself. */
  to: string;
  /** What was decided of one, to be given the next time. */
  decided: string;
}

/**
 * Whoever is assigned to another room than before goes there, and whoever is called back goes back. What was decided already is not decided
 * again: one may return by oneself, and a moderator may visit.
 */
export function wayOf(split: Split, here: string, person: string, decidedBefore: string): Way {
  const home = homeOf(split, person)?.roomId ?? split.parentRoomId;
  const decided = `${split.splitId}/${home}`;
  const forced = split.over && here !== split.parentRoomId;
  return { to: home !== here && (forced || decided !== decidedBefore) ? home : "", decided };
}

/** Whoever was away while everybody was called back, or they were assigned elsewhere, is not let into the breakout again. */
const SHUT: ReadonlySet<string> = new Set(["ROOM_ENDED", "NOT_ASSIGNED"]);

/** The room to go back to when a breakout lets one in no more, for a reason; empty: none, one is out. */
export function backTo(reason: string, parent: string): string {
  return SHUT.has(reason) ? parent : "";
}

/** People shared out evenly, in their order: how many each group has differs by one at most. */
export function evenly(people: readonly string[], groups: number): Map<string, number> {
  return new Map(people.map((each, at) => [each, at % groups]));
}

/** What is left of a time, as 1:02:03 or 2:03. */
export function leftOf(endMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((endMs - nowMs) / 1000));
  const hours = Math.floor(seconds / 3600);
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, "0")];
  return hours > 0 ? `${String(hours)}:${String(minutes).padStart(2, "0")}:${rest}` : `${String(minutes)}:${rest}`;
}

const KEY = "rushes.live.decided";

/** What was decided of one last, over a reload of the page. */
export function decidedBefore(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function keepDecided(decided: string): void {
  try {
    sessionStorage.setItem(KEY, decided);
  } catch {
    // Where nothing may be kept, a reload leads to where one belongs.
  }
}
