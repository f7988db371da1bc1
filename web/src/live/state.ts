/** Which live room this page is in: all that the rest of the page has to know before anybody goes live. */
import { signal } from "@preact/signals";

/** Id of the room that one is in, or is asked to join; empty: none. */
export const liveRoom = signal("");

/** Id of the room whose session is watched again; empty: none. */
export const replayed = signal("");

/** Whether an id can be a room's. */
export function isRoomId(text: string): boolean {
  return /^[a-z2-7]{26}$/.test(text);
}
