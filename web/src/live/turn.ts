/** Whose turn it is to be shown large: whoever speaks. Pure. */
import type { Track } from "../gen/rushes/signaling/v1/room_service_pb";

const SPEAKS = 85;
const STAYS_MS = 2000;

export class Turns {
  private who = "";
  private sinceMs = -STAYS_MS;

  /** Who speaks by the levels of sound now, 0 to 127: who did stays for a moment, so that pictures do not jump. */
  heard(tracks: readonly Pick<Track, "audio" | "level" | "participantId">[], nowMs: number): string {
    const loud = tracks.filter((track) => track.audio && track.level >= SPEAKS);
    if (loud.some((track) => track.participantId === this.who)) {
      this.sinceMs = nowMs;
    } else if (loud.length > 0 && nowMs - this.sinceMs >= STAYS_MS) {
      this.who = loud.reduce((first, track) => (track.level > first.level ? track : first)).participantId;
      this.sinceMs = nowMs;
    }
    return this.who;
  }
}
