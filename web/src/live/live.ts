/** A live room as this page is in it: people, presenter, playback, chat, and who is seen. */
import { create } from "@bufbuild/protobuf";
import { computed, effect, signal, untracked } from "@preact/signals";
import { projects } from "../app/api";
import { explain } from "../app/error";
import { navigate, reviewPath, route } from "../app/router";
import {
  ParticipantKind,
  ParticipantState,
  PresenterSchema,
  RoomRole,
  RoomSchema,
  type Breakouts,
  type Event,
  type Participant,
  type Playback,
  type Room as LiveRoom,
  type RoomSettings,
  type SignalOpened,
  type SignalResponse,
  type Track,
  type Tracks,
} from "../gen/rushes/signaling/v1/room_service_pb";
import { tool } from "../canvas/tools";
import { reasonOf } from "../document/wire";
import { said, t } from "../messages";
import type { Room } from "../review/room";
import type { Ended } from "../session/socket";
import { say } from "../ui/toast";
import { backTo, decidedBefore, keepDecided, wayOf } from "./breakouts";
import { Call } from "./call";
import { Coming } from "./coming";
import { IceServers } from "./ice";
import { differs, momentOf, placeOf, ServerClock, type Playing } from "./follow";
import type { LiveOptions } from "./options";
import { inOrder } from "./order";
import { keepPlace, leavePlace } from "./place";
import { withPoll, withVote, type Polls } from "./polls";
import type { Quality } from "./quality";
import { Turns } from "./turn";
import { Sights, watchSight, type View } from "./view";
import { SignalLink, type LinkState } from "./link";
import type { What } from "./outbox";
import { liveRoom } from "./state";

const TICK_MS = 200;
const MARK_MS = 1000;
const REACTION_MS = 4000;
const LOOK_MS = 2000;
const LINE_MS = 20_000;

export interface Shown {
  participant: string;
  emoji: string;
  id: number;
}

export class Live {
  readonly id: string;
  readonly breakouts = signal<Breakouts | undefined>(undefined);
  readonly state = signal<LinkState>("connecting");
  readonly why = signal<Ended | undefined>(undefined);
  readonly me = signal("");
  readonly room = signal<LiveRoom | undefined>(undefined);
  readonly people = signal<ReadonlyMap<string, Participant>>(new Map());
  readonly presenter = signal(create(PresenterSchema));
  readonly chats = signal<readonly Event[]>([]);
  readonly unread = signal(0);
  readonly polls = signal<Polls>(new Map());
  readonly tracks = signal<readonly Track[]>([]);
  readonly reactions = signal<readonly Shown[]>([]);
  /** Whether what is said and shown is recorded. */
  readonly recorded = signal(false);
  /** Whether one's player does as the presenter's. */
  readonly following = signal(true);
  /** Who speaks, or spoke last: another has to be louder for a while; empty: nobody did. */
  readonly speaker = signal("");
  readonly tripMs = signal<number | undefined>(undefined);
  readonly quality = signal<Quality | undefined>(undefined);
  /** Frames between what one's player shows and what it should; undefined: nobody is followed. */
  readonly drift = signal<number | undefined>(undefined);
  readonly myself = computed(() => this.people.value.get(this.me.value));
  readonly joined = computed(() => this.myself.value?.state === ParticipantState.JOINED);
  readonly presenting = computed(() => this.joined.value && this.presenter.value.participantId === this.me.value);
  /** Monitors that watch: they have no tiles. */
  readonly monitors = computed(() => [...this.people.value.values()].filter((each) => each.kind === ParticipantKind.MONITOR));
  /** Those who are shown. */
  readonly here = computed(() => inOrder(this.people.value.values(), this.me.value, this.presenter.value.participantId));
  readonly call: Call;
  private readonly link: SignalLink;
  private readonly clock = new ServerClock();
  private playback: Playback | undefined;
  private told: Playing | undefined;
  private marked = { revision: 0, atMs: 0 };
  private reviewed: Room | undefined;
  private ticker = 0;
  private asked = false;
  /** One is somebody else than before: what was published was the other's. */
  private renewed = false;
  private readonly coming: Coming;
  /** Somebody is being told of the playback. */
  private telling = false;
  private stood = { shown: false, publishes: false };
  private readonly turns = new Turns();
  private count = 0;
  /** What one may do here, as one was told last. */
  private role: RoomRole | undefined;
  readonly sights = new Sights();
  private readonly stops: (() => void)[] = [];

