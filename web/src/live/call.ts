/** Sound and pictures of a live room: one connection to publish on, one with slots that show others. */
import { signal } from "@preact/signals";
import type { Track } from "../gen/rushes/signaling/v1/room_service_pb";
import type { What } from "./outbox";
import { alive } from "./alive";
import { wanted } from "./devices";
import { coding, encodingsOf, preferred } from "./encoding";
import { lookAt, qualityOf, type Look, type Quality } from "./quality";
import { layerFor, priorityOf, type Layer, type View } from "./view";

export const VIDEO_SLOTS = 9;
export const AUDIO_SLOTS = 8;
const RETRY_MS = 1500;
/** What was refused is asked for again after so long: the forwarder may have been busy, or just begun anew. */
export const REFUSED_MS = 4000;
/** So many times in a row. */
export const REFUSALS = 5;
const POOL = 5;
const LOST_MS = 3000;
/** Where there is a way, it is found within a moment; without one for so long, it is said that there is none. */
export const BLOCKED_MS = 10_000;
/** A layer that nobody is shown goes on for a while: tiles come and go. */
const UNUSED_MS = 5000;

interface Wish {
  layer: Layer;
  priority: number;
}

/** Of sound, and of nothing. */
const PLAIN: Wish = { layer: "h", priority: 5 };
const UNTOLD = ` ${PLAIN.layer} ${PLAIN.priority}`;

export interface Devices {
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}

/** What one sends: it goes along from room to room. */
export interface Sending {
  audio?: MediaStreamTrack;
  video?: MediaStreamTrack;
  devices: Devices;
}

export interface CallOptions {
  /** What is sent already, by the call of the room before; undefined: nothing. */
  sending: Sending | undefined;
  /** Gives the description that answers it, empty where there is none; undefined: it was not done. */
  ask: (what: What) => Promise<string | undefined>;
  devices: (devices: Devices) => void;
  failed: (error: unknown) => void;
  /** Nothing arrives: the way to the room may be dead too. */
  doubted: () => void;
  /** STUN and TURN servers that help where there is no direct way. */
  servers: () => Promise<RTCIceServer[]>;
}

export class Call {
  /** What one's own camera or screen shows; undefined: nothing. */
  readonly mine = signal<MediaStreamTrack | undefined>(undefined);
  readonly devices = signal<Devices>({ microphone: false, camera: false, screen: false });
  /** What arrives, by slot. */
  readonly slots = signal<ReadonlyMap<string, MediaStreamTrack>>(new Map());
  /** Which track each slot shows. */
  readonly shown = signal<ReadonlyMap<string, string>>(new Map());
  /** Nothing of others gets through. */
  readonly blocked = signal(false);
  /** What was asked for each slot. */
  private told: ReadonlyMap<string, string> = new Map();
  private publishing: RTCPeerConnection | undefined;
  private showing: RTCPeerConnection | undefined;
  private audio: RTCRtpSender | undefined;
  private video: RTCRtpSender | undefined;
  private readonly retries = { publish: 0, show: 0 };
  private refusals = 0;
  /** Slots are asked for, or shall be once more after that. */
  private opens = false;
  private beginsAgain = false;
  private opening: Promise<void> = Promise.resolve();
  /** Timer of what is said when no connection comes about; 0: none runs. */
  private waiting = 0;
  private unusedMs = performance.now();
  private closed = false;
  /** The last change of what is sent: the next one begins after it. */
  private turn: Promise<unknown> = Promise.resolve();
  /** What is being turned on or off. */
  private readonly changing = new Set<"audio" | "video">();
  private look: Look | undefined;

  /** What was sent in the room before, until it is published here. */
  private kept: Partial<Record<"audio" | "video", MediaStreamTrack | undefined>> = {};

  constructor(private readonly options: CallOptions) {
    const { sending } = options;
    if (!sending) return;
    this.kept = { audio: sending.audio, video: sending.video };
    this.mine.value = sending.video;
    this.devices.value = sending.devices;
    if (sending.devices.screen) this.endsWith(sending.video);
  }

  close(): void {
    this.closed = true;
    for (const timer of [...Object.values(this.retries), this.waiting]) clearTimeout(timer);
    for (const kind of ["audio", "video"] as const) this.sent(kind)?.stop();
    this.publishing?.close();
    this.showing?.close();
  }

