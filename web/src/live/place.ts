/** One's place in a session over a reload of the page: which participant one is, and what was on. Of this tab alone. */

export interface Place {
  room: string;
  participant: string;
  /** The room that this one is a breakout of; empty: it is none. */
  parent: string;
  microphone: boolean;
  camera: boolean;
}

const KEY = "rushes.live";

export function keepPlace(place: Place): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(place));
  } catch {
    // Where nothing may be kept, a reload asks to join again.
  }
}

/** The place that is kept in a room; undefined: none. */
export function placeIn(room: string): Place | undefined {
  try {
    const place = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Place> | null;
    if (room === "" || place?.room !== room || typeof place.participant !== "string") return undefined;
    const parent = typeof place.parent === "string" ? place.parent : "";
    return { room, participant: place.participant, parent, microphone: place.microphone === true, camera: place.camera === true };
  } catch {
    return undefined;
  }
}

/** One is out. */
export function leavePlace(): void {
  sessionStorage.removeItem(KEY);
}
