import { describe, expect, test } from "vitest";
import { t } from "../messages";
import { explainDevice, loudness } from "./devices";

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

describe("a device that cannot be used", () => {
  test("is said with what to do, not as something unexpected", () => {
    expect(explainDevice(new DOMException("no", "NotAllowedError"))).toBe(t("live.deviceRefused"));
    expect(explainDevice(new DOMException("no", "NotFoundError"))).toBe(t("live.deviceMissing"));
    expect(explainDevice(new DOMException("no", "NotReadableError"))).toBe(t("live.deviceBusy"));
    expect(explainDevice(new DOMException("no", "AbortError"))).toBe(t("error.unexpected"));
  });
});