  /** What is sent, for the call of another room: this one ends without it. What is not said to be on yet does not go along, nor what just changes. */
  handOver(): Sending {
    const before = this.devices.peek();
    const [sounds, shows] = [!this.changing.has("audio"), !this.changing.has("video")];
    const devices = { microphone: before.microphone && sounds, camera: before.camera && shows, screen: before.screen && shows };
    const audio = devices.microphone ? this.sent("audio") : undefined;
    const video = devices.camera || devices.screen ? this.sent("video") : undefined;
    for (const kind of ["audio", "video"] as const) {
      const track = this.sent(kind);
      if (track !== audio && track !== video) track?.stop();
    }
    this.audio = this.video = undefined;
    this.kept = {};
    return { ...(audio && { audio }), ...(video && { video }), devices };
  }

  private sent(kind: "audio" | "video"): MediaStreamTrack | undefined {
    return (kind === "audio" ? this.audio : this.video)?.track ?? this.kept[kind];
  }

  // -- others ------------------------------------------------------------------------------------------------

  /**
   * Asks for slots. An answer is of the last offer whichever it was made for, so one is answered before another is asked for; who asks
   * meanwhile, however often, is given one more.
   */
  begin(): void {
    if (this.beginsAgain) return;
    this.beginsAgain = true;
    this.opening = this.opening.then(async () => {
      this.beginsAgain = false;
      this.opens = true;
      await this.open().catch((error: unknown) => this.options.failed(error));
      this.opens = false;
    });
  }

  private async open(): Promise<void> {
    if (this.closed) return;
    const offer = await this.options.ask({ case: "subscribe", value: { audioSlots: AUDIO_SLOTS, videoSlots: VIDEO_SLOTS } });
    this.answers("show", offer !== undefined);
    if (offer) await this.offered(offer);
  }

  /** What the forwarder had of one is gone, as after it died. What is made anew already is not made once more. */
  lost(kind: keyof typeof this.retries): void {
    const connection = kind === "show" ? this.showing : this.publishing;
    if (connection?.connectionState === "connected" && !(kind === "show" && (this.opens || this.beginsAgain))) this.anew(kind);
  }

