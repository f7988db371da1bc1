import { describe, expect, test } from "vitest";
import { loudness } from "./devices";

describe("how loud it is", () => {
  test("silence is nothing, and full scale all", () => {
    expect(loudness(new Float32Array(8))).toBe(0);
    expect(loudness(new Float32Array(0))).toBe(0);
    expect(loudness(Float32Array.of(1, -1, 1, -1))).toBe(1);
  });

  test("-30 decibels are in the middle", () => {
    expect(loudness(new Float32Array(8).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5, 3);
  });
});
