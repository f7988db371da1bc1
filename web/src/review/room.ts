/** What the parts of the review page share: one cut of an asset, its player and session, who is followed, what is selected. */
import { computed, effect, signal, untracked, type Signal } from "@preact/signals";
import type { Hand } from "../canvas/hand";
import { Sheet } from "../canvas/sheet";
import { lookFor, seenAt, type Lent } from "../canvas/seen";
import { audience, tool } from "../canvas/tools";
import { FIT, type Look, type Point, type Size } from "../canvas/view";
import { Audience, compareDrawingOrder, Permission, type Annotation, type AnnotationState, type Id, type Operation, type View } from "../document";
import type { Video } from "../gen/rushes/media/v1/media_service_pb";
import type { Asset, Cut } from "../gen/rushes/project/v1/project_service_pb";
import { t } from "../messages";
import { EVERYTHING, type Filter } from "../notes/board";
import { Player } from "../player/player";
import type { Labels } from "../player/timecode";
import { Scale } from "../player/timeline_scale";
import type { WaveformSource } from "../player/waveform_source";
import { labelOf } from "../player/timecode";
import type { Doing, Other } from "../session/presence";
import { makeId, type Session } from "../session/session";
import { depend } from "../ui/depend";
import { say } from "../ui/toast";

export interface Source {
  /** Where what is shown comes from. */
  path: string;
  /** It is a picture, not a movie. */
  still: boolean;
}

export interface FilmstripSource {
  path: string;
  columns: number;
  tiles: number;
  framesPerTile: number;
  width: number;
  height: number;
}

export interface RoomFacts {
  asset: Asset;
  cut: Cut;
  video: Video;
  source: Source;
  filmstrip: FilmstripSource | undefined;
  waveform: WaveformSource | undefined;
  labels: Labels;
  player: Player;
  session: Session;
  personId: string;
}

export interface TextEntry {
  /** The annotation that is edited; undefined: a new one. */
  id: Id | undefined;
  at: Point;
  size: Point;
}

/** So many dragged drawings are shown to others, at most. */
const MOST_MOVING = 64;

interface Lingering {
  shown: Annotation;
  created: Id;
}

export class Room {
  readonly asset: Asset;
  readonly cut: Cut;
  readonly video: Video;
  readonly source: Source;
  readonly filmstrip: FilmstripSource | undefined;
  readonly waveform: WaveformSource | undefined;
  readonly labels: Labels;
  readonly player: Player;
  readonly session: Session;
  readonly personId: string;
  readonly picture: Size;
  readonly look = signal<Look>(FIT);
  /** The part of the timeline that is in sight. */
  readonly scale: Signal<Scale>;
  /** The drawings that are selected. */
  readonly selected = signal<ReadonlySet<Id>>(new Set());
  /** What is drawn on the frame that is looked at. */
  readonly sheet = new Sheet();
  /** What the picture is shown in. */
  readonly screen = signal<HTMLVideoElement | HTMLImageElement | undefined>(undefined);
  /** The stage's size in pixels. */
  readonly stage = signal<Size>({ width: 0, height: 0 });
  readonly entry = signal<TextEntry | undefined>(undefined);
  /** The text being typed, to be shown to others. */
  readonly draft = signal<Annotation | undefined>(undefined);
  /** Client that is followed; empty: nobody. */
  readonly following = signal<Id>("");
  /** The note that is shown as the present one. */
  readonly note = signal<Id>("");
  /** Grows when the comment field is asked for. */
  readonly askComment = signal(0);
  /** How often it has been given the focus for it. */
  askedComment = 0;
  readonly panel = signal(true);
  /** What the panel shows. */
  readonly side = signal<"notes" | "history" | "snapshots">("notes");
  /** People who look on in the live room, and do no more: where they point is not shown. */
  readonly lookers = signal<ReadonlySet<string>>(new Set());
  /** Which notes are shown. */
  readonly filter = signal<Filter>(EVERYTHING);
  /** What the cut is compared with, as its part of the page writes it; empty: nothing. */
  readonly compare = signal("");
  /** Whom what is made is for. */
  readonly audience = computed(() => (this.session.seesInternal.value ? audience.value : Audience.CLIENT));
  readonly followed = computed(() => this.session.others.value.find((other) => other.clientId === this.following.value));
  hand: Hand | undefined;
  cursor: Point | undefined;
  private awaited: { frame: number; ids: readonly Id[] } | undefined;
  private lingering: Lingering[] = [];
  private lent: Lent | undefined;
  private readonly stops: (() => void)[] = [];

