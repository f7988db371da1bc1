import { describe, expect, test } from "vitest";
import { calendarOf } from "./invitation";

const ENTRY = { uid: "abc@review.example.com", title: "Dailies", link: "https://review.example.com/a/7?r=abc", startMs: Date.UTC(2026, 10, 30, 9, 5), minutes: 90, nowMs: Date.UTC(2026, 10, 29) };

describe("an invitation for the calendar", () => {
  test("it has title, time and link", () => {
    const lines = calendarOf(ENTRY).split("\r\n");
    for (const line of ["DTSTART:20261130T090500Z", "DTEND:20261130T103500Z", "DTSTAMP:20261129T000000Z", "SUMMARY:Dailies", `URL:${ENTRY.link}`, "UID:abc@review.example.com"]) expect(lines).toContain(line);
    expect(lines.at(0)).toBe("BEGIN:VCALENDAR");
    expect(lines.slice(-2)).toEqual(["END:VCALENDAR", ""]);
  });

  test("what means something in the format is escaped", () => {
    expect(calendarOf({ ...ENTRY, title: "a;b,c\\d\nBEGIN:VALARM" })).toContain("SUMMARY:a\\;b\\,c\\\\d\\nBEGIN:VALARM\r\n");
  });

  test("long lines are folded between characters and are the same unfolded", () => {
    const title = "审看会议🎬".repeat(30);
    const text = calendarOf({ ...ENTRY, title });
    for (const line of text.split("\r\n")) expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
    expect(text.replaceAll("\r\n ", "")).toContain(`SUMMARY:${title}\r\n`);
  });
});
