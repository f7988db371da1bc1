/**
 * Paints A and B as one picture. Only frames that belong to each other are shown together: while the one is not there yet what
 * was shown stays, as long as that can be borne.
 */
import { contextOf } from "../canvas/layer";
import { densityNow } from "../canvas/painter";
import { EXACT_PAST, View, type Look, type Size } from "../canvas/view";
import type { Comparison } from "./comparison";
import type { Pairing } from "./pairing";
import type { Held, Reel } from "./reel";

type Context = CanvasRenderingContext2D;

/** So long a picture that lags behind holds up the other. */
const PATIENCE_MS = 600;

export interface Half {
  reel: Reel;
  picture: Size;
}

export interface Shown {
  a: Half;
  b: Half;
  pairing: Pairing;
  comparison: Comparison;
  stage: Size;
  look: Look;
  /** What is around the pictures, as the page calls it. */
  background: string;
}

/** What is painted: a frame of each; of B there may be none. */
interface Both {
  a: Held | undefined;
  b: Held | undefined;
}

/** Left edge of B's part of a wipe, as a part of the stage's width. */
export function wipeAt(view: View, wipe: number): number {
  const left = view.centre.x - view.width / 2;
  return Math.max(0, Math.min(1, (left + wipe * view.width) / Math.max(1, view.stage.width)));
}

/** The newest frames that belong together; undefined: none do. */
export function together(a: Reel, b: Reel, pairing: Pairing): Both | undefined {
  for (const held of a.held) {
    const wanted = pairing.frame(held.frame);
    if (wanted === undefined) return { a: held, b: undefined };
    const beside = b.find(wanted);
    if (beside) return { a: held, b: beside };
  }
  return undefined;
}

export class Pair {
  /** Frame of B that is painted beside that of A; undefined: none. */
  beside: number | undefined;
  private painted = false;
  private last = "";
  private waitingSince: number | undefined;

  constructor(
    private readonly main: HTMLCanvasElement,
    private readonly pane: () => HTMLCanvasElement | null,
  ) {}

  /** Paints, or waits. Gives whether it is to be asked again in the next turn. */
  paint(shown: Shown, nowMs: number): boolean {
    const { a, b, pairing } = shown;
    const found = together(a.reel, b.reel, pairing);
    const newest = a.reel.held[0];
    const waits = newest !== undefined && found?.a !== newest;
    this.waitingSince = waits ? (this.waitingSince ?? nowMs) : undefined;
    const late = this.waitingSince !== undefined && nowMs - this.waitingSince > PATIENCE_MS;
    const both = late || (!found && !this.painted) ? { a: newest, b: b.reel.held[0] } : found;
    if (both) {
      this.main.setAttribute("data-late", String(both !== found));
      this.show(shown, both);
    }
    return waits && !late;
  }

  private show(shown: Shown, both: Both): void {
    const { comparison, stage, look, background } = shown;
    const frames = `${both.a?.frame ?? ""}:${both.b?.frame ?? ""}`;
    const all = JSON.stringify([frames, comparison, stage, look, background, densityNow(), this.pane() !== null]);
    if (all === this.last) return;
    this.last = all;
    this.compose(shown, both);
    this.beside = both.b?.frame;
    this.main.setAttribute("data-frames", frames);
    this.painted = both.a !== undefined;
  }

  private compose({ a, b, comparison, stage, look }: Shown, both: Both): void {
    const { mode, opacity, wipe } = comparison;
    const [first, second] = [new View(stage, a.picture, look), new View(stage, b.picture, look)];
    const main = begin(this.main, stage);
    if (mode === "b") return put(main, second, both.b);
    put(main, first, both.a);
    if (mode === "side") {
      const pane = this.pane();
      if (pane) put(begin(pane, stage), second, both.b);
    } else if (mode === "wipe") {
      const from = wipeAt(first, wipe) * stage.width;
      main.beginPath();
      main.rect(from, 0, stage.width - from, stage.height);
      main.clip();
      around(main, stage);
      put(main, second, both.b);
    } else if (mode !== "a" && both.b) {
      if (mode === "overlay") main.globalAlpha = opacity;
      else main.globalCompositeOperation = "difference";
      put(main, second, both.b);
    }
  }
}

/** As empty as the stage, in pixels of the page. */
function begin(canvas: HTMLCanvasElement, { width, height }: Size): Context {
  const density = densityNow();
  const size = { width: Math.round(width * density), height: Math.round(height * density) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = contextOf(canvas);
  context.reset();
  context.scale(density, density);
  around(context, { width, height });
  return context;
}

/** What is around the pictures covers what was there. */
function around(context: Context, { width, height }: Size): void {
  const stage = context.canvas.parentElement;
  context.fillStyle = stage ? getComputedStyle(stage).backgroundColor : "#000";
  context.fillRect(0, 0, width, height);
}

/** A picture where it belongs; black, where there is none to be shown. */
function put(context: Context, view: View, held: Held | undefined): void {
  const { centre, width, height } = view;
  const place = [centre.x - width / 2, centre.y - height / 2, width, height] as const;
  context.imageSmoothingEnabled = view.magnification(densityNow()) <= EXACT_PAST;
  context.fillStyle = "#000";
  if (held) context.drawImage(held.image, ...place);
  else context.fillRect(...place);
}
