/** How the picture is looked at, and never changed: exposure and gamma, a matte, what is around it. */
import { computed, signal } from "@preact/signals";

export const STOPS_MOST = 6;
export const GAMMA_LEAST = 0.25;
export const GAMMA_MOST = 4;
/** What eyes and files make of light: a stop is a factor of 2 in light, of 2^(1/2.2) in the file. */
const DISPLAY_GAMMA = 2.2;

/** Exposure in stops. */
export const exposure = signal(0);
export const gamma = signal(1);

export interface Transfer {
  amplitude: number;
  exponent: number;
}

/** What exposure and gamma do to a value of the file: amplitude * value ^ exponent. */
export function transferOf(stops: number, gammaNow: number): Transfer {
  const exponent = 1 / gammaNow;
  return { amplitude: 2 ** ((stops / DISPLAY_GAMMA) * exponent), exponent };
}

/** Whether the picture is shown otherwise than it is. */
export const graded = computed(() => exposure.value !== 0 || gamma.value !== 1);

/** Shows it as it is. */
export function ungrade(): void {
  exposure.value = 0;
  gamma.value = 1;
}

/** Brighter or darker by so many stops. */
export function expose(byStops: number): void {
  const stops = Math.round((exposure.peek() + byStops) * 100) / 100;
  exposure.value = Math.max(-STOPS_MOST, Math.min(STOPS_MOST, stops));
}

// -- what is around and over it ------------------------------------------------------------------------------

export const MATTES = { none: 0, "1.85": 1.85, "2.39": 2.39, "4:3": 4 / 3, "9:16": 9 / 16 } as const;
export type MatteName = keyof typeof MATTES;
export const BACKGROUNDS = ["dark", "black", "grey", "white"] as const;
export type Background = (typeof BACKGROUNDS)[number];

export const matte = signal<MatteName>("none");
/** 0 to 1. */
export const matteOpacity = signal(1);
export const background = signal<Background>("dark");

/** Bars of a matte as shares of the picture: above and below, left and right. */
export function barsOf(ratio: number, width: number, height: number): { x: number; y: number } {
  if (ratio <= 0 || width <= 0 || height <= 0) return { x: 0, y: 0 };
  const shape = width / height;
  return ratio > shape ? { x: 0, y: (1 - shape / ratio) / 2 } : { x: (1 - ratio / shape) / 2, y: 0 };
}

const KEY = "rushes-look";

/** Matte and background are kept by the browser; exposure and gamma are not: nobody shall judge a picture by a forgotten one. */
export function keepLook(): () => void {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const { matte: name, opacity, background: around } = kept;
    if (typeof name === "string" && name in MATTES) matte.value = name as MatteName;
    if (typeof opacity === "number" && opacity >= 0 && opacity <= 1) matteOpacity.value = opacity;
    if (BACKGROUNDS.includes(around as Background)) background.value = around as Background;
  } catch {
    // What cannot be read is as if it were not kept.
  }
  const write = (): void => {
    const now = { matte: matte.peek(), opacity: matteOpacity.peek(), background: background.peek() };
    localStorage.setItem(KEY, JSON.stringify(now));
  };
  const stops = [matte.subscribe(write), matteOpacity.subscribe(write), background.subscribe(write)];
  return () => stops.forEach((stop) => stop());
}