  /** Slots are offered. */
  private async offered(sdp: string): Promise<void> {
    const configuration = await this.configuration();
    if (this.closed) return;
    this.showing?.close();
    clearTimeout(this.retries.show);
    const connection = (this.showing = new RTCPeerConnection(configuration));
    this.shown.value = new Map();
    this.told = new Map();
    const slots = new Map<string, MediaStreamTrack>();
    connection.addEventListener("track", ({ track, transceiver }) => {
      if (transceiver.mid) slots.set(transceiver.mid, track);
      this.slots.value = new Map(slots);
    });
    connection.addEventListener("connectionstatechange", () => this.watch(connection, "show"));
    this.awaitWay();
    await connection.setRemoteDescription({ type: "offer", sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    const done = await this.options.ask({ case: "slotsAnswer", value: connection.localDescription?.sdp ?? "" });
    if (done === undefined && connection === this.showing && connection.connectionState !== "connected") this.answers("show", false);
  }

  /** Says so if a connection does not come about; another that is made anew meanwhile is waited for no longer. */
  private awaitWay(): void {
    if (this.waiting !== 0) return;
    this.waiting = window.setTimeout(() => {
      this.waiting = 0;
      if (!this.closed && this.showing?.connectionState !== "connected") this.blocked.value = true;
    }, BLOCKED_MS);
  }

  /** Shows tracks: sound of all there is room for, pictures of those that are in sight, as large as they are seen. */
  show(tracks: readonly Track[], views: readonly View[]): void {
    if (this.slots.value.size === 0) return;
    const sounds = tracks.filter((track) => track.audio).sort((a, b) => b.level - a.level);
    const pictures = new Map<string, Wish>();
    for (const { who, lines, speaks } of views) {
      const track = lines > 0 ? tracks.find((each) => !each.audio && each.participantId === who) : undefined;
      const layer = layerFor(lines);
      if (track) pictures.set(track.trackId, { layer, priority: priorityOf(layer, speaks) });
    }
    const wanted = new Map<string, string>();
    assign("a", AUDIO_SLOTS, sounds.map((track) => track.trackId), this.shown.peek(), wanted);
    assign("v", VIDEO_SLOTS, [...pictures.keys()], this.shown.peek(), wanted);
    const shows = [...wanted].map(([mid, trackId]) => ({ mid, trackId, ...(pictures.get(trackId) ?? PLAIN) }));
    const told = new Map(shows.map(({ mid, trackId, layer, priority }) => [mid, `${trackId} ${layer} ${priority}`]));
    const changed = shows.filter(({ mid }) => (this.told.get(mid) ?? UNTOLD) !== told.get(mid));
    if (changed.length === 0) return;
    this.told = told;
    const before = this.shown.peek();
    const moved = [...wanted].some(([mid, trackId]) => (before.get(mid) ?? "") !== trackId);
    if (moved) this.shown.value = new Map([...wanted].filter(([, trackId]) => trackId !== ""));
    void this.options.ask({ case: "show", value: { shows: changed } }).then((done) => {
      if (done === undefined) this.told = new Map([...this.told].filter(([mid, wish]) => wish !== told.get(mid) || !changed.some((each) => each.mid === mid)));
    });
  }

  // -- oneself -----------------------------------------------------------------------------------------------

  async microphone(on: boolean): Promise<void> {
    if (!on) return this.put("audio", undefined, { microphone: false });
    if (this.closed) return;
    const stream = await navigator.mediaDevices.getUserMedia(wanted("microphone"));
    await this.put("audio", stream.getAudioTracks()[0], { microphone: true });
  }

  async camera(on: boolean): Promise<void> {
    if (!on) return this.put("video", undefined, { camera: false, screen: false });
    if (this.closed) return;
    const stream = await navigator.mediaDevices.getUserMedia(wanted("camera"));
    await this.put("video", stream.getVideoTracks()[0], { camera: true, screen: false });
  }

  async screen(on: boolean): Promise<void> {
    if (!on) return this.put("video", undefined, { camera: false, screen: false });
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 } }).catch(unlessLeft);
    const track = stream?.getVideoTracks()[0];
    if (!track) return;
    this.endsWith(track);
    await this.put("video", track, { camera: false, screen: true });
  }

  /** The browser has a button of its own that stops showing the screen. */
  private endsWith(screen: MediaStreamTrack | undefined): void {
    screen?.addEventListener("ended", () => void this.put("video", undefined, { screen: false, camera: false }));
  }

  /** Of two changes at once each would publish without what the other turns on. */
  private inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.turn.then(change);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private put(kind: "audio" | "video", track: MediaStreamTrack | undefined, told: Partial<Devices>): Promise<void> {
    return this.inTurn(async () => {
      this.changing.add(kind);
      try {
        await this.exchange(kind, track, told);
      } finally {
        this.changing.delete(kind);
      }
    });
  }

  private async exchange(kind: "audio" | "video", track: MediaStreamTrack | undefined, told: Partial<Devices>): Promise<void> {
    if (this.closed) return track?.stop();
    const sender = kind === "audio" ? this.audio : this.video;
    this.sent(kind)?.stop();
    this.kept[kind] = undefined;
    if (sender) await sender.replaceTrack(track ?? null);
    else if (track) await this.publish(kind, track);
    this.turned(kind, track, told);
  }

  /** It is as was asked for; or one left meanwhile. */
  private turned(kind: "audio" | "video", track: MediaStreamTrack | undefined, told: Partial<Devices>): void {
    if (this.closed) return track?.stop();
    if (kind === "video") this.mine.value = track;
    this.devices.value = { ...this.devices.peek(), ...told };
    this.options.devices(this.devices.peek());
  }

  /** A track that is sent already may belong to the call of another room by the time this one is closed: whoever made one stops it. */
  private async publish(kind: "audio" | "video", track: MediaStreamTrack | undefined): Promise<void> {
    const configuration = await this.configuration();
    if (this.closed) return;
    const earlier = { audio: this.sent("audio"), video: this.sent("video"), [kind]: track };
    this.kept = {};
    this.publishing?.close();
    clearTimeout(this.retries.publish);
    const connection = (this.publishing = new RTCPeerConnection(configuration));
    this.audio = connection.addTransceiver(earlier.audio ?? "audio", { direction: "sendonly" }).sender;
    const video = connection.addTransceiver(earlier.video ?? "video", { direction: "sendonly", sendEncodings: encodingsOf(coding.peek()) });
    const codecs = preferred(RTCRtpSender.getCapabilities("video")?.codecs ?? [], coding.peek());
    if (codecs) video.setCodecPreferences(codecs);
    this.video = video.sender;
    connection.addEventListener("connectionstatechange", () => this.watch(connection, "publish"));
    await connection.setLocalDescription(await connection.createOffer());
    void this.agree(connection).catch((error: unknown) => this.options.failed(error));
  }

  /** Offers what is published; the answer is taken as long as no later connection took the place of this one. */
  private async agree(connection: RTCPeerConnection): Promise<void> {
    const answer = await this.options.ask({ case: "publish", value: { offer: connection.localDescription?.sdp ?? "" } });
    if (this.closed || connection !== this.publishing) return;
    this.answers("publish", answer !== undefined);
    if (answer) await connection.setRemoteDescription({ type: "answer", sdp: answer });
  }

  /** Publishes what came along from another room. What is turned on already publishes itself. */
  join(): Promise<void> {
    return this.inTurn(async () => {
      if (!this.publishing) await this.publishAll();
    });
  }

  /** Publishes what there is anew, as after the forwarder was started again. */
  again(): Promise<void> {
    return this.inTurn(() => this.publishAll());
  }

  private async publishAll(): Promise<void> {
    if (this.closed || (!this.sent("audio") && !this.sent("video"))) return;
    await this.publish("audio", this.sent("audio"));
  }

  /** Layers that nobody is shown are not sent: at once when one is wanted, after a while when it is not. */
  async layers(ofUse: readonly string[]): Promise<void> {
    if (ofUse.length === 0 || !this.video) return;
    const parameters = this.video.getParameters();
    const wanted = (rid: string | undefined): boolean => rid === undefined || ofUse.includes(rid);
    const more = parameters.encodings.some((each) => !each.active && wanted(each.rid));
    const fewer = parameters.encodings.some((each) => each.active && !wanted(each.rid));
    if (more) this.unusedMs = performance.now();
    if (!more && !(fewer && performance.now() - this.unusedMs > UNUSED_MS)) return;
    this.unusedMs = performance.now();
    for (const each of parameters.encodings) each.active = wanted(each.rid);
    await this.video.setParameters(parameters);
  }

  /** Candidates are gathered ahead, so that an answer does not wait for them. */
  private async configuration(): Promise<RTCConfiguration> {
    return { iceServers: await this.options.servers(), iceCandidatePoolSize: POOL, bundlePolicy: "max-bundle" };
  }

  /** How what is shown arrives, since this was last asked; undefined: nothing is shown. */
  async quality(): Promise<Quality | undefined> {
    const connection = this.showing;
    if (connection?.connectionState !== "connected") return undefined;
    const reports: Record<string, unknown>[] = [];
    (await connection.getStats()).forEach((report: Record<string, unknown>) => reports.push(report));
    const now = lookAt(reports);
    const quality = qualityOf(this.look, now);
    this.look = now;
    return quality;
  }

  /** One was cut off from the room: the network may be another one. What nothing arrives on any more is made anew. */
  check(): void {
    this.revive(this.publishing, () => void this.again());
    this.revive(this.showing, () => this.begin());
  }

  private revive(connection: RTCPeerConnection | undefined, anew: () => void): void {
    if (connection?.connectionState !== "connected" && connection?.connectionState !== "disconnected") return;
    void alive(connection)
      .catch(() => false)
      .then((lives) => {
        const current = connection === this.publishing || connection === this.showing;
        if (!lives && current && !this.closed) anew();
      });
  }

  /** A connection was asked for: what was refused is asked for again, but not for ever. */
  private answers(kind: keyof typeof this.retries, done: boolean): void {
    if (done) this.refusals = 0;
    else if (this.refusals++ < REFUSALS) this.later(kind, REFUSED_MS);
  }

  /** Makes a connection anew after a while. */
  private later(kind: keyof typeof this.retries, waitMs: number): void {
    if (this.closed) return;
    clearTimeout(this.retries[kind]);
    this.retries[kind] = window.setTimeout(() => this.anew(kind), waitMs);
  }

  private anew(kind: keyof typeof this.retries): void {
    if (kind === "show") this.begin();
    else void this.again().catch((error: unknown) => this.options.failed(error));
  }

  private watch(connection: RTCPeerConnection, kind: keyof typeof this.retries): void {
    if (this.closed || (connection !== this.publishing && connection !== this.showing)) return;
    const { connectionState } = connection;
    if (connectionState === "connected" && connection === this.showing) this.blocked.value = false;
    if (connectionState === "failed" || connectionState === "closed") {
      this.later(kind, RETRY_MS);
    } else if (connectionState === "disconnected") {
      // As when a network was left for another: the browser itself would take half a minute to give it up. What is asked
      // of the room then may go the same dead way.
      this.options.doubted();
      setTimeout(() => {
        const current = connection === this.publishing || connection === this.showing;
        if (!this.closed && current && connection.connectionState === "disconnected") this.anew(kind);
      }, LOST_MS);
    }
  }
}

/** Gives tracks to slots: a track keeps its slot, others take those that are free. */
export function assign(prefix: string, count: number, wanted: readonly string[], before: ReadonlyMap<string, string>, into: Map<string, string>): void {
  const mids = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const left = new Set(wanted.slice(0, count));
  const free: string[] = [];
  for (const mid of mids) {
    const track = before.get(mid);
    if (track !== undefined && left.delete(track)) into.set(mid, track);
    else free.push(mid);
  }
  for (const mid of free) {
    const [track] = left;
    if (track !== undefined) left.delete(track);
    into.set(mid, track ?? "");
  }
}

/** Who closes the browser's choice of screens wants none: that is no trouble to tell of. */
function unlessLeft(error: unknown): undefined {
  if (error instanceof DOMException && error.name === "NotAllowedError") return undefined;
  throw error;
}
