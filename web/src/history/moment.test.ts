import { describe, expect, it } from "vitest";
import { momentOf } from "./moment";

const NOW = new Date(2026, 10, 29, 20, 30, 15).getTime();

function local(...parts: [number, number, number, number?, number?, number?]): number {
  const [year, month, ...rest] = parts;
  return new Date(year, month - 1, ...rest).getTime();
}

describe("a moment that is typed", () => {
  it.each([
    ["14:30", local(2026, 11, 29, 14, 30)],
    ["20：30：15", local(2026, 11, 29, 20, 30, 15)],
    ["20:31", local(2026, 11, 28, 20, 31)],
    ["2026-11-20", local(2026, 11, 20)],
    ["2026-11-20 9:05", local(2026, 11, 20, 9, 5)],
    ["2026-11-20T09:05:07", local(2026, 11, 20, 9, 5, 7)],
    ["2026/1/2 00:00", local(2026, 1, 2)],
    ["2026年11月20日 14:30", local(2026, 11, 20, 14, 30)],
    ["today 8:00", local(2026, 11, 29, 8)],
    ["Yesterday 14:30", local(2026, 11, 28, 14, 30)],
    ["昨天14:30", local(2026, 11, 28, 14, 30)],
    ["前天", local(2026, 11, 27)],
  ])("%s is by the clock on the wall", (typed, ms) => {
    expect(momentOf(typed, NOW)).toBe(ms);
  });

  it.each([
    ["10 min ago", 10],
    ["10m", 10],
    ["-90 s", 1.5],
    ["1.5 hours ago", 90],
    ["2h", 120],
    ["3 days ago", 3 * 1440],
    ["1 week", 7 * 1440],
    ["10 分钟前", 10],
    ["2个小时以前", 120],
    ["3天前", 3 * 1440],
  ])("%s is so many minutes ago", (typed, minutes) => {
    expect(momentOf(typed, NOW)).toBe(NOW - minutes * 60_000);
  });

  it.each(["", "soon", "25:00", "14:60", "2026-02-30", "2026-11-20 25:00", "10 parsecs ago", "14:30 15:00", "soon 14:30", "12", "1234567 s"])("%j is none", (typed) => {
    expect(momentOf(typed, NOW)).toBeUndefined();
  });
});
