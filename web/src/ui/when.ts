/** Times and sizes as people read them. */
import { currentLanguage, t } from "../messages";

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86400],
  ["month", 30 * 86400],
  ["week", 7 * 86400],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** How long ago, in words. */
export function ago(thenMs: number, nowMs: number): string {
  const seconds = (nowMs - thenMs) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) {
      return new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto", style: "short" }).format(
        -Math.round(seconds / size),
        unit,
      );
    }
  }
  return t("time.now");
}

/** Date and time in full. */
export function exactly(ms: number): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "medium" }).format(ms);
}

/** Date and time without seconds, for what is to come. */
export function shortly(ms: number): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

/** Bytes in units of 1000. */
export function bytes(size: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let step = 0;
  while (size >= 1000 && step < units.length - 1) {
    size /= 1000;
    step++;
  }
  return new Intl.NumberFormat(currentLanguage(), {
    style: "unit",
    unit: units[step] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: size < 10 && step > 0 ? 1 : 0,
  }).format(size);
}

/** Seconds as m:ss or h:mm:ss. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
