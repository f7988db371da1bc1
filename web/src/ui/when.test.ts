import { describe, expect, test } from "vitest";
import { css, isLight } from "./color";
import { initials } from "./person";
import { ago, bytes, duration } from "./when";

describe("words for times, sizes and people", () => {
  test("a moment ago is now", () => expect(ago(1000, 30_000)).toBe("just now"));
  test("an hour ago is said in hours", () => expect(ago(0, 3_600_000)).toBe("1 hr. ago"));
  test("sizes take the unit that fits", () => {
    expect(bytes(999)).toBe("999 byte");
    expect(bytes(1_250_000)).toBe("1.3 MB");
    expect(bytes(52_000_000_000)).toBe("52 GB");
  });
  test("durations have hours only when they need them", () => {
    expect(duration(61)).toBe("1:01");
    expect(duration(3661)).toBe("1:01:01");
  });
  test("a name gives its first and last letter", () => {
    expect(initials("Ann Marie Bloom")).toBe("AB");
    expect(initials("李雷")).toBe("李");
    expect(initials("")).toBe("?");
  });
  test("colours become CSS", () => {
    expect(css(0xff8000)).toBe("rgb(255 128 0)");
    expect(css(0x000001, 51)).toBe("rgb(0 0 1 / 0.2)");
  });
  test("dark text stands on light colours only", () => {
    expect(isLight(0xe0a24e)).toBe(true);
    expect(isLight(0x303060)).toBe(false);
  });
});
