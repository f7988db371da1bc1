/** A session of the past on one clock: what was recorded, the player, the notes and the chat follow it. */
import { createClient } from "@connectrpc/connect";
import { computed, effect, signal, untracked } from "@preact/signals";
import { media, projects, transport } from "../app/api";
import { explain } from "../app/error";
import { navigate, reviewPath, route } from "../app/router";
import type { AnnotationState } from "../document";
import { VideoState } from "../gen/rushes/media/v1/media_service_pb";
import { RecordingState, type Recording } from "../gen/rushes/signaling/v1/recording_pb";
import { RecordingService } from "../gen/rushes/signaling/v1/recording_service_pb";
import { RoomService, type Event, type Playback } from "../gen/rushes/signaling/v1/room_service_pb";
import { momentOf } from "../live/follow";
import { replayed } from "../live/state";
import { t } from "../messages";
import { sourceOf } from "../review/open";
import type { Room } from "../review/room";
import { say } from "../ui/toast";
import { Strokes } from "./strokes";
import { RoomTimeline } from "./timeline";

const TICK_MS = 100;
const LOOK_MS = 3000;
const PAGE = 1000;

export const recordings = createClient(RecordingService, transport);
const rooms = createClient(RoomService, transport);

/** A video of the session, and when it begins. */
export interface Clip {
  videoId: bigint;
  path: string;
  startMs: number;
  durationMs: number;
  name: string;
  /** It shows everybody. */
  whole: boolean;
}

export class Replay {
  readonly title = signal("");
  readonly timeline = signal<RoomTimeline | undefined>(undefined);
  readonly recorded = signal<readonly Recording[]>([]);
  readonly clips = signal<readonly Clip[]>([]);
  /** Videos are still being made. */
  readonly waiting = signal(false);
  /** Where one is, in server time. */
  readonly position = signal(0);
  readonly playing = signal(false);
  /** Whether one's player does as the session's did. */
  readonly following = signal(true);
  /** The notes as they were; undefined: not known yet. */
  readonly states = signal<readonly AnnotationState[] | undefined>(undefined);
  /** The whole of it. */
  readonly span = computed(() => this.spanOf(this.recorded.value, this.timeline.value));
  readonly moment = computed(() => this.timeline.value?.at(this.position.value));
  private reviewed: Room | undefined;
  private strokes: { videoId: bigint; ready: Strokes | undefined } | undefined;
  private ticker = 0;
  private looking = 0;
  private lastMs = 0;
  private readonly stops: (() => void)[] = [];

  constructor(
    readonly project: bigint,
    readonly id: string,
  ) {}

  start(): void {
    void this.load().catch((error: unknown) => this.broke(error));
    this.lastMs = performance.now();
    this.ticker = window.setInterval(() => this.tick(), TICK_MS);
    this.stops.push(
      effect(() => {
        if (route.value.name !== "review") untracked(() => this.close());
      }),
    );
  }

  close(): void {
    clearInterval(this.ticker);
    clearTimeout(this.looking);
    for (const stop of this.stops.splice(0)) stop();
    if (replayed.peek() === this.id) replayed.value = "";
  }

  private broke(error: unknown): void {
    say({ title: t("replay.failed"), detail: explain(error), look: "bad" });
  }

  // -- what there is -----------------------------------------------------------------------------------------

  private async load(): Promise<void> {
    const key = { projectId: this.project, roomId: this.id };
    const events: Event[] = [];
    for (let more = true; more; ) {
      const answer = await rooms.listEvents({ ...key, after: events.at(-1)?.ordinal ?? 0n, pageSize: PAGE });
      events.push(...answer.events);
      more = answer.more && answer.events.length > 0;
    }
    const { room } = await rooms.getRoom(key);
    this.title.value = room?.title ?? "";
    await this.look();
    this.timeline.value = new RoomTimeline(events);
    this.position.value = this.span.peek().fromMs;
  }

  /** Something else may be there by now. */
  lookAgain(): void {
    void this.look().catch((error: unknown) => this.broke(error));
  }

  /** What was recorded, again until it is all there. */
  private async look(): Promise<void> {
    const { recordings: found } = await recordings.listRecordings({ projectId: this.project, roomId: this.id });
    this.recorded.value = found;
    const clips = (await Promise.all(found.map((each) => this.clipsOf(each)))).flat();
    if (clips.map(({ path }) => path).join() !== this.clips.peek().map(({ path }) => path).join()) this.clips.value = clips;
    const open = found.some((each) => each.state === RecordingState.RECORDING || each.state === RecordingState.PROCESSING);
    this.waiting.value = open || found.some((each) => each.mosaicVideoId > 0n && !clips.some(({ videoId }) => videoId === each.mosaicVideoId));
    if (this.waiting.peek()) this.looking = window.setTimeout(() => void this.look().catch(() => undefined), LOOK_MS);
  }

