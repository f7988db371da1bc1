/** How large tiles are on the screen, and the layer of a picture that is of use at that size. */
import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

export type Layer = "h" | "m" | "l";
export interface View {
  who: string;
  /** Lines of the screen that the picture takes; 0: it is not to be seen. */
  lines: number;
  speaks: boolean;
}

/** Lines of the layers of a camera of 720 lines: half and a quarter. */
const MEDIUM_LINES = 360;
const LOW_LINES = 180;
/** A picture may be shown so much larger than it is before the next layer is asked for. */
const STRETCHED = 1.25;
/** A page that was left for a moment goes on where it was. */
const AWAY_MS = 10_000;

/** Whether the page was out of sight for a while. */
export const away = signal(false);

/** The smallest layer that is not stretched much. */
export function layerFor(lines: number): Layer {
  if (lines > STRETCHED * MEDIUM_LINES) return "h";
  return lines > STRETCHED * LOW_LINES ? "m" : "l";
}

/** What a picture is worth beside others, 0 to 10: the larger it is seen the more, and of who speaks a little more. */
export function priorityOf(layer: Layer, speaks: boolean): number {
  return { h: 8, m: 5, l: 2 }[layer] + (speaks ? 1 : 0);
}

/** How many lines of the screen the picture of each tile takes, as tiles tell it. */
export class Sights {
  private readonly lines = signal<ReadonlyMap<string, number>>(new Map());

  /** 0: it is not to be seen. */
  tell(who: string, lines: number): void {
    const before = this.lines.peek();
    if ((before.get(who) ?? 0) === lines) return;
    const now = new Map(before);
    if (lines > 0) now.set(who, lines);
    else now.delete(who);
    this.lines.value = now;
  }

  /** How these are seen, the largest first: on a page out of sight, not at all. */
  of(people: readonly string[], speaker: string): View[] {
    const views = people.map((who) => ({ who, lines: away.value ? 0 : (this.lines.value.get(who) ?? 0), speaks: who === speaker }));
    return views.sort((a, b) => b.lines - a.lines);
  }
}

/** Tells how many lines of the screen a tile's picture takes, whenever that changes. */
export function useLines(element: RefObject<HTMLElement | null>, tell: (lines: number) => void): void {
  useEffect(() => {
    const tile = element.current;
    if (!tile) return undefined;
    let inSight = false;
    // A picture fills its tile, whichever shape that has.
    const look = (): void => tell(inSight ? Math.round(Math.max(tile.clientHeight, (tile.clientWidth * 9) / 16) * devicePixelRatio) : 0);
    const sizes = new ResizeObserver(look);
    const sight = new IntersectionObserver((entries) => {
      inSight = entries.at(-1)?.isIntersecting ?? inSight;
      look();
    });
    sizes.observe(tile);
    sight.observe(tile);
    return () => {
      sizes.disconnect();
      sight.disconnect();
      tell(0);
    };
  }, []);
}

/** Keeps `away` until it is stopped. */
export function watchSight(): () => void {
  let timer = 0;
  const look = (): void => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") away.value = false;
    else timer = window.setTimeout(() => (away.value = true), AWAY_MS);
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    away.value = false;
    document.removeEventListener("visibilitychange", look);
  };
}
