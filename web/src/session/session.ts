/** One's session on one video: the document, the others, and the state of the connection, as signals for the page. */
import { computed, signal } from "@preact/signals";
import { person, remember } from "../app/people";
import {
  Audience,
  Delivery,
  DocumentError,
  FrameIndex,
  newId,
  PendingClient,
  Permission,
  type Edit,
  type Event,
  type Id,
  type Operation,
  type Stored,
} from "../document";
import type { CollaborateResponse } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { said, t } from "../messages";
import { say } from "../ui/toast";
import { adopt, fresh, type Keeper, type Orphan } from "./keep";
import { lastSeen, Memory, type Seen } from "./kept_document";
import { Link, now, type LinkState } from "./link";
import { everyMs, otherOf, Pulse, stateMessage, type Doing, type Other } from "./presence";
import { MergeNotice, type Merged } from "./merge_notice";
import { Latency, statusOf } from "./status";

const RESUMED_MS = 3000;

export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A new id of an annotation. */
export function makeId(): Id {
  return newId(randomBytes);
}

const notKept = (): void => say({ title: t("session.notKept"), detail: t("session.notKeptDetail"), look: "bad" });

export class Session {
  readonly index: FrameIndex;
  /** Grows with each change of the document. */
  readonly version = signal(0);
  readonly others = signal<readonly Other[]>([]);
  readonly moreOthers = signal(0);
  readonly link = signal<LinkState>({ kind: "stopped" });
  readonly pending = signal(0);
  readonly permissions = signal(0);
  readonly latencyMs = signal<number | undefined>(undefined);
  readonly trouble = signal("");
  readonly doubt = signal(0);
  readonly canUndo = signal(false);
  readonly canRedo = signal(false);
  readonly loaded = signal(false);
  private readonly online = signal(navigator.onLine);
  private readonly resumed = signal(false);
  /** A live room lets one do no more than this here, whatever one's rights allow; empty: it narrows nothing. */
  readonly narrowed = signal<"" | "laser" | "view">("");
  readonly writable = computed(() => this.narrowed.value === "" && ((this.permissions.value >>> Permission.ANNOTATE) & 1) === 1);
  readonly seesInternal = computed(() => ((this.permissions.value >>> Permission.SEE_INTERNAL) & 1) === 1);
  readonly status = computed(() =>
    statusOf({
      link: this.link.value,
      online: this.online.value,
      pending: this.pending.value,
      writable: this.writable.value,
      trouble: this.trouble.value,
      resumed: this.resumed.value,
    }),
  );
  private readonly connection: Link;
  private readonly latency = new Latency();
  private readonly changed = new Set<(ids: ReadonlySet<Id> | undefined) => void>();
  private readonly moved = new Set<(id: Id, edit: Edit) => void>();
  private readonly pulse: Pulse;
  private presenceMs = everyMs(0, true);
  private doing: () => Doing | undefined = () => undefined;
  private wasOpen = false;
  private readonly memory: Memory;
  private readonly merges = new MergeNotice();
  /** As whom one reads; undefined: not known. */
  private audience: Audience | undefined;
  /** Every client_id that this session has had: none of them is somebody else. */
  private readonly ownIds = new Set<Id>();
  private readonly stopSignal = new AbortController();

  constructor(
    readonly client: PendingClient,
    private readonly keeper: Keeper,
    frame: () => number,
    seen?: Seen,
  ) {
    this.audience = seen?.audience;
    this.memory = new Memory(client, () => this.audience);
    this.index = new FrameIndex(client.screen);
    this.connection = new Link(client, {
      frame,
      events: (events) => this.take(events),
      heard: (response) => this.heard(response),
      state: (state) => this.onLink(state),
      latency: (milliseconds) => (this.latencyMs.value = this.latency.add(milliseconds)),
    });
    this.pulse = new Pulse(
      () => this.sendPresence(),
      () => this.presenceMs,
    );
    const { signal: stopped } = this.stopSignal;
    for (const name of ["online", "offline"]) {
      addEventListener(name, () => (this.online.value = navigator.onLine), { signal: stopped });
    }
    this.refresh();
  }

  /** Begins. */
  start(): void {
    this.connection.start();
  }

