import { afterEach, describe, expect, test } from "vitest";
import { barsOf, expose, exposure, gamma, graded, MATTES, transferOf, ungrade } from "./grade";

afterEach(ungrade);

describe("exposure and gamma", () => {
  test("as it is, is as it is", () => expect(transferOf(0, 1)).toEqual({ amplitude: 1, exponent: 1 }));
  test("a stop doubles the light", () => {
    const { amplitude, exponent } = transferOf(1, 1);
    const light = (value: number): number => value ** 2.2;
    expect(light(amplitude * 0.3 ** exponent) / light(0.3)).toBeCloseTo(2);
  });
  test("gamma bends what exposure made, and leaves white where it is", () => {
    expect(transferOf(0, 2)).toEqual({ amplitude: 1, exponent: 0.5 });
    const both = transferOf(1, 2);
    expect(both.amplitude * 0.3 ** both.exponent).toBeCloseTo((transferOf(1, 1).amplitude * 0.3) ** 0.5);
  });
  test("it is told of, bounded, and taken back", () => {
    expect(graded.value).toBe(false);
    for (let n = 0; n < 100; n++) expose(0.25);
    expect([exposure.value, graded.value]).toEqual([6, true]);
    ungrade();
    gamma.value = 1.2;
    expect(graded.value).toBe(true);
    ungrade();
    expect([exposure.value, gamma.value, graded.value]).toEqual([0, 1, false]);
  });
});

describe("the matte", () => {
  test("of a wider shape covers above and below, of a narrower one left and right", () => {
    const wide = barsOf(MATTES["2.39"], 1920, 1080);
    expect(wide.x).toBe(0);
    expect((1920 / (1080 * (1 - 2 * wide.y))).toFixed(2)).toBe("2.39");
    const tall = barsOf(MATTES["9:16"], 1920, 1080);
    expect(tall.y).toBe(0);
    expect((1920 * (1 - 2 * tall.x)) / 1080).toBeCloseTo(9 / 16);
  });
  test("none covers nothing", () => expect(barsOf(MATTES.none, 1920, 1080)).toEqual({ x: 0, y: 0 }));
});
