/** The other side of a comparison, B: its picture, kept in step with the player's, and its notes. */
import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Size } from "../canvas/view";
import { Movie } from "../player/movie";
import type { Sounding } from "../player/player";
import { Scrub } from "../player/scrub";
import { labelOf } from "../player/timecode";
import type { Opened } from "../review/open";
import type { Room } from "../review/room";
import { depend } from "../ui/depend";
import type { Comparison } from "./comparison";
import { OtherNotes } from "./notes";
import { pace, type Pairing } from "./pairing";

/** Jumps take some time, in which the player goes on; it is not taken to be longer than this. */
const LEAD_MOST_S = 2;

export class Other {
  /** On its screen now. */
  readonly frame = signal<number | undefined>(undefined);
  /** Why its picture cannot be shown; empty: it can. */
  readonly problem = signal("");
  readonly screen = signal<HTMLVideoElement | HTMLImageElement | undefined>(undefined);
  readonly notes: OtherNotes;
  readonly picture: Size;
  private movie: Movie | undefined;
  private scrubbing: Scrub | undefined;
  private leadS = 0;
  private jumped = false;
  private stops: (() => void)[] = [];

  constructor(
    private readonly room: Room,
    readonly number: number,
    readonly opened: Opened,
    private readonly comparison: ReadonlySignal<Comparison | undefined>,
    readonly pairing: ReadonlySignal<Pairing | undefined>,
  ) {
    const { video } = opened;
    this.picture = { width: video.width || 16, height: video.height || 9 };
    this.notes = new OtherNotes(video.videoId);
  }

  /** The frame that belongs beside what is on the screen; undefined: there is none. */
  get wanted(): number | undefined {
    return this.pairing.peek()?.frame(this.room.player.frame.peek());
  }

  /** What a frame is called. */
  names(frame: number): { number: string; timecode: string } {
    const { labels } = this.opened;
    return { number: String(frame + labels.offset), timecode: labelOf(labels, frame) };
  }

  /** Shows its frames in this element. */
  attach(element: HTMLVideoElement | HTMLImageElement): void {
    this.detach();
    this.screen.value = element;
    if (element instanceof HTMLImageElement) {
      this.frame.value = 0;
      return;
    }
    this.movie = new Movie(element, this.opened.clock, {
      shown: (frame) => (this.frame.value = frame),
      ended: () => undefined,
      waiting: () => undefined,
      paused: () => undefined,
      buffered: () => undefined,
      failed: (reason) => (this.problem.value = reason || element.currentSrc),
    });
    this.follow(this.movie, element);
  }

  detach(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.movie?.close();
    this.room.player.giveSound(undefined);
    this.scrubbing?.close();
    this.movie = this.scrubbing = undefined;
    this.screen.value = this.frame.value = undefined;
  }

  close(): void {
    this.detach();
    this.notes.close();
  }

  private follow(movie: Movie, element: HTMLVideoElement): void {
    const { player } = this.room;
    const scrubbing = (this.scrubbing = new Scrub(element.currentSrc || element.src, this.opened.clock));
    const sounding: Sounding = {
      at: (place, level) => {
        const beside = this.pairing.peek()?.place(place);
        if (beside === undefined) scrubbing.stop();
        else scrubbing.at(beside, level);
      },
      stop: () => scrubbing.stop(),
    };
    this.stops = [
      effect(() => {
        const heard = this.comparison.value?.sound === "b" && this.opened.video.hasSound;
        movie.volume(player.volume.value, player.muted.value || !heard);
        player.giveSound(heard ? sounding : undefined);
      }),
      // Wherever the player goes, this goes at the same time.
      effect(() => {
        const { frame } = player.sought.value;
        untracked(() => this.goBeside(movie, frame));
      }),
      effect(() => {
        depend(this.pairing);
        untracked(() => (this.forward ? undefined : this.goBeside(movie, player.here)));
      }),
      effect(() => {
        depend(player.playing, player.speed);
        untracked(() => (this.forward ? this.keepUp(movie, element) : movie.pause()));
      }),
      effect(() => {
        depend(player.frame);
        untracked(() => (this.forward ? this.keepUp(movie, element) : undefined));
      }),
    ];
  }

  /** Whether the player plays by itself; backwards it seeks from frame to frame. */
  private get forward(): boolean {
    const { playing, speed } = this.room.player;
    return playing.peek() && speed.peek() > 0;
  }

  /** Goes to the frame that belongs beside one of the player's, or to the nearest there is. */
  private goBeside(movie: Movie, frame: number): void {
    const { clock } = this.opened;
    const { clock: a } = this.room.player;
    const there = this.pairing.peek()?.frame(frame) ?? clock.within(this.pairing.peek()?.time(a.start(frame)) ?? 0);
    if (movie.target === undefined && this.frame.peek() === there && !this.forward) return;
    movie.seek(there);
  }

  /** While both play: neither runs away from the other. */
  private keepUp(movie: Movie, element: HTMLVideoElement): void {
    const { player, screen } = this.room;
    const a = screen.peek();
    const pairing = this.pairing.peek();
    if (!pairing || !(a instanceof HTMLVideoElement) || movie.target !== undefined) return;
    if (this.wanted === undefined) {
      movie.pause();
      return;
    }
    const belongs = pairing.time(a.currentTime);
    const aheadS = element.currentTime - belongs;
    if (this.jumped) this.leadS = Math.max(0, Math.min(LEAD_MOST_S, this.leadS - aheadS));
    this.jumped = false;
    const speed = pace(player.speed.peek(), aheadS);
    if (speed === undefined) {
      this.jumped = true;
      movie.seek(this.opened.clock.within(belongs + this.leadS * player.speed.peek()));
    }
    // Where the browser lets nothing play, the player tells of it: it is asked the same.
    if (element.paused) movie.play(speed ?? player.speed.peek()).catch(() => undefined);
    else if (speed !== undefined && Math.abs(element.playbackRate - speed) > 0.001) element.playbackRate = speed;
  }
}