  constructor(private readonly options: LiveOptions) {
    const { project, room: id, place, sending } = options;
    this.id = id;
    this.link = new SignalLink({
      project,
      room: id,
      participant: place?.participant ?? "",
      heard: (response) => this.heard(response),
      state: (state, why) => this.moved(state, why),
      pong: (asked, server) => {
        this.clock.add(asked, performance.now(), server);
        this.tripMs.value = this.clock.tripMs;
      },
    });
    this.coming = new Coming(place);
    const helpers = new IceServers(project);
    this.call = new Call({
      sending,
      servers: () => helpers.get(),
      ask: (what) => this.answerTo(what),
      devices: (devices) => void this.ask({ case: "devices", value: devices }),
      failed: (error) => say({ title: t("live.failed"), detail: explain(error), look: "bad" }),
      doubted: () => this.link.doubt(),
    });
    this.stops.push(
      effect(() => {
        if (this.me.value) keepPlace({ room: id, participant: this.me.value, parent: this.parent, ...this.coming.with(this.call.devices.value) });
      }),
    );
    this.stops.push(effect(() => this.call.show(this.others(this.tracks.value), this.views.value)), watchSight());
  }

  start(): void {
    this.link.start();
    this.ticker = window.setInterval(() => this.tick(), TICK_MS);
    const looker = window.setInterval(() => void this.call.quality().then((quality) => (this.quality.value = quality)), LOOK_MS);
    this.stops.push(() => clearInterval(looker));
    // Nobody goes on being seen and heard from a page that does not show it.
    this.stops.push(
      effect(() => {
        if (route.value.name !== "review") untracked(() => this.stop());
      }),
    );
  }

  /** Out of the room its roles narrow nothing on the page, and nobody is followed. */
  private widen(): void {
    if (!this.reviewed) return;
    this.reviewed.player.keepAlone();
    this.reviewed.session.narrowed.value = "";
    this.reviewed.lookers.value = new Set();
  }

  /** Leaves. */
  stop(): void {
    this.widen();
    clearInterval(this.ticker);
    for (const stop of this.stops.splice(0)) stop();
    this.call.close();
    this.link.stop();
    this.state.value = "over";
    leavePlace();
    if (liveRoom.peek() === this.id) liveRoom.value = "";
  }

  /** Tries again at once to come back. */
  hurry(): void {
    this.link.hurry();
  }

  /** Asks the room for something; what cannot be done is said. */
  async ask(what: What): Promise<boolean> {
    return (await this.answerTo(what)) !== undefined;
  }

  /** The same; gives the description that answers it, undefined: it was not done. */
  private async answerTo(what: What): Promise<string | undefined> {
    const { done, description } = await this.link.ask(what);
    if (done.error && this.state.peek() !== "over") say({ title: t("live.refused"), detail: said(reasonOf(done.error), done.error.message), look: "bad" });
    return done.error ? undefined : description;
  }

  private moved(state: LinkState, why: Ended | undefined): void {
    const back = state === "over" ? backTo(why?.reason ?? "", this.parent) : "";
    if (back !== "") return this.visit(back);
    if (state === "open") this.call.check();
    this.state.value = state;
    this.why.value = why;
    // Where the others are is not known meanwhile.
    if (state !== "open") this.reviewed?.player.keepAlone();
    if (state === "over") {
      this.widen();
      clearInterval(this.ticker);
      leavePlace();
      this.call.close();
    }
  }

  // -- what the room says ------------------------------------------------------------------------------------

  private heard({ what }: SignalResponse): void {
    if (what.case === "opened") this.opened(what.value);
    else if (what.case === "event") this.happened(what.value);
    else if (what.case === "tracks") this.stands(what.value);
  }

