/**
 * Paints A and B as one picture. Only frames that belong to each other are shown together: while the one is not there yet what
 * was shown stays, as long as that can be borne.
 */
import { contextOf } from "../canvas/layer";
import { densityNow } from "../canvas/painter";
import { EXACT_PAST, View, type Look, type Size } from "../canvas/view";
import type { Comparison } from "./comparison";

type Context = CanvasRenderingContext2D;
type Screen = HTMLVideoElement | HTMLImageElement;

/** So long a picture that lags behind holds up the other. */
const PATIENCE_MS = 600;

export interface Half {
  screen: Screen | undefined;
  picture: Size;
  /** The frame on its screen; undefined: none. */
  frame: number | undefined;
}

export interface Shown {
  a: Half;
  b: Half;
  /** The frame of B that belongs to that of A; undefined: B has none. */
  wanted: number | undefined;
  comparison: Comparison;
  stage: Size;
  look: Look;
}

/** Left edge of B's part of a wipe, as a part of the stage's width. */
export function wipeAt(view: View, wipe: number): number {
  const left = view.centre.x - view.width / 2;
  return Math.max(0, Math.min(1, (left + wipe * view.width) / Math.max(1, view.stage.width)));
}

export class Pair {
  /** Frame of B that is painted beside that of A; undefined: none. */
  beside: number | undefined;
  private painted = false;
  private waitingSince: number | undefined;

  constructor(
    private readonly main: HTMLCanvasElement,
    private readonly pane: () => HTMLCanvasElement | null,
  ) {}

  /** Paints, or waits. Gives whether it is to be asked again in the next turn. */
  paint(shown: Shown, nowMs: number): boolean {
    const { a, b, wanted } = shown;
    const together = wanted === undefined || b.frame === wanted;
    if (together) this.waitingSince = undefined;
    else this.waitingSince ??= nowMs;
    const late = this.waitingSince !== undefined && nowMs - this.waitingSince > PATIENCE_MS;
    if (!together && !late && this.painted) return true;
    this.compose(shown);
    this.beside = wanted === undefined ? undefined : b.frame;
    this.main.setAttribute("data-frames", `${a.frame ?? ""}:${this.beside ?? ""}`);
    this.painted = true;
    return !together;
  }

  private compose({ a, b, wanted, comparison, stage, look }: Shown): void {
    const { mode, opacity, wipe } = comparison;
    const [first, second] = [new View(stage, a.picture, look), new View(stage, b.picture, look)];
    const main = begin(this.main, stage);
    const there = wanted === undefined || b.frame === undefined ? undefined : b.screen;
    if (mode !== "b") put(main, first, a.screen);
    if (mode === "b") put(main, second, there);
    if (mode === "side") {
      const pane = this.pane();
      if (pane) put(begin(pane, stage), second, there);
    }
    if (mode === "wipe") {
      const from = wipeAt(first, wipe) * stage.width;
      main.clearRect(from, 0, stage.width - from, stage.height);
      main.beginPath();
      main.rect(from, 0, stage.width - from, stage.height);
      main.clip();
      put(main, second, there);
    }
    if (mode === "overlay") {
      main.globalAlpha = opacity;
      put(main, second, there);
    }
    if (mode === "difference" && there) {
      main.globalCompositeOperation = "difference";
      put(main, second, there);
    }
  }
}

/** Empty, in pixels of the page. */
function begin(canvas: HTMLCanvasElement, { width, height }: Size): Context {
  const density = densityNow();
  const size = { width: Math.round(width * density), height: Math.round(height * density) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = contextOf(canvas);
  context.reset();
  context.scale(density, density);
  return context;
}

/** A picture where it belongs; black, where there is none to be shown. */
function put(context: Context, view: View, screen: Screen | undefined): void {
  const { centre, width, height } = view;
  const place = [centre.x - width / 2, centre.y - height / 2, width, height] as const;
  context.imageSmoothingEnabled = view.magnification(densityNow()) <= EXACT_PAST;
  const ready = screen instanceof HTMLVideoElement ? screen.readyState >= 2 : screen?.complete === true && screen.naturalWidth > 0;
  if (screen && ready) {
    context.drawImage(screen, ...place);
    return;
  }
  context.fillStyle = "#000";
  context.fillRect(...place);
}
