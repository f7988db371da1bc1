/** A person at a page: what people do, over a stream that may break. */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import * as service from "../../gen/rushes/annotation/v1/annotation_service_pb";
import { newId, toHex } from "../hex";
import { AnnotationKind, Audience, Delivery, TextAlign, newAnnotation } from "../model";
import type { Annotation, AnnotationState, FieldValue, Id, Operation } from "../model";
import { PendingClient } from "../pending";
import type { Event } from "../pending_event";
import type { Stored } from "../pending_item";
import type { Random } from "./random";
import { FRAMES, VIDEO } from "./server";
import type { Person, Server, Session } from "./server";

export const ALL = 0b111110;
export const NOT_OTHERS = 0b110110;
export const GUEST = 0b100110;

/** What a person sees of an annotation: without times and stamps, which are the server's. */
export function look({ annotation }: AnnotationState): Annotation {
  return { ...annotation, createdMs: 0, updatedMs: 0 };
}

export class Peer implements Person {
  nowS = 0;
  session: Session | undefined;
  merged = false;
  /** Whether the screen is known to the letter: nothing but commits came since work was made. */
  private exact = true;
  readonly created: Id[] = [];
  readonly dropped: Operation[] = [];
  readonly reasons: string[] = [];
  client: PendingClient;
  /** Ids that changed events named since they were last taken; undefined: all. */
  changed: Set<Id> | undefined = new Set();

  constructor(
    readonly personId: string,
    readonly permissions: number,
    readonly audience: Audience,
    private readonly random: Random,
  ) {
    this.client = this.make(undefined);
  }

  private make(stored: Stored | undefined): PendingClient {
    const { audience, random } = this;
    return new PendingClient(VIDEO, random.bytes, { audience, delivery: Delivery.FULL, stored });
  }

  /** Opens a stream; whatever was on the old one is lost. */
  connect(server: Server): void {
    this.cut(server);
    const request = toBinary(service.CollaborateRequestSchema, this.client.connect(3));
    const { message } = fromBinary(service.CollaborateRequestSchema, request);
    if (message.case === "open") {
      this.session = server.open(this, message.value, this.merged);
    }
  }

  /** The stream breaks. */
  cut(server: Server): void {
    if (this.session !== undefined) {
      server.sessions = server.sessions.filter((each) => each !== this.session);
      this.session = undefined;
      this.client.disconnected();
    }
  }

  /** The page is loaded anew; only what it kept is left. */
  reload(server: Server): void {
    this.cut(server);
    this.client = this.make(structuredClone(this.client.dump()));
    this.changed = undefined;
  }

  /** Does what the client asks for. */
  heed(events: readonly Event[], server: Server): void {
    for (const event of events) {
      if (event.kind === "changed") {
        this.changed = event.ids && this.changed && new Set([...this.changed, ...event.ids]);
      } else if (event.kind === "dropped") {
        this.dropped.push(...event.operations);
        this.reasons.push(event.reason);
      } else if (event.kind === "reconnect") {
        this.reasons.push(event.reason);
        this.connect(server);
      }
    }
  }

  /** What is due goes on its way; it must not change the screen. */
  send(): void {
    if (this.session === undefined) {
      return;
    }
    const before = this.client.screen.annotations;
    for (const request of this.client.poll(this.nowS)) {
      this.session.up.push(toBinary(service.CollaborateRequestSchema, request));
    }
    const after = this.client.screen.annotations;
    if (before.length !== after.length || before.some((state, index) => state !== after[index])) {
      throw new Error(`${this.personId}: sending changed the screen`);
    }
  }

  /** Takes the next message. Gives what the screen showed before and after it, if they must be the same. */
  receive(server: Server): [Annotation[], Annotation[]] | undefined {
    const bytes = this.session?.down.shift();
    if (bytes === undefined) {
      return undefined;
    }
    const response = fromBinary(service.CollaborateResponseSchema, bytes);
    const own = this.isOwn(response);
    const kind = response.message.case;
    if (!this.client.pendingCount) {
      this.exact = true;
    } else if (kind === "snapshotPart" || kind === "merged") {
      // What it skips is known by its result alone: texts that are being edited may settle otherwise than the server's.
      this.exact = false;
    }
    const before = own ? this.picture() : [];
    const events = this.client.receive(response);
    const same = own && this.client.phase === "open" ? ([before, this.picture()] as [Annotation[], Annotation[]]) : undefined;
    this.heed(events, server);
    return same;
  }

  /** Whether a message is one commit, of a batch of this client, after which nothing but commits came. */
  private isOwn({ message }: service.CollaborateResponse): boolean {
    const { client } = this;
    const commit = message.case === "committed" ? message.value.commits[0] : undefined;
    return (
      commit !== undefined &&
      toHex(commit.clientId) === client.clientId &&
      Number(commit.revision) === client.confirmed.revision + 1 &&
      this.exact &&
      !client.waiting
    );
  }

