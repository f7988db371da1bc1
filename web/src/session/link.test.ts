import { describe, expect, test } from "vitest";
import { waitMs, waitTold } from "./backoff";
import { afterEnd } from "./link";

describe("connecting again", () => {
  test("the first try is made at once, later ones wait longer, none longer than ten seconds", () => {
    expect(waitMs(0, 0.5)).toBe(0);
    expect(waitMs(1, 0)).toBe(200);
    expect(waitMs(4, 0.999)).toBeGreaterThan(waitMs(2, 0.999));
    expect(waitMs(50, 0.999)).toBeLessThanOrEqual(10_000);
  });
  test("when the server says when to come back, not before, but never later than ten seconds", () => {
    expect(waitTold(1200, 0, 0.5)).toBe(1200);
    expect(waitTold(0, 0, 0.5)).toBe(0);
    expect(waitTold(50, 3, 0.5)).toBe(waitMs(3, 0.5));
    expect(waitTold(1e9, 0, 0.5)).toBe(10_000);
  });
  test("what the server ended the call with decides how it goes on", () => {
    const status = (code: number, reason = ""): Parameters<typeof afterEnd>[0] => ({ code, reason, message: "", retryMs: 0 });
    expect(afterEnd(status(14))).toBe("again");
    expect(afterEnd(status(0))).toBe("again");
    expect(afterEnd(status(8, "TOO_FAST"))).toBe("again");
    expect(afterEnd(status(10, "AUDIENCE_CHANGED"))).toBe("afresh");
    expect(afterEnd(status(16))).toBe("signedOut");
    expect(afterEnd(status(5))).toBe("gone");
    expect(afterEnd(status(7))).toBe("forbidden");
  });
});