  /** How tracks and one's own connections are. What was there and is not any more, as after the forwarder died, is made anew. */
  private stands(now: Tracks): void {
    if (this.stood.shown && !now.isShown) this.call.lost("show");
    if (this.stood.publishes && !now.publishes) this.call.lost("publish");
    this.stood = { shown: now.isShown, publishes: now.publishes };
    this.tracks.value = now.tracks;
    this.speaker.value = this.turns.heard(this.others(now.tracks), performance.now());
    const mine = now.tracks.find((track) => !track.audio && track.participantId === this.me.peek());
    // A browser that does not stop a layer sends it: nothing is lost but its work.
    if (mine) void this.call.layers(mine.layersOfUse).catch(() => undefined);
  }

  private broke(error: unknown): void {
    say({ title: t("live.failed"), detail: explain(error), look: "bad" });
  }

  private opened(opened: SignalOpened): void {
    const before = this.me.peek();
    this.me.value = opened.participantId;
    this.room.value = opened.room;
    this.people.value = new Map(opened.participants.map((each) => [each.participantId, each]));
    if (opened.presenter) this.presenter.value = opened.presenter;
    this.chats.value = opened.chats;
    this.polls.value = new Map(opened.polls.map((state) => [state.poll?.pollId ?? "", state]));
    this.playback = opened.playback;
    this.recorded.value = (opened.recording?.recordingId ?? "") !== "";
    this.breakouts.value = opened.breakouts;
    if (before !== opened.participantId) {
      this.asked = false;
      this.renewed = before !== "";
    }
    if (this.belongs()) return;
    this.enter();
    this.narrow();
  }

  /** Once one is in, slots are asked for. */
  private enter(): void {
    if (!this.joined.peek() || this.asked) return;
    this.asked = true;
    this.call.begin();
    const devices = this.call.devices.peek();
    // Whoever comes back may be taken to have on what is not.
    if ((this.options.place && this.coming.over) || devices.microphone || devices.camera || devices.screen) void this.ask({ case: "devices", value: devices });
    void (this.renewed ? this.call.again() : this.call.join()).catch((error: unknown) => this.broke(error));
    void this.coming.turnOn((kind) => this.call[kind](true).catch((error: unknown) => this.broke(error)));
  }

  private happened(event: Event): void {
    const { what } = event;
    if (what.case === "participant") this.changed(what.value);
    else if (what.case === "presenter") this.presents(what.value.participantId, what.value);
    else if (what.case === "playback") this.playback = what.value;
    else if (what.case === "recording") this.records(what.value.recordingId !== "");
    else if (what.case === "poll") this.polls.value = withPoll(this.polls.peek(), what.value);
    else if (what.case === "vote") this.polls.value = withVote(this.polls.peek(), what.value);
    else if (what.case === "settings") this.set(what.value);
    else if (what.case === "breakouts") this.regrouped(what.value);
    else if (what.case === "chat") {
      this.chats.value = [...this.chats.peek(), event].slice(-1000);
      if (what.value.participantId !== this.me.peek()) this.unread.value++;
    } else if (what.case === "reaction") this.reacted(what.value.participantId, what.value.emoji);
  }

  private set({ title, capacity, waitingRoom, startTimeMs }: RoomSettings): void {
    const room = this.room.peek();
    if (room) this.room.value = create(RoomSchema, { ...room, title, capacity, waitingRoom, startTimeMs });
  }

  /** The room is split, or split otherwise: what is said to all is heard wherever one is. */
  private regrouped(now: Breakouts): void {
    const before = this.breakouts.peek();
    const heard = before?.splitId === now.splitId ? (before.lines.at(-1)?.number ?? 0) : 0;
    this.breakouts.value = now;
    for (const line of now.lines) if (line.number > heard) say({ title: t("breakout.said", { name: line.name }), detail: line.text, stayMs: LINE_MS });
    this.belongs();
  }

  /** Whether one goes elsewhere, as one belongs there. */
  private belongs(): boolean {
    const [split, me] = [this.breakouts.peek(), this.myself.peek()];
    if (!split || !me || !this.joined.peek()) return false;
    const { to, decided } = wayOf(split, this.id, me.personId, decidedBefore());
    keepDecided(decided);
    if (to !== "") this.visit(to);
    return to !== "";
  }

