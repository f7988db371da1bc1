/** The tools' settings: which is in hand, colour, width, for whom. Kept from one visit to the next. */
import { effect, signal } from "@preact/signals";
import { Audience } from "../document";
import type { Tool } from "./hand";
import type { Brush } from "./make";

export const COLORS = [0xe5484d, 0xf28c28, 0xf5d90a, 0x46c266, 0x2fb8d9, 0x4f86f7, 0xb06cf0, 0xffffff, 0x101010] as const;
export const WIDTHS = [70, 140, 280, 560] as const;
const FONT_TIMES = 5;
const FONT_LEAST = 650;
const KEY = "rushes-tools";

export const tool = signal<Tool>("select");
export const color = signal<number>(COLORS[0]);
export const width = signal<number>(WIDTHS[1]);
/** Whom what one makes is for, where one may choose. */
export const audience = signal<Audience>(Audience.INTERNAL);

/** What the tools draw with now. */
export function brush(): Brush {
  return { color: color.peek(), width: width.peek(), fontSize: FONT_LEAST + width.peek() * FONT_TIMES };
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
}

/** Reads what was kept, and keeps what changes. */
export function keepTools(): () => void {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<KeptTools>;
    if (COLORS.includes(kept.color as (typeof COLORS)[number])) color.value = kept.color as number;
    if (WIDTHS.includes(kept.width as (typeof WIDTHS)[number])) width.value = kept.width as number;
    if (kept.audience === Audience.CLIENT) audience.value = Audience.CLIENT;
  } catch {
    // What cannot be read is as good as never kept.
    localStorage.removeItem(KEY);
  }
  return effect(() => {
    const kept: KeptTools = { color: color.value, width: width.value, audience: audience.value };
    localStorage.setItem(KEY, JSON.stringify(kept));
  });
}
