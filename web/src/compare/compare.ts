/** What the open cut is compared with: the state stands in the room as the text of the address, all else follows it. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { media } from "../app/api";
import { View } from "../canvas/view";
import { explain } from "../app/error";
import type { Action } from "../app/keys";
import { VideoState } from "../gen/rushes/media/v1/media_service_pb";
import { t } from "../messages";
import { navigate, reviewPath } from "../app/router";
import { sightOf } from "../review/address";
import { frameOn } from "../review/carry";
import { openPicture } from "../review/open";
import type { Room } from "../review/room";
import { say } from "../ui/toast";
import { comparing, comparisonOf, textOf, within, type Comparison, type Mode } from "./comparison";
import { Other } from "./other";
import { wipeAt } from "./pair";
import { Pairing } from "./pairing";

export class Compare {
  /** Undefined: the cut is looked at alone. */
  readonly now = computed<Comparison | undefined>(() => {
    const found = comparisonOf(this.room.compare.value);
    return found && this.cuts.includes(found.cut) ? found : undefined;
  });
  readonly mode = computed(() => this.now.value?.mode);
  /** Left edge of B's part of a wipe, as a length of CSS. */
  readonly line = computed(() => {
    const { stage, look, picture } = this.room;
    const view = new View(stage.value, picture, look.value);
    return `${wipeAt(view, this.now.value?.wipe ?? 1) * 100}%`;
  });
  readonly other = signal<Other | undefined>(undefined);
  /** Why the other cannot be shown; empty: it can, or will be. */
  readonly problem = signal("");
  /** Frame of B that is shown beside that of A; undefined: B has none. */
  readonly beside = signal<number | undefined>(undefined);
  /** Where B is painted when it is beside A. */
  readonly pane = signal<HTMLCanvasElement | null>(null);
  private readonly pairing = computed(() => {
    const other = this.other.value;
    return other && new Pairing(this.room.player.clock, other.opened.clock, this.offset.value);
  });
  private readonly offset = computed(() => this.now.value?.offset ?? 0);
  private readonly cut = computed(() => this.now.value?.cut);
  private turn = 0;
  private readonly stopAll: () => void;

  constructor(readonly room: Room) {
    this.stopAll = effect(() => {
      const number = this.cut.value;
      untracked(() => void this.open(number));
    });
  }

  close(): void {
    this.stopAll();
    this.turn++;
    this.other.peek()?.close();
    this.other.value = undefined;
  }

  /** Numbers of the cuts that there are beside the open one, the newest first. */
  get cuts(): number[] {
    return this.room.asset.cuts.map(({ number }) => number).filter((number) => number !== this.room.cut.number);
  }

  /** The cut that one compares with unless one says otherwise: the one before, else the one after. */
  get nearest(): number | undefined {
    const { number: here } = this.room.cut;
    return this.cuts.find((number) => number < here) ?? this.cuts.at(-1);
  }

  /** Begins, or goes on with another cut as it is compared now. */
  start(cut: number, mode?: Mode): void {
    const now = this.now.peek();
    this.put(now ? { ...now, cut, ...(mode ? { mode } : {}) } : comparing(cut, mode));
  }

  stop(): void {
    this.room.compare.value = "";
  }

  change(part: Partial<Comparison>): void {
    const now = this.now.peek();
    if (now) this.put({ ...now, ...part });
  }

  private put(comparison: Comparison): void {
    this.room.compare.value = textOf({ ...comparison, offset: within(comparison.offset) });
  }

  /** Opens the other cut, with the same beside each other the other way round. */
  swap(): void {
    const [now, other] = [this.now.peek(), this.other.peek()];
    if (!now || !other) return;
    const { asset, cut, player } = this.room;
    const mode: Mode = now.mode === "a" ? "b" : now.mode === "b" ? "a" : now.mode;
    const compare = textOf({ ...now, cut: cut.number, mode, offset: -now.offset, wipe: now.wipe, sound: now.sound === "a" ? "b" : "a" });
    const { clock } = player;
    const frame = player.frame.peek();
    const same = frameOn(other.opened.clock, { frame, seconds: clock.start(frame) - clock.start(0), rate: clock.rate });
    navigate(reviewPath(String(asset.assetId), now.cut, other.wanted ?? same, "", { ...sightOf(this.room), compare }));
  }

  /** What a key does. With nothing to compare it begins with the cut before. */
  act(action: Action): void {
    const now = this.now.peek();
    const nearest = this.nearest;
    if (!now && nearest === undefined) {
      say({ title: t("compare.oneCut"), detail: t("compare.oneCutDetail") });
      return;
    }
    const show = (mode: Mode): void => (now ? this.change({ mode }) : this.start(nearest ?? 0, mode));
    const run: Partial<Record<Action, () => void>> = {
      "compare.a": () => show("a"),
      "compare.b": () => show("b"),
      "compare.toggle": () => show(now?.mode === "b" ? "a" : "b"),
      "compare.wipe": () => show("wipe"),
      "compare.side": () => show("side"),
      "compare.overlay": () => show("overlay"),
      "compare.difference": () => show("difference"),
      "compare.earlier": () => now && this.change({ offset: now.offset - 1 }),
      "compare.later": () => now && this.change({ offset: now.offset + 1 }),
      "compare.sound": () => now && this.change({ sound: now.sound === "a" ? "b" : "a" }),
      "compare.stop": () => this.stop(),
    };
    run[action]?.();
  }

  private async open(number: number | undefined): Promise<void> {
    const turn = ++this.turn;
    this.other.peek()?.close();
    this.other.value = undefined;
    this.problem.value = "";
    const cut = this.room.asset.cuts.find((each) => each.number === number);
    if (!cut) return;
    try {
      const { video } = await media.getVideo({ videoId: cut.videoId });
      if (turn !== this.turn) return;
      if (video?.state !== VideoState.READY) {
        this.problem.value = t("compare.notReady", { number: cut.number });
        return;
      }
      const opened = await openPicture(video);
      if (turn === this.turn) this.other.value = new Other(this.room, cut.number, opened, this.now, this.pairing);
    } catch (error) {
      if (turn === this.turn) this.problem.value = explain(error);
    }
  }
}
