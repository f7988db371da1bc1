/** What of the past is on the screen: the notes at a revision, those of a snapshot, or two snapshots beside each other. */
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { annotations, requestId, versions } from "../app/api";
import { explain } from "../app/error";
import type { Action } from "../app/keys";
import { stateFromMessage, type Annotation, type AnnotationState, type Id } from "../document";
import type { AnnotationState as StateMessage } from "../gen/rushes/annotation/v1/annotation_pb";
import type { Commit } from "../gen/rushes/annotation/v1/operation_pb";
import type { Cut } from "../gen/rushes/project/v1/project_service_pb";
import { RollbackState, type Rollback, type Version } from "../gen/rushes/version/v1/version_pb";
import { count, t } from "../messages";
import type { Room } from "../review/room";
import { exactly } from "../ui/when";
import { depend } from "../ui/depend";
import { say } from "../ui/toast";
import { VersionFeed, type VersionList } from "./feed";
import { isPast, keyOf, pastText, showingOf, type Mode, type Showing } from "./showing";

/** Frames around the present one that are fetched together, so that playing on fetches seldom; so many ahead must be here. */
const AROUND = { before: 50, after: 200, ahead: 50 };
const WAIT_MS = 60;
const POLL_MS = 400;
const PAGE = 100;

export interface Target {
  case: "versionId" | "revision" | "rollbackId";
  value: bigint;
}

export interface Scope {
  onFrame: boolean;
  mine: boolean;
}

type States = readonly AnnotationState[];

/** What of what is shown is here: of nothing no frame. */
const NOTHING = { key: "", first: 0, last: -1 };

function statesOf(messages: readonly StateMessage[]): States {
  return messages.map((message) => stateFromMessage(message));
}

export class Past {
  /** Undefined: now. */
  readonly showing = signal<Showing | undefined>(undefined);
  /** What is shown; of a comparison the first. */
  readonly states = signal<States>([]);
  /** Of a comparison the second; else what became of the notes that changed since. */
  readonly others = signal<States>([]);
  /** When the revision that is shown was made. */
  readonly timeMs = signal(0);
  readonly author = signal("");
  readonly commits = signal<readonly Commit[]>([]);
  readonly moreCommits = signal("");
  readonly versions = signal<readonly Version[]>([]);
  readonly headVersion = signal(0n);
  /** Whether it is known which snapshots there are. */
  readonly known = signal(false);
  readonly busy = signal(false);
  /** Two snapshots are being chosen to be compared. */
  readonly choosing = signal(false);
  /** Where the line of a wipe stands, from 0 to 1. */
  readonly wipe = signal(0.5);
  readonly active = computed(() => this.showing.value !== undefined);
  private fetched = NOTHING;
  private filling = false;
  private timer = 0;
  /** From when the snapshots were first asked for. */
  private feed: VersionFeed | undefined;
  private readonly stops: (() => void)[];

  constructor(private readonly room: Room) {
    this.stops = [
      effect(() => {
        const text = room.compare.value;
        untracked(() => void this.read(text));
      }),
      effect(() => this.later(this.showing.value, room.player.frame.value)),
      effect(() => {
        depend(room.session.version);
        const [frame, authorId] = [room.player.frame.value, this.author.value];
        if (room.side.value === "history" && !room.player.playing.value) void this.listCommits(frame, authorId);
      }),
      effect(() => {
        const follows = room.side.value === "snapshots" && room.panel.value;
        if (follows) this.feed ??= new VersionFeed(this.videoId, (list) => this.learn(list));
      }),
    ];
  }

  close(): void {
    clearTimeout(this.timer);
    this.feed?.close();
    for (const stop of this.stops) stop();
  }

  get videoId(): bigint {
    return this.room.cut.videoId;
  }

  /** The newest revision that is known here. */
  get head(): number {
    return this.room.session.client.confirmed.revision;
  }

  show(showing: Showing | undefined): void {
    this.room.selected.value = new Set();
    if (showing === undefined) {
      this.states.value = this.others.value = [];
      this.fetched = NOTHING;
    }
    this.showing.value = showing;
    if (showing || isPast(this.room.compare.peek())) this.room.compare.value = pastText(showing);
  }