  private picture(): Annotation[] {
    return this.client.screen.annotations.map(look);
  }

  /** Does something, as people do. */
  act(server: Server): void {
    const { client, random, nowS } = this;
    const notes = client.screen.annotations;
    const choice = notes.length ? random.int(0, 13) : 0;
    if (choice <= 2) {
      this.heed(client.submit([this.creation(notes)], nowS), server);
    } else if (choice === 3) {
      this.heed(client.undo(nowS), server);
    } else if (choice === 4) {
      this.heed(client.redo(nowS), server);
    } else if (choice <= 8) {
      const { id, text } = random.choice(notes).annotation;
      this.heed(client.editText(id, this.typed(text), nowS), server);
    } else {
      const own = notes.filter((state) => state.annotation.authorId === this.personId);
      const among = own.length && this.permissions !== ALL && random.chance(0.9) ? own : notes;
      const count = random.choice([1, 1, 1, 2, 25]);
      const operations = Array.from({ length: count }, () => this.operation(random.choice(among).annotation));
      this.heed(client.submit(operations, nowS), server);
    }
  }

  /** A text with something put in, taken out or replaced. */
  private typed(text: string): string {
    const letters = Array.from(text);
    const at = this.random.int(0, letters.length);
    letters.splice(at, this.random.choice([0, 0, 0, 1, 3]), this.random.text(4));
    return letters.join("");
  }

  /** A new annotation; now and then one that the server refuses. */
  private creation(notes: readonly AnnotationState[]): Operation {
    const { random } = this;
    const { COMMENT, TEXT, RECT, STROKE } = AnnotationKind;
    const kind = random.choice([COMMENT, TEXT, RECT, STROKE]);
    const lastFrame = random.chance(0.04) ? FRAMES : random.int(0, FRAMES - 1);
    const points = kind === STROKE ? Array.from({ length: 2 * random.int(1, 9) }, () => random.int(-50, 50)) : [];
    const annotation = newAnnotation({
      id: newId(random.bytes),
      kind,
      firstFrame: random.int(0, Math.min(lastFrame, FRAMES - 1)),
      lastFrame,
      position: this.place(),
      box: { left: -10, right: 10, top: -5, bottom: 5 },
      style: { color: random.int(0, 0xffffff), opacity: 255, width: 40, fill: 0, fontSize: 0, align: TextAlign.START },
      points,
      text: random.chance(0.5) ? "hello" : "",
      audience: this.permissions === GUEST ? Audience.CLIENT : random.choice([Audience.CLIENT, Audience.INTERNAL]),
      parentId: notes.length && random.chance(0.3) ? random.choice(notes).annotation.id : "",
    });
    this.created.push(annotation.id);
    return { kind: "create", annotation };
  }

  private place(): { x: number; y: number } {
    return { x: this.random.int(-9999, 9999), y: this.random.int(-9999, 9999) };
  }

  /** A change of an annotation; perhaps of one that this person may not change. */
  private operation(note: Annotation): Operation {
    const { random } = this;
    const { id } = note;
    switch (random.int(0, 5)) {
      case 3:
        return { kind: "resize", id, left: random.int(-99, 0), bottom: random.int(0, 9) };
      case 4:
        return { kind: "setDeleted", id, deleted: random.chance(0.5) };
      case 5:
        return { kind: "setFields", id, fields: this.fields(note) };
      default:
        return { kind: "move", id, to: this.place(), seenRevision: 0 };
    }
  }

  /** Some fields with values. */
  private fields(note: Annotation): FieldValue[] {
    const { random } = this;
    const target = { kind: "link", value: "https://example.org/a" } as const;
    const values: FieldValue[] = [
      { field: "resolved", value: { kind: "flag", flag: random.chance(0.5) } },
      { field: "style/color", value: { kind: "number", number: random.int(0, 0xffffff) } },
      { field: "frames", value: { kind: "frames", frames: { first: 1, last: random.int(1, FRAMES - 1) } } },
      { field: `tags/${random.choice(["a", "b", "\u{e000}", "🎬"])}`, value: { kind: "flag", flag: random.chance(0.7) } },
      { field: "attachments/a1", value: { kind: "attachment", attachment: { id: "a1", title: "", target } } },
    ];
    if (!note.parentId && random.chance(0.3)) {
      values.push({ field: "audience", value: { kind: "audience", audience: Audience.CLIENT } });
    }
    const kept = values.filter(() => random.chance(0.4));
    return kept.length ? kept : values.slice(0, 1);
  }
}
