/** The tools' settings: which is in hand, colour, width, for whom. Kept from one visit to the next. */
import { effect, signal } from "@preact/signals";
import { Audience, TextAlign } from "../document";
import type { Tool } from "./hand";
import type { Player } from "../player/player";
import type { Brush } from "./make";

export const COLORS = [0xe5484d, 0xf28c28, 0xf5d90a, 0x46c266, 0x2fb8d9, 0x4f86f7, 0xb06cf0, 0xffffff, 0x101010] as const;
export const WIDTHS = [70, 140, 280, 560] as const;
/** Sizes of letters, in units. */
export const FONT_SIZES = [700, 1000, 1400, 2000, 3000, 4500] as const;
export const ALIGNS = [TextAlign.START, TextAlign.CENTER, TextAlign.END] as const;
const KEY = "rushes-tools";

export const tool = signal<Tool>("select");
export const color = signal<number>(COLORS[0]);
export const width = signal<number>(WIDTHS[1]);
export const fontSize = signal<number>(FONT_SIZES[2]);
export const align = signal<TextAlign>(TextAlign.START);
/** What is drawn between in and out is for all of these frames. */
export const onRange = signal(false);
/** Drawings of the frames around are seen through. */
export const ghost = signal(false);
/** A drawing stays until the next frame that has one. */
export const hold = signal(false);
/** Whom what one makes is for, where one may choose. */
export const audience = signal<Audience>(Audience.INTERNAL);

/** What the tools draw with now. */
export function brush(): Brush {
  return { color: color.peek(), width: width.peek(), fontSize: fontSize.peek(), align: align.peek() };
}

/** On which frames what is drawn now is to be seen. */
export function drawingFrames({ frame, inPoint, outPoint }: Pick<Player, "frame" | "inPoint" | "outPoint">): [number, number] {
  const [here, first, last] = [frame.peek(), inPoint.peek(), outPoint.peek()];
  const within = first !== undefined && last !== undefined && first <= here && here <= last;
  return onRange.peek() && within ? [first, last] : [here, here];
}

/** The next wider or narrower width. */
export function changeWidth(by: 1 | -1): void {
  const at = WIDTHS.indexOf(width.peek() as (typeof WIDTHS)[number]);
  width.value = WIDTHS[Math.max(0, Math.min(WIDTHS.length - 1, at + by))] ?? WIDTHS[1];
}

interface KeptTools {
  color: number;
  width: number;
  audience: number;
  fontSize: number;
  align: TextAlign;
  ghost: boolean;
  hold: boolean;
}

/** Reads what was kept, and keeps what changes. */
export function keepTools(): () => void {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<KeptTools>;
    if (COLORS.includes(kept.color as (typeof COLORS)[number])) color.value = kept.color as number;
    if (WIDTHS.includes(kept.width as (typeof WIDTHS)[number])) width.value = kept.width as number;
    if (FONT_SIZES.includes(kept.fontSize as (typeof FONT_SIZES)[number])) fontSize.value = kept.fontSize as number;
    align.value = ALIGNS.find((each) => each === kept.align) ?? TextAlign.START;
    ghost.value = kept.ghost === true;
    hold.value = kept.hold === true;
    if (kept.audience === Audience.CLIENT) audience.value = Audience.CLIENT;
  } catch {
    // What cannot be read is as good as never kept.
    localStorage.removeItem(KEY);
  }
  return effect(() => {
    const kept: KeptTools = {
      color: color.value,
      width: width.value,
      audience: audience.value,
      fontSize: fontSize.value,
      align: align.value,
      ghost: ghost.value,
      hold: hold.value,
    };
    localStorage.setItem(KEY, JSON.stringify(kept));
  });
}