  /** Shows the notes as they were at a moment, in milliseconds. */
  async showAt(timeMs: number): Promise<void> {
    this.busy.value = true;
    try {
      const at = { case: "timeMs" as const, value: BigInt(Math.round(timeMs)) };
      const answer = await annotations.getDocument({ videoId: this.videoId, at, frames: { first: 0, last: 0 } });
      const since = answer.revision < answer.headRevision;
      if (!since) say({ title: t("history.nothingSince", { time: exactly(timeMs) }) });
      this.show(since ? { kind: "revision", revision: Number(answer.revision) } : undefined);
    } catch (error) {
      say({ title: t("history.cannotShow"), detail: explain(error) });
    } finally {
      this.busy.value = false;
    }
  }

  /** Shows what the address says; of anything else in its place, such as another cut, now. */
  private async read(text: string): Promise<void> {
    if (text === pastText(this.showing.peek())) return;
    if (!isPast(text)) {
      if (this.showing.peek()) this.show(undefined);
      return;
    }
    try {
      const showing = await showingOf(text, async (versionId) => (await versions.getVersion({ videoId: this.videoId, which: { case: "versionId", value: versionId } })).version);
      if (this.room.compare.peek() === text) this.show(showing);
    } catch (error) {
      say({ title: t("history.cannotShow"), detail: explain(error) });
      if (this.room.compare.peek() === text) this.room.compare.value = "";
    }
  }

  /** Takes a snapshot to be looked at, or, while two are chosen, to be compared with the one that is shown. */
  choose(version: Version): void {
    const showing = this.showing.peek();
    const other = showing?.kind === "version" && showing.version.versionId !== version.versionId ? showing.version : undefined;
    if (!this.choosing.peek() || !other) return this.show({ kind: "version", version });
    this.choosing.value = false;
    this.show({ kind: "compare", a: other, b: version, mode: "overlay" });
  }

  /** What a key does while something past is shown. Gives whether it does. */
  act(action: Action): boolean {
    const showing = this.showing.peek();
    if (!showing) return false;
    if (action === "cancel" || action === "compare.stop") {
      this.show(undefined);
      return true;
    }
    if (showing.kind !== "compare") return false;
    const modes: Partial<Record<Action, Mode>> = {
      "compare.a": "a",
      "compare.b": "b",
      "compare.toggle": showing.mode === "a" ? "b" : "a",
      "compare.wipe": "wipe",
      "compare.overlay": "overlay",
      "compare.difference": "difference",
    };
    const mode = modes[action];
    if (mode) this.show({ ...showing, mode });
    return action.startsWith("compare.");
  }

  /** What is drawn on a frame of what is shown. */
  on(states: States, frame: number): Annotation[] {
    const author = this.author.peek();
    return states.map(({ annotation }) => annotation).filter((each) => this.room.onFrame(each, frame) && (!author || each.authorId === author));
  }

  // -- fetching ----------------------------------------------------------------------------------------------

