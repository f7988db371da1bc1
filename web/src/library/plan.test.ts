import { describe, expect, test } from "vitest";
import { boundaries, looksLikeMedia, Pace, planOf } from "./plan";

describe("sending files", () => {
  test("a small file goes in one part, a large one in four", () => {
    expect(planOf(1_000_000)).toEqual({ parts: 1, pieceBytes: 10_000_000 });
    expect(planOf(500_000_000)).toEqual({ parts: 4, pieceBytes: 10_000_000 });
    expect(planOf(50_000_000_000)).toEqual({ parts: 4, pieceBytes: 50_000_000 });
  });
  test("parts are the whole file, and no two are as long", () => {
    for (const size of [20_000_000, 20_000_001, 1_000_000_003, 50_000_000_000]) {
      const parts = boundaries(size, 4);
      expect(parts[0]?.start).toBe(0);
      expect(parts.map((part) => part.end)).toEqual([...parts.slice(1).map((part) => part.start), size]);
      expect(new Set(parts.map((part) => part.end - part.start)).size).toBe(4);
    }
  });
  test("the pace is that of the last seconds", () => {
    const pace = new Pace();
    expect(pace.bytesPerSecond).toBe(0);
    pace.add(0, 0);
    pace.add(1000, 1000);
    expect(pace.bytesPerSecond).toBe(1000);
    for (let second = 2; second < 20; second++) pace.add(1000 + (second - 1) * 100, second * 1000);
    expect(pace.bytesPerSecond).toBe(100);
    pace.clear();
    expect(pace.bytesPerSecond).toBe(0);
  });
  test("media is told by type or by name", () => {
    expect(looksLikeMedia("a.MXF", "")).toBe(true);
    expect(looksLikeMedia("a", "video/mp4")).toBe(true);
    expect(looksLikeMedia("notes.txt", "text/plain")).toBe(false);
  });
});
