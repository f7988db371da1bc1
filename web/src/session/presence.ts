/** Who else is here and what they are doing: messages to plain values and back, and how often one's own goes out. */
import { create } from "@bufbuild/protobuf";
import { annotationFromMessage, annotationMessage, Audience, fromHex, toHex, type Annotation, type Id } from "../document";
import type { Bounds } from "../canvas/shape";
import type { Point } from "../canvas/view";
import {
  PresenceStateSchema,
  type PresenceState,
  type PresentPerson,
} from "../gen/rushes/annotation/v1/annotation_service_pb";

export interface Dragging {
  id: Id;
  to: Point;
  box?: Bounds | undefined;
}

/** What one is doing. */
export interface Doing {
  frame: number;
  playing: boolean;
  /** 1 is normal, below zero backwards. */
  speed: number;
  cursor: Point | undefined;
  tool: string;
  audience: Audience;
  /** Client that one follows; empty: nobody. */
  following: Id;
  transient: readonly Annotation[];
  /** x and y in turn. */
  laser: readonly number[];
  moving: readonly Dragging[];
}

/** Somebody else. */
export interface Other extends Doing {
  clientId: Id;
  personId: string;
  name: string;
}

/** What goes out. */
export function stateMessage(doing: Doing): PresenceState {
  return create(PresenceStateSchema, {
    frame: doing.frame,
    playing: doing.playing,
    speedPermille: Math.round(doing.speed * 1000),
    tool: doing.tool.slice(0, 16),
    audience: doing.audience,
    following: doing.following ? fromHex(doing.following) : new Uint8Array(0),
    transient: doing.transient.map(annotationMessage),
    laser: differences(doing.laser),
    moving: doing.moving.map(({ id, to, box }) => ({ id: fromHex(id), to, ...(box ? { box } : {}) })),
    ...(doing.cursor ? { cursor: doing.cursor } : {}),
  });
}

function differences(flat: readonly number[]): number[] {
  return flat.map((value, at) => (at < 2 ? value : value - (flat[at - 2] ?? 0)));
}

function sums(differences: readonly number[]): number[] {
  const flat: number[] = [];
  differences.forEach((value, at) => flat.push(at < 2 ? value : value + (flat[at - 2] ?? 0)));
  return flat;
}

/** Somebody as they came. */
export function otherOf(person: PresentPerson): Other {
  const state = person.state;
  const hex = (bytes: Uint8Array | undefined): Id => (bytes?.length ? toHex(bytes) : "");
  return {
    clientId: hex(person.clientId),
    personId: person.personId,
    name: person.name,
    frame: state?.frame ?? 0,
    playing: state?.playing ?? false,
    speed: (state?.speedPermille ?? 1000) / 1000,
    cursor: state?.cursor ? { x: state.cursor.x, y: state.cursor.y } : undefined,
    tool: state?.tool ?? "",
    audience: state?.audience ?? Audience.UNSPECIFIED,
    following: hex(state?.following),
    transient: (state?.transient ?? []).map(annotationFromMessage),
    laser: sums(state?.laser ?? []),
    moving: (state?.moving ?? []).map(({ id, to, box }) => ({ id: hex(id), to: { x: to?.x ?? 0, y: to?.y ?? 0 }, box })),
  };
}

const EVERY_MS = 50;
/** Of more people than this the server tells less often, down to a quarter (TICK_S, CALM_PEOPLE, MAX_STRETCH of svc_annotation). */
const CALM_PEOPLE = 50;
const MAX_STRETCH = 4;
/** Of more than these the server shows nobody; its choice stays much the same from one moment to the next. */
const MAX_SHOWN = 30;
const UNSEEN_MS = 1000;

/** From one message to the next: as often as others are told of it, and seldom while they are shown only others. */
export function everyMs(people: number, shown: boolean): number {
  if (people > MAX_SHOWN && !shown) return UNSEEN_MS;
  return EVERY_MS * Math.min(MAX_STRETCH, Math.max(1, people / CALM_PEOPLE));
}

/** Sends the latest, never more often than `everyMs`; the last always goes. */
export class Pulse {
  private timer = 0;
  private sentMs = -Infinity;

  constructor(
    private readonly send: () => void,
    private readonly everyMs: () => number,
  ) {}

  /** Something changed. */
  touch(): void {
    if (this.timer) return;
    const wait = Math.max(0, this.sentMs + this.everyMs() - performance.now());
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.sentMs = performance.now();
      this.send();
    }, wait);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = 0;
  }
}
