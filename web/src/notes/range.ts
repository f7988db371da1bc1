/** The frames of a note that is there already: which they become when an end is set. */
import type { Annotation, FrameRange } from "../document";
import type { Room } from "../review/room";

export type End = "first" | "last";

/** A range with an end set to a frame. Beyond the other end it takes that along: a range always has a frame. Pure. */
export function withEnd({ first, last }: FrameRange, end: End, frame: number): FrameRange {
  return end === "first" ? { first: frame, last: Math.max(frame, last) } : { first: Math.min(first, frame), last: frame };
}

export function rangeOf({ firstFrame, lastFrame }: Annotation): FrameRange {
  return { first: firstFrame, last: lastFrame };
}

/** The note that is the present one and has a place on the timeline; undefined: there is none. */
export function presentNote(room: Room): Annotation | undefined {
  const note = room.get(room.note.value);
  return note && !note.deleted && !note.parentId ? note : undefined;
}

/** Puts a note on other frames; whether it was done. */
export function putOn(room: Room, note: Annotation, range: FrameRange): boolean {
  const { clock } = room.player;
  const frames = { first: clock.clamp(range.first), last: clock.clamp(range.last) };
  if (!room.mayChange(note) || (frames.first === note.firstFrame && frames.last === note.lastFrame)) return false;
  return room.session.submit([{ kind: "setFields", id: note.id, fields: [{ field: "frames", value: { kind: "frames", frames } }] }]);
}

/** Sets an end of the present note to the frame that one is at. */
export function setEnd(room: Room, end: End): void {
  const note = presentNote(room);
  if (note) putOn(room, note, withEnd(rangeOf(note), end, room.player.here));
}
