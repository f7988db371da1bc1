/** What had happened in a live room at any moment, from the record of its events. Pure. */
import { ParticipantState, type Chat, type Event, type Participant, type Playback } from "../gen/rushes/signaling/v1/room_service_pb";

export interface Said {
  ordinal: bigint;
  atMs: number;
  chat: Chat;
}

export interface Moment {
  playback: Playback | undefined;
  /** Who presents: a participant; empty: nobody. */
  presenter: string;
  /** Who was there. */
  people: readonly Participant[];
  /** How many of `said` had been said. */
  said: number;
}

/** What is seen of the record beside the clock: when somebody spoke, or another presented. */
export interface Mark {
  atMs: number;
  kind: "chat" | "presenter";
}

/** The number of items that are not later than a moment, of items in order. */
export function until(items: readonly { atMs: number }[], ms: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.atMs ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class RoomTimeline {
  readonly said: Said[] = [];
  readonly marks: Mark[] = [];
  /** The last moment of the record. */
  readonly lastMs: number;
  readonly firstMs: number;
  /** Names, of who is gone too. */
  readonly names = new Map<string, string>();
  private readonly playbacks: { atMs: number; playback: Playback }[] = [];
  private readonly presenters: { atMs: number; who: string }[] = [];
  private readonly people: { atMs: number; participant: Participant }[] = [];

  constructor(events: readonly Event[]) {
    for (const event of events) this.add(event);
    this.firstMs = Number(events[0]?.timeMs ?? 0n);
    this.lastMs = Number(events.at(-1)?.timeMs ?? 0n);
  }

  private add({ ordinal, timeMs, what }: Event): void {
    const atMs = Number(timeMs);
    if (what.case === "playback") this.playbacks.push({ atMs, playback: what.value });
    else if (what.case === "chat") {
      this.said.push({ ordinal, atMs, chat: what.value });
      this.marks.push({ atMs, kind: "chat" });
    } else if (what.case === "participant") {
      this.people.push({ atMs, participant: what.value });
      this.names.set(what.value.participantId, what.value.name);
    } else if (what.case === "presenter" && what.value.participantId !== this.presenters.at(-1)?.who) {
      this.presenters.push({ atMs, who: what.value.participantId });
      this.marks.push({ atMs, kind: "presenter" });
    }
  }

  at(ms: number): Moment {
    const there = new Map<string, Participant>();
    for (const { participant } of this.people.slice(0, until(this.people, ms))) {
      there.delete(participant.participantId);
      if (participant.state === ParticipantState.JOINED || participant.state === ParticipantState.AWAY) there.set(participant.participantId, participant);
    }
    return {
      playback: this.playbacks[until(this.playbacks, ms) - 1]?.playback,
      presenter: this.presenters[until(this.presenters, ms) - 1]?.who ?? "",
      people: [...there.values()],
      said: until(this.said, ms),
    };
  }
}