  /** Ends; what is not sent stays kept. */
  async stop(): Promise<void> {
    this.stopSignal.abort();
    this.pulse.stop();
    this.connection.stop();
    this.memory.end();
    await this.keeper.close();
  }

  /** Tries the connection again now. */
  retry(): void {
    this.connection.hurry();
  }

  // -- what a person does ------------------------------------------------------------------------------------

  /** Does operations as one action. Gives whether they are taken; what is not is said. */
  submit(operations: readonly Operation[]): boolean {
    return this.act((client, nowS) => client.submit(operations, nowS));
  }

  /** The text of an annotation as it shall be. */
  editText(id: Id, text: string): boolean {
    return this.act((client, nowS) => client.editText(id, text, nowS));
  }

  /** Takes back what one did last; what is not saved yet is taken back as soon as it is. */
  undo(): void {
    if (this.client.canUndo || this.client.pendingCount > 0) this.act((client, nowS) => client.undo(nowS));
  }

  redo(): void {
    if (this.client.canRedo) this.act((client, nowS) => client.redo(nowS));
  }

  resendDoubt(): void {
    this.act((client, nowS) => client.resendDoubt(nowS));
  }

  discardDoubt(): void {
    this.client.discardDoubt();
    this.take([]);
  }

  private act(run: (client: PendingClient, nowS: number) => readonly Event[]): boolean {
    if (this.narrowed.peek() !== "") return false;
    try {
      this.connection.act(run);
      return true;
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      say({ title: t("session.refused"), detail: said(error.reason, error.message), look: "bad" });
      return false;
    }
  }

  // -- what the page hears -----------------------------------------------------------------------------------

  /** Tells of changed annotations, before `version` grows; undefined: all. Gives what ends it. */
  onChanged(run: (ids: ReadonlySet<Id> | undefined) => void): () => void {
    this.changed.add(run);
    return () => this.changed.delete(run);
  }

  /** Tells of edits by others of texts, for carets. */
  onTextMoved(run: (id: Id, edit: Edit) => void): () => void {
    this.moved.add(run);
    return () => this.moved.delete(run);
  }

  private take(events: readonly Event[]): void {
    for (const event of events) this.hear(event);
    this.refresh();
    this.keep();
    for (const merged of this.merges.settled(this.client.pendingCount)) sayMerged(merged);
  }

  /** Gives whether what is held may be gone on from: what one saw as somebody of the team is not kept for a client. */
  private heard({ message }: CollaborateResponse): boolean {
    const { client } = this;
    if (message.case === "committed") this.merges.heard(message.value, client.personId);
    if (message.case !== "opened") return true;
    const { audience } = message.value;
    const same = this.audience === undefined || this.audience === audience;
    this.audience = audience;
    this.merges.begin(same ? client.pendingTargets : []);
    return same;
  }

  private hear(event: Event): void {
    switch (event.kind) {
      case "changed":
        this.index.update(event.ids);
        for (const run of this.changed) run(event.ids);
        this.version.value++;
        this.memory.touch();
        break;
      case "textMoved":
        for (const run of this.moved) run(event.id, event.edit);
        break;
      case "opened":
        this.pulse.touch();
        break;
      case "presenceReceived":
        this.meet(event.presence.people.map(otherOf), event.presence.more);
        break;
      case "trouble":
        this.trouble.value = event.status.code === 0 ? "" : event.status.message || t("status.troubleUnknown");
        break;
      case "dropped":
        say({ title: t("session.dropped"), detail: said(event.reason, event.message), look: "bad" });
        break;
      case "inDoubt":
        say({
          title: t("session.inDoubt"),
          detail: t("session.inDoubtDetail"),
          look: "bad",
          action: { label: t("session.sendAgain"), run: () => this.resendDoubt() },
        });
        break;
      case "notSaved":
        say({ title: t("session.notSaved"), detail: t("session.notSavedDetail"), look: "bad" });
        break;
      case "undoVoid":
        say({ title: t("session.undoVoid") });
        break;
      default:
        break;
    }
  }

  private meet(others: readonly Other[], more: number): void {
    for (const { personId, name } of others) if (name) remember(personId, { name });
    this.others.value = others.filter(({ clientId }) => !this.ownIds.has(clientId));
    this.moreOthers.value = more;
    this.presenceMs = everyMs(others.length + more, this.others.value.length < others.length);
  }