  /** Whoever plays or drags on puts nothing off: it is fetched a moment after the first change, for what is shown then. */
  private later(showing: Showing | undefined, frame: number): void {
    if (!showing || !this.lacks(showing, frame)) return;
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      void this.fill();
    }, WAIT_MS);
  }

  private lacks(showing: Showing, frame: number): boolean {
    const { key, first, last } = this.fetched;
    return key !== keyOf(showing) || frame < first || Math.min(frame + AROUND.ahead, this.room.player.clock.last) > last;
  }

  /** Fetches what is lacking, one thing at a time, until nothing is. */
  private async fill(): Promise<void> {
    if (this.filling) return;
    this.filling = this.busy.value = true;
    try {
      for (;;) {
        const [showing, frame] = [this.showing.peek(), this.room.player.frame.peek()];
        if (!showing || !this.lacks(showing, frame)) break;
        await this.fetch(showing, frame);
      }
    } catch (error) {
      say({ title: t("history.cannotShow"), detail: explain(error) });
    } finally {
      this.filling = this.busy.value = false;
    }
  }

  private async fetch(showing: Showing, frame: number): Promise<void> {
    const key = keyOf(showing);
    const span = { first: Math.max(0, frame - AROUND.before), last: frame + AROUND.after };
    const [states, others, timeMs] = await this.load(showing, span);
    if (keyOf(this.showing.peek()) !== key) return;
    this.fetched = showing.kind === "revision" ? { key, ...span } : { key, first: 0, last: Number.MAX_SAFE_INTEGER };
    this.states.value = states;
    this.others.value = others;
    this.timeMs.value = timeMs;
  }

  private async load(showing: Showing, frames: { first: number; last: number }): Promise<[States, States, number]> {
    if (showing.kind === "version") {
      const states = await this.document(showing.version);
      const now = this.room.session.client.screen.annotations;
      const [, changed] = differing(states, now);
      return [states, now.filter(({ annotation }) => changed.has(annotation.id)), Number(showing.version.createdMs)];
    }
    if (showing.kind === "compare") return [await this.document(showing.a), await this.document(showing.b), 0];
    const states: StateMessage[] = [];
    const changed: StateMessage[] = [];
    let pageToken = "";
    let timeMs: number;
    const at = { case: "revision" as const, value: BigInt(showing.revision) };
    do {
      const answer = await annotations.getDocument({ videoId: this.videoId, at, frames, pageToken });
      states.push(...answer.annotations);
      [pageToken, timeMs] = [answer.nextPageToken, Number(answer.timeMs)];
    } while (pageToken);
    do {
      const answer = await annotations.listChanges({ videoId: this.videoId, fromRevision: at.value, frames, pageToken, pageSize: PAGE });
      for (const { after } of answer.changes) if (after) changed.push(after);
      pageToken = answer.nextPageToken;
    } while (pageToken);
    return [statesOf(states), statesOf(changed), timeMs];
  }

  private async document({ versionId }: Version): Promise<States> {
    const states: StateMessage[] = [];
    let pageToken = "";
    do {
      const answer = await versions.getVersionDocument({ videoId: this.videoId, versionId, pageToken });
      states.push(...answer.annotations);
      pageToken = answer.nextPageToken;
    } while (pageToken);
    return statesOf(states);
  }

  /** The history of the frame, the newest first. */
  private async listCommits(frame: number, authorId: string, pageToken = ""): Promise<void> {
    const frames = { first: frame, last: frame };
    try {
      const answer = await annotations.listOperations({ videoId: this.videoId, frames, authorId, newestFirst: true, pageSize: PAGE, pageToken });
      if (this.room.player.frame.peek() !== frame || this.author.peek() !== authorId) return;
      this.commits.value = pageToken ? [...this.commits.peek(), ...answer.commits] : answer.commits;
      this.moreCommits.value = answer.nextPageToken;
    } catch (error) {
      say({ title: t("history.cannotShow"), detail: explain(error) });
    }
  }

  /** More of the history of the frame. */
  async olderCommits(): Promise<void> {
    await this.listCommits(this.room.player.frame.peek(), this.author.peek(), this.moreCommits.peek());
  }

  private learn(list: VersionList): void {
    batch(() => {
      this.versions.value = list.versions;
      this.headVersion.value = list.head;
      this.known.value = true;
    });
  }

  // -- doing -------------------------------------------------------------------------------------------------

  /** Saves a snapshot: of what is shown, or of now; on a base of one's choice it is a branch. */
  async save(message: string, base: Version | undefined): Promise<boolean> {
    const showing = this.showing.peek();
    const content = showing?.kind === "revision" ? { case: "revision" as const, value: BigInt(showing.revision) } : undefined;
    return this.doing("history.cannotSave", async () => {
      await versions.commitVersion({ videoId: this.videoId, baseVersionId: base?.versionId ?? 0n, message, content, requestId: requestId() });
    });
  }

  async tag({ versionId }: Version, tag: string, remove: boolean): Promise<boolean> {
    return this.doing("history.cannotSave", async () => {
      await versions.tagVersion({ videoId: this.videoId, versionId, tag, remove, requestId: requestId() });
    });
  }

  async merge(from: Version, into: Version): Promise<boolean> {
    return this.doing("history.cannotSave", async () => {
      const names = { fromVersionId: from.versionId, intoVersionId: into.versionId };
      const answer = await versions.mergeVersions({ videoId: this.videoId, ...names, requestId: requestId() });
      if (answer.conflictCount > 0) say({ title: t("history.merged", { n: answer.conflictCount }) });
    });
  }

  private scopeOf({ onFrame, mine }: Scope): { frames?: { first: number; last: number }; authorId: string } {
    const frame = this.room.player.frame.peek();
    return { ...(onFrame ? { frames: { first: frame, last: frame } } : {}), authorId: mine ? this.room.personId : "" };
  }

  /** What going back would do. */
  async plan(target: Target, scope: Scope): Promise<Rollback | undefined> {
    const answer = await versions.rollbackVersion({ videoId: this.videoId, target: { target }, scope: this.scopeOf(scope), dryRun: true });
    return answer.rollback;
  }

  /** Brings the live notes back; everybody sees it. */
  async restore(target: Target, scope: Scope): Promise<boolean> {
    return this.doing("history.cannotRestore", async () => {
      const id = requestId();
      const answer = await versions.rollbackVersion({ videoId: this.videoId, target: { target }, scope: this.scopeOf(scope), requestId: id });
      const done = await this.finished(answer.rollback);
      if (done.state === RollbackState.FAILED) throw new Error(done.errorMessage || done.errorReason);
      this.show(undefined);
      const run = (): void => void this.restore({ case: "rollbackId", value: done.rollbackId }, { onFrame: false, mine: scope.mine });
      say({ title: count("history.restored", done.annotationCount), action: { label: t("history.undo"), run } });
    });
  }

  /** Brings the notes of another cut here, as one's own; everybody sees them come. */
  async bring(from: Cut, frames: number, openOnly: boolean): Promise<boolean> {
    return this.doing("history.cannotBring", async () => {
      const offset = { frameOffset: BigInt(frames), openOnly };
      const answer = await versions.carryNotes({ fromVideoId: from.videoId, toVideoId: this.videoId, ...offset, requestId: requestId() });
      const done = await this.finished(answer.rollback);
      if (done.state === RollbackState.FAILED) throw new Error(done.errorMessage || done.errorReason);
      const run = (): void => void this.restore({ case: "rollbackId", value: done.rollbackId }, { onFrame: false, mine: true });
      const title = count("history.brought", done.annotationCount, { number: from.number });
      say({ title, ...(done.keptCount > 0 ? { detail: count("history.leftOut", done.keptCount) } : {}), action: { label: t("history.undo"), run } });
    });
  }

  private async finished(begun: Rollback | undefined): Promise<Rollback> {
    let now = begun;
    while (now?.state === RollbackState.RUNNING) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      now = (await versions.getRollback({ videoId: this.videoId, rollbackId: now.rollbackId })).rollback;
    }
    if (!now) throw new Error(t("error.unexpected"));
    return now;
  }

  private async doing(failed: "history.cannotSave" | "history.cannotRestore" | "history.cannotBring", work: () => Promise<void>): Promise<boolean> {
    this.busy.value = true;
    try {
      await work();
      return true;
    } catch (error) {
      say({ title: t(failed), detail: explain(error) });
      return false;
    } finally {
      this.busy.value = false;
    }
  }
}

/** What differs between two lists of states: of each side those that the other has otherwise or not at all. */
export function differing(a: States, b: States): [a: Set<Id>, b: Set<Id>] {
  const look = ({ annotation }: AnnotationState): string => JSON.stringify({ ...annotation, updatedMs: 0 }, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
  const [first, second] = [a, b].map((states) => new Map(states.map((state) => [state.annotation.id, look(state)])));
  const only = (mine: Map<Id, string> = new Map<Id, string>(), other: Map<Id, string> = new Map<Id, string>()): Set<Id> => new Set([...mine].filter(([id, text]) => other.get(id) !== text).map(([id]) => id));
  return [only(first, second), only(second, first)];
}
