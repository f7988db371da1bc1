/** What a cut is compared with and how, and the same as a short text that stands in the address. Pure. */

export const MODES = ["a", "b", "side", "wipe", "overlay", "difference"] as const;
export type Mode = (typeof MODES)[number];

export interface Comparison {
  /** Number of the other cut, B; A is the one that is open. */
  cut: number;
  mode: Mode;
  /** So many of its own frames B is on. */
  offset: number;
  /** Where the line stands, from the left of the picture (0) to its right (1). */
  wipe: number;
  /** How much of B is seen over A. */
  opacity: number;
  /** Which of the two is heard. */
  sound: "a" | "b";
}

const OFFSET_MOST = 1_000_000;
const NUMBER = /^-?\d{1,7}$/;
const SHARE = /^(?:0(?:\.\d{1,4})?|1)$/;

/** Comparing with a cut, as at first. */
export function comparing(cut: number, mode: Mode = "wipe"): Comparison {
  return { cut, mode, offset: 0, wipe: 0.5, opacity: 0.5, sound: "a" };
}

function share(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

/** The text: the cut, the mode, and what is not as at first. */
export function textOf({ cut, mode, offset, wipe, opacity, sound }: Comparison): string {
  const first = comparing(cut);
  const parts = [`v${cut}`, mode];
  if (offset !== first.offset) parts.push(`o${offset}`);
  if (wipe !== first.wipe) parts.push(`w${share(wipe)}`);
  if (opacity !== first.opacity) parts.push(`a${share(opacity)}`);
  if (sound !== first.sound) parts.push(`s${sound}`);
  return parts.join(",");
}

/** The comparison of a text; undefined: it is none. What in it is not of its kind is as at first. */
export function comparisonOf(text: string): Comparison | undefined {
  const [name = "", mode, ...rest] = text.split(",");
  const cut = /^v([1-9]\d{0,8})$/.exec(name)?.[1];
  if (cut === undefined) return undefined;
  const found = comparing(Number(cut), MODES.find((each) => each === mode));
  for (const part of rest) {
    const value = part.slice(1);
    if (part.startsWith("o") && NUMBER.test(value)) found.offset = within(Number(value));
    if (part.startsWith("w") && SHARE.test(value)) found.wipe = Number(value);
    if (part.startsWith("a") && SHARE.test(value)) found.opacity = Number(value);
    if (part === "sb") found.sound = "b";
  }
  return found;
}

/** An offset that can be written. */
export function within(offset: number): number {
  return Math.max(-OFFSET_MOST, Math.min(OFFSET_MOST, Math.round(offset)));
}