  constructor(facts: RoomFacts) {
    ({ asset: this.asset, cut: this.cut, video: this.video, source: this.source, filmstrip: this.filmstrip } = facts);
    this.waveform = facts.waveform;
    ({ labels: this.labels, player: this.player, session: this.session, personId: this.personId } = facts);
    this.picture = { width: facts.video.width || 16, height: facts.video.height || 9 };
    this.scale = signal(new Scale(facts.player.clock.count, 0));
    this.session.presenceFrom(() => this.doing());
    const { player, session } = this;
    this.stops.push(
      effect(() => {
        // Whatever of this changes, others are told.
        depend(player.frame, player.playing, player.speed, tool, this.audience, this.following, this.draft, session.pending);
        session.touch();
      }),
      effect(() => this.mirror(this.followed.value, session.others.value)),
      effect(() => {
        const frame = player.frame.value;
        const inHand = tool.value;
        if (this.awaited?.frame === frame) {
          this.selected.value = new Set(this.awaited.ids);
          this.awaited = undefined;
          return;
        }
        const held = untracked(() => this.selected.value);
        const kept = inHand === "select" ? [...held].filter((id) => this.shows(id)) : [];
        if (kept.length < held.size) this.selected.value = new Set(kept);
      }),
    );
  }

  /** Ends. */
  async close(): Promise<void> {
    for (const stop of this.stops) stop();
    this.waveform?.close();
    this.player.detach();
    await this.session.stop();
  }

  // -- notes -------------------------------------------------------------------------------------------------

  get(id: Id): Annotation | undefined {
    return this.session.client.screen.get(id)?.annotation;
  }

  onFrame(annotation: Annotation, frame = this.player.frame.peek()): boolean {
    return !annotation.deleted && annotation.firstFrame <= frame && frame <= annotation.lastFrame;
  }

  /** Selects drawings once their frame is on the screen. */
  selectWhenShown(frame: number, ids: readonly Id[]): void {
    this.awaited = { frame, ids };
  }

  private shows(id: Id): boolean {
    const annotation = this.get(id);
    return annotation !== undefined && this.onFrame(annotation);
  }

  /** The selected drawings that may be changed, in drawing order. */
  get chosen(): Annotation[] {
    const states = [...this.selected.value].map((id) => this.session.client.screen.get(id));
    return states
      .filter((state) => state !== undefined && this.onFrame(state.annotation) && this.mayChange(state.annotation))
      .sort((a, b) => compareDrawingOrder(a as AnnotationState, b as AnnotationState))
      .map((state) => (state as AnnotationState).annotation);
  }

  has(permission: Permission): boolean {
    return ((this.session.permissions.value >>> permission) & 1) === 1;
  }

  /** Whether one may change it: one's own, and that of others who may edit those. */
  mayChange(annotation: Annotation): boolean {
    if (!this.session.writable.value) return false;
    return annotation.authorId === this.personId || annotation.authorId === "" || this.has(Permission.EDIT_OTHERS);
  }

  /** What a frame is called: number and timecode. */
  names(frame: number): { number: string; timecode: string } {
    return { number: String(frame + this.labels.offset), timecode: labelOf(this.labels, frame) };
  }

  /** Does what the hand made; it stays shown to others as it was drawn until they have it. */
  made(operations: readonly Operation[], shown: Annotation | undefined): void {
    if (operations.length === 0 || !this.session.submit(operations)) return;
    for (const operation of operations) {
      if (operation.kind !== "create") continue;
      this.lingering.push({ shown: { ...(shown ?? operation.annotation), id: makeId() }, created: operation.annotation.id });
    }
    this.lingering = this.lingering.slice(-6);
  }

  /** How the picture is looked at now, as a note keeps it. */
  get seen(): View | undefined {
    return seenAt(this.look.peek());
  }

  /** Goes to a note: its frame, looked at as its writer did. */
  goTo(annotation: Annotation): void {
    this.note.value = annotation.parentId || annotation.id;
    const seen = annotation.view ?? this.get(annotation.parentId)?.view;
    const { look, lent } = lookFor(seen, this.look.peek(), this.lent);
    this.lent = lent;
    this.look.value = look;
    this.player.seek(annotation.firstFrame);
  }

  // -- the others --------------------------------------------------------------------------------------------

  /** Goes where somebody goes, until one does something oneself. */
  follow(clientId: Id): void {
    this.following.value = this.following.value === clientId ? "" : clientId;
  }

  /** What else is to know when one does something oneself. */
  onRelease: () => void = () => undefined;

  /** One does something oneself. */
  release(): void {
    this.onRelease();
    if (this.following.value) this.following.value = "";
  }

  private mirror(other: Other | undefined, others: readonly Other[]): void {
    if (!this.following.value) return;
    if (other) {
      this.player.mirror(other.frame, other.playing, other.speed);
    } else if (others.length > 0 || this.session.link.peek().kind === "open") {
      this.following.value = "";
      say({ title: t("people.left") });
    }
  }

  private doing(): Doing {
    const { player, session, hand } = this;
    this.lingering = this.lingering.filter(({ created }) => session.client.screen.isPending(created));
    const live = [hand?.shown(), this.draft.peek(), ...this.lingering.map(({ shown }) => shown)];
    const dragged = hand?.dragged() ?? [];
    return {
      frame: player.frame.peek(),
      playing: player.playing.peek(),
      speed: player.speed.peek(),
      cursor: this.cursor,
      tool: tool.peek(),
      audience: this.audience.peek(),
      following: this.following.peek(),
      transient: live.filter((each): each is Annotation => each !== undefined).slice(0, 8),
      laser: hand?.laser(performance.now()) ?? [],
      // Of a larger group the others see the rest move when it is let go.
      moving: dragged.slice(0, MOST_MOVING),
    };
  }
}