  /** The video of all, or those of each while that is being made. */
  private async clipsOf(recording: Recording): Promise<Clip[]> {
    const startMs = Number(recording.startTimeMs);
    const whole = await this.path(recording.mosaicVideoId);
    if (whole) return [{ videoId: recording.mosaicVideoId, path: whole, startMs, durationMs: Number(recording.endTimeMs) - startMs, name: recording.title, whole: true }];
    const takes = await Promise.all(
      recording.takes.map(async (take) => ({ videoId: take.videoId, path: await this.path(take.videoId), startMs: Number(take.startTimeMs), durationMs: Number(take.durationMs), name: take.name, whole: false })),
    );
    return takes.filter((each): each is Clip => each.path !== undefined);
  }

  /** Where a video is; undefined: it is not ready. */
  private async path(videoId: bigint): Promise<string | undefined> {
    if (videoId === 0n) return undefined;
    const { video } = await media.getVideo({ videoId });
    if (video?.state !== VideoState.READY) return undefined;
    const { renditions } = await media.listRenditions({ videoId });
    return sourceOf(video, renditions).path;
  }

  private spanOf(recorded: readonly Recording[], timeline: RoomTimeline | undefined): { fromMs: number; toMs: number } {
    const begins = recorded.map((each) => Number(each.startTimeMs));
    const ends = recorded.map((each) => Number(each.endTimeMs) || (timeline?.lastMs ?? 0));
    const [fromMs, toMs] = recorded.length > 0 ? [Math.min(...begins), Math.max(...ends)] : [timeline?.firstMs ?? 0, timeline?.lastMs ?? 0];
    return { fromMs, toMs: Math.max(fromMs + 1000, toMs) };
  }

  // -- the clock ---------------------------------------------------------------------------------------------

  play(on: boolean): void {
    const { fromMs, toMs } = this.span.peek();
    if (on && this.position.peek() >= toMs) this.position.value = fromMs;
    this.playing.value = on;
    this.lastMs = performance.now();
    this.tick();
  }

  seek(ms: number): void {
    const { fromMs, toMs } = this.span.peek();
    this.following.value = true;
    this.position.value = Math.max(fromMs, Math.min(toMs, ms));
    this.tick();
  }

  private tick(): void {
    const now = performance.now();
    const passed = now - this.lastMs;
    this.lastMs = now;
    if (!this.timeline.peek()) return;
    if (this.playing.peek()) {
      const { toMs } = this.span.peek();
      this.position.value = Math.min(toMs, this.position.peek() + passed);
      if (this.position.peek() >= toMs) this.playing.value = false;
    }
    const room = this.reviewed;
    if (room && this.following.peek()) this.follow(room);
    if (room) this.draw(room);
  }

  /** This cut is looked at now. */
  review(room: Room | undefined): void {
    this.reviewed = room;
    this.states.value = undefined;
    if (room) room.onRelease = () => (this.following.value = false);
  }

  private follow(room: Room): void {
    const playback = this.moment.peek()?.playback;
    if (!playback) return;
    if (playback.videoId !== room.video.videoId) return void this.goTo(room, playback);
    const { last, rate } = room.player.clock;
    const state = { playing: playback.playing, frame: Number(playback.frame), speed: playback.speed || 1, atMs: Number(playback.atMs) };
    const moment = momentOf(state, this.position.peek(), rate, last);
    room.player.mirror(moment.frame, moment.playing && this.playing.peek(), moment.speed);
  }

  /** Another clip or cut was looked at. */
  private async goTo(room: Room, playback: Playback): Promise<void> {
    this.reviewed = undefined; // asked once
    try {
      const { asset } = await projects.getAsset({ assetId: playback.assetId });
      const cut = asset?.cuts.find((each) => each.videoId === playback.videoId);
      if (asset && cut) return navigate(reviewPath(String(asset.assetId), cut.number, Number(playback.frame), undefined, { replay: this.id }));
      say({ title: t("live.elsewhere") });
    } catch (error) {
      this.broke(error);
    }
    this.reviewed = room;
    this.following.value = false;
  }

  private draw(room: Room): void {
    const { videoId } = room.video;
    if (this.strokes?.videoId !== videoId) {
      const wanted: { videoId: bigint; ready: Strokes | undefined } = (this.strokes = { videoId, ready: undefined });
      const { fromMs, toMs } = this.span.peek();
      Strokes.of(videoId, fromMs, toMs).then(
        (strokes) => (wanted.ready = strokes),
        (error: unknown) => this.broke(error),
      );
    }
    const ready = this.strokes.ready;
    if (!ready) return;
    if (this.states.peek() === undefined) ready.rewind();
    const states = ready.states(this.position.peek());
    if (states) this.states.value = states;
  }
}
