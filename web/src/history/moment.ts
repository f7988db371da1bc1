/** A moment as people type it: a time of day, a date, or how long ago. Local time. Pure. */

const UNITS: readonly [RegExp, number][] = [
  [/^(?:s|secs?|seconds?|秒钟?)$/, 1000],
  [/^(?:m|mins?|minutes?|分钟?)$/, 60_000],
  [/^(?:h|hrs?|hours?|个?小时|个?钟头)$/, 3_600_000],
  [/^(?:d|days?|天)$/, 86_400_000],
  [/^(?:w|weeks?|周|个?星期)$/, 7 * 86_400_000],
];
const AGO = /^-?(\d{1,6}(?:[.,]\d{1,3})?)\s*([^\d\s]+?)\s*(?:ago|以?前)?$/;
const DAYS: Readonly<Record<string, number>> = { today: 0, 今天: 0, yesterday: 1, 昨天: 1, 前天: 2 };
const DATE = /^(\d{4})\D(\d{1,2})\D(\d{1,2})日?$/;
const CLOCK = /^(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?$/;

function agoMs(text: string): number | undefined {
  const [, amount = "", word = ""] = AGO.exec(text) ?? [];
  const unit = UNITS.find(([name]) => name.test(word));
  return unit && Number(amount.replace(",", ".")) * unit[1];
}

/** Hours, minutes and seconds. */
type Clock = readonly [number, number, number];

/** The time of day of a text; undefined: it is none. */
function clockOf(text: string): Clock | undefined {
  const found = CLOCK.exec(text);
  if (!found) return undefined;
  const [hours, minutes, seconds] = [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
  return hours < 24 && minutes < 60 && seconds < 60 ? [hours, minutes, seconds] : undefined;
}

function at(day: Date, clock: Clock): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), ...clock);
}

/** The day of a text as its midnight; undefined: it is none. */
function dayOf(text: string, nowMs: number): Date | undefined {
  const back = DAYS[text];
  const now = new Date(nowMs);
  if (back !== undefined) return new Date(now.getFullYear(), now.getMonth(), now.getDate() - back);
  const found = DATE.exec(text);
  if (!found) return undefined;
  const [year, month, day] = [Number(found[1]), Number(found[2]) - 1, Number(found[3])];
  const date = new Date(year, month, day);
  return date.getMonth() === month && date.getDate() === day ? date : undefined;
}

/** Small letters, and one space between day and time. */
function tidied(typed: string): string {
  const text = typed.trim().toLowerCase();
  return text.replace(/^(\d{4}-\d{1,2}-\d{1,2})t(?=\d)/, "$1 ").replace(/^(今天|昨天|前天)\s*(?=\d)/, "$1 ");
}

/**
 * The moment in milliseconds since 1970; undefined: it is none. `14:30` (the last time that it was), `2026-11-20`,
 * `2026-11-20 14:30:05`, `yesterday 14:30`, `10 min ago`, `2h`, and the same in Chinese.
 */
export function momentOf(typed: string, nowMs: number): number | undefined {
  const text = tidied(typed);
  const [first = "", second, more] = text.split(/\s+(?=\d{1,2}[:：])/);
  if (more !== undefined) return undefined;
  const day = dayOf(first, nowMs);
  if (day && second === undefined) return day.getTime();
  const clock = clockOf(second ?? first);
  if (clock && day) return at(day, clock).getTime();
  if (clock && second === undefined) {
    const today = at(new Date(nowMs), clock);
    if (today.getTime() > nowMs) today.setDate(today.getDate() - 1);
    return today.getTime();
  }
  const ms = agoMs(text);
  return ms === undefined ? undefined : nowMs - ms;
}