  /** What goes along into another room: what is on, or is still to be turned on. */
  goAlong(room: string): Pick<LiveOptions, "place" | "sending"> {
    return { place: this.coming.goAlong(room), sending: this.call.handOver() };
  }

  /** Goes to the room itself, or to one of its breakouts, with whatever is on. */
  visit(to: string): void {
    const room = this.breakouts.peek()?.rooms.find((each) => each.roomId === to);
    say({ title: room ? t("breakout.goes", { title: room.title }) : t("breakout.back") });
    this.options.go(to, room?.assetId ?? 0n);
  }

  /** The room of all: this one, or the one that it is a breakout of. */
  get main(): string {
    return this.parent || this.id;
  }

  private get parent(): string {
    return this.room.value?.parentRoomId ?? this.options.parent;
  }

  /** Server time now. */
  get nowMs(): number {
    return this.clock.at(performance.now());
  }

  /** What one's role, and those of others, let the review page do. */
  private narrow(): void {
    const room = this.reviewed;
    if (!room) return;
    const role = this.joined.peek() ? this.myself.peek()?.role : undefined;
    const narrowed = role === RoomRole.LASER ? "laser" : role === RoomRole.VIEW ? "view" : "";
    const lookers = [...this.people.peek().values()].filter((each) => each.role === RoomRole.VIEW);
    room.lookers.value = new Set(lookers.map((each) => each.personId));
    room.session.narrowed.value = narrowed;
    if (narrowed !== "" && !(narrowed === "laser" && tool.peek() === "laser")) tool.value = "select";
    if (this.role !== undefined && role !== undefined && role !== this.role) say({ title: t("role.now") });
    this.role = role;
  }

  private changed(participant: Participant): void {
    const people = new Map(this.people.peek());
    const gone = participant.state === ParticipantState.LEFT || participant.state === ParticipantState.REMOVED;
    if (gone) people.delete(participant.participantId);
    else people.set(participant.participantId, participant);
    this.people.value = people;
    const mine = participant.participantId === this.me.peek();
    if (mine && this.belongs()) return;
    if (mine) this.enter();
    this.narrow();
  }

  private presents(who: string, now: typeof this.presenter.value): void {
    const before = this.presenter.peek().participantId;
    this.presenter.value = now;
    if (who === before) return;
    this.following.value = true;
    this.told = undefined;
    if (who === this.me.peek()) say({ title: t("live.youPresent") });
    else if (who) say({ title: t("live.presents", { name: this.people.peek().get(who)?.name ?? "" }) });
  }

  /** Nobody is recorded without being told. */
  private records(on: boolean): void {
    if (on !== this.recorded.peek()) say({ title: t(on ? "live.recordBegan" : "live.recordEnded") });
    this.recorded.value = on;
  }

  private reacted(participant: string, emoji: string): void {
    const id = ++this.count;
    this.reactions.value = [...this.reactions.peek(), { participant, emoji, id }].slice(-12);
    setTimeout(() => (this.reactions.value = this.reactions.peek().filter((each) => each.id !== id)), REACTION_MS);
  }

  private others(tracks: readonly Track[]): Track[] {
    return tracks.filter((track) => track.participantId !== this.me.value);
  }

  /** Whose pictures there are, and how large they are seen: hidden tiles and pages are sent none. */
  private readonly views = computed((): View[] => {
    const pictures = new Set(this.tracks.value.filter((track) => !track.audio && track.layers.length > 0).map((track) => track.participantId));
    const seen = this.here.value.filter((each) => each.participantId !== this.me.value && pictures.has(each.participantId) && (each.camera || each.screen));
    return this.sights.of(seen.map((each) => each.participantId), this.speaker.value);
  });

  /** What arrives of somebody's pictures. */
  pictureOf(participant: string): MediaStreamTrack | undefined {
    const track = this.tracks.value.find((each) => !each.audio && each.participantId === participant);
    if (!track) return undefined;
    for (const [mid, shown] of this.call.shown.value) if (shown === track.trackId) return this.call.slots.value.get(mid);
    return undefined;
  }