  private refresh(): void {
    const { client } = this;
    this.ownIds.add(client.clientId);
    this.pending.value = client.pendingCount;
    this.permissions.value = client.permissions;
    this.doubt.value = client.doubt.length;
    this.canUndo.value = client.canUndo;
    this.canRedo.value = client.canRedo;
    if (client.confirmed.epoch !== 0) this.loaded.value = true;
  }

  private keep(): void {
    const { client } = this;
    const empty = client.pendingCount === 0 && client.inFlight === 0 && client.doubt.length === 0;
    this.keeper.put(empty ? null : () => client.dump());
  }

  private onLink(state: LinkState): void {
    if (state.kind === "open" && this.wasOpen) {
      this.resumed.value = true;
      setTimeout(() => (this.resumed.value = false), RESUMED_MS);
    }
    if (state.kind === "refused") {
      // Of who is signed out all is forgotten elsewhere; what is still on the screen does not go back.
      if (state.why === "signedOut") this.memory.cease();
      else void this.memory.forget();
    }
    // What is seen now is what one has until the connection is back.
    if (state.kind === "waiting") this.memory.write();
    if (state.kind === "open") this.wasOpen = true;
    else if (this.others.value.length > 0) this.meet([], 0);
    if (state.kind !== "open") this.latencyMs.value = undefined;
    this.link.value = state;
  }

  // -- presence ----------------------------------------------------------------------------------------------

  /** Where what one is doing is read from. */
  presenceFrom(read: () => Doing | undefined): void {
    this.doing = read;
    this.pulse.touch();
  }

  /** What one is doing changed. */
  touch(): void {
    this.pulse.touch();
  }

  private sendPresence(): void {
    const doing = this.doing();
    if (!doing) return;
    this.connection.presence(stateMessage(doing));
    if (doing.laser.length > 0) this.pulse.touch();
  }
}

function sayMerged({ personId, change, more }: Merged): void {
  const name = person(personId).name || t("people.unknown");
  say({ title: more > 0 ? t("session.mergedMore", { name, n: more }) : t(`session.merged.${change}`, { name }) });
}

function clientOf(videoId: number, stored?: Stored, kept?: Seen): PendingClient {
  return new PendingClient(videoId, randomBytes, { audience: Audience.UNSPECIFIED, delivery: Delivery.AUTO, stored, kept });
}

/** A session on a video; what an earlier page left of it is taken over. */
export async function openSession(videoId: number, personId: string, frame: () => number): Promise<Session> {
  // Without a database the page works; it only cannot outlive itself, which is said when there is something to keep.
  const [mine, ...rest] = await adopt(personId, (video) => video === videoId, notKept).catch((): Orphan[] => []);
  for (const orphan of rest) void drain(orphan);
  const keeper = mine?.keeper ?? (await fresh(makeId(), personId, notKept));
  const seen = await lastSeen(personId, videoId);
  return new Session(clientOf(videoId, mine?.kept.stored, seen), keeper, frame, seen);
}

/** Sends what a page that is gone left, without showing it, and forgets it when it is saved. */
function drain({ kept, keeper }: Orphan): Promise<void> {
  const client = clientOf(kept.videoId, kept.stored);
  return new Promise((resolve) => {
    const link = new Link(client, {
      frame: () => 0,
      heard: () => true,
      latency: () => undefined,
      events: () => {
        const left = client.pendingCount + client.inFlight;
        // What is in doubt stays kept, for whoever opens that video to decide.
        keeper.put(left + client.doubt.length === 0 ? null : () => client.dump());
        if (left === 0 && client.phase === "open") finish();
      },
      state: (state) => (state.kind === "refused" ? finish() : undefined),
    });
    const finish = (): void => {
      setTimeout(() => link.stop());
      void keeper.close().then(resolve);
    };
    link.start();
  });
}

/** Sends all that pages which are gone left of other videos. */
export async function drainAll(personId: string, exceptVideo: number): Promise<void> {
  for (const orphan of await adopt(personId, (video) => video !== exceptVideo, notKept)) await drain(orphan);
}

export { now };