  /** How loud somebody is, 0 to 1. */
  levelOf(participant: string): number {
    const track = this.tracks.value.find((each) => each.audio && each.participantId === participant);
    return track ? Math.max(0, (track.level - 50) / 60) : 0;
  }

  // -- playback ----------------------------------------------------------------------------------------------

  /** The review page shows this cut now. */
  review(room: Room | undefined): void {
    this.reviewed = room;
    this.told = undefined;
    this.marked = { revision: 0, atMs: 0 };
    if (room) room.onRelease = () => this.release();
    this.narrow();
  }

  /** One does something oneself: the presenter is followed again when asked for. */
  private release(): void {
    if (!this.presenting.peek() && this.presenter.peek().participantId && this.joined.peek()) {
      this.following.value = false;
      this.reviewed?.player.keepAlone();
    }
  }

  private tick(): void {
    const room = this.reviewed;
    if (!room || !this.joined.peek() || this.state.peek() !== "open") return;
    const nowMs = this.clock.at(performance.now());
    if (this.presenting.peek() || !this.following.peek()) this.drift.value = undefined;
    if (this.presenting.peek()) {
      this.tell(room, nowMs);
      this.mark(room, nowMs);
    }
    else if (this.following.peek() && this.presenter.peek().participantId) this.follow(room, nowMs);
    else room.player.keepAlone();
  }

  private tell(room: Room, nowMs: number): void {
    const { player } = room;
    const { last, rate } = player.clock;
    const now = { frame: player.playing.peek() ? player.frame.peek() : player.here, playing: player.playing.peek(), speed: player.speed.peek() };
    if (this.telling || (this.told && !differs(this.told, now, nowMs, rate, last))) {
      // One's own player starts when it can, and stops for data: it comes back to what was told of it, as all others do.
      const place = this.told && placeOf(this.told, nowMs, rate);
      if (place !== undefined) player.keepWith(place);
      return;
    }
    // Forwards it is known how far into its frame it is.
    const into = now.playing && now.speed > 0 ? Math.max(0, Math.min(1, player.place - now.frame)) : 0;
    this.told = { ...now, atMs: Math.round(nowMs - (into / rate / now.speed) * 1000) };
    this.telling = true;
    const value = { videoId: room.video.videoId, assetId: room.asset.assetId, playing: now.playing, frame: BigInt(now.frame), speed: now.speed, atMs: BigInt(this.told.atMs) };
    void this.ask({ case: "playback", value }).then(() => (this.telling = false));
  }

  /** How far the notes have come of what all look at: the record of the room has it beside what else happened. */
  private mark(room: Room, nowMs: number): void {
    const { videoId } = room.video;
    const { revision } = room.session.client.confirmed;
    if (this.playback?.videoId !== videoId || revision === 0 || revision === this.marked.revision || nowMs - this.marked.atMs < MARK_MS) return;
    this.marked = { revision, atMs: nowMs };
    void this.link.ask({ case: "mark", value: { videoId, revision: BigInt(revision) } });
  }

  private follow(room: Room, nowMs: number): void {
    const { playback } = this;
    if (!playback) return;
    if (playback.videoId !== room.video.videoId) return void this.goTo(room, playback);
    const { last, rate } = room.player.clock;
    const state = { playing: playback.playing, frame: Number(playback.frame), speed: playback.speed || 1, atMs: Number(playback.atMs) };
    const moment = momentOf(state, nowMs, rate, last);
    this.drift.value = room.player.frame.peek() - moment.frame;
    room.player.mirror(moment.frame, moment.playing, moment.speed, placeOf(state, nowMs, rate));
  }

  /** The presenter looks at another clip or cut. */
  private async goTo(room: Room, playback: Playback): Promise<void> {
    this.reviewed = undefined; // asked once
    try {
      const { asset } = await projects.getAsset({ assetId: playback.assetId });
      const cut = asset?.cuts.find((each) => each.videoId === playback.videoId);
      if (asset && cut) return navigate(reviewPath(String(asset.assetId), cut.number, Number(playback.frame), undefined, { live: this.id }));
      say({ title: t("live.elsewhere") });
    } catch (error) {
      this.broke(error);
    }
    this.reviewed = room;
    this.following.value = false;
  }
}
