import { describe, expect, test } from "vitest";
import { waitMs } from "./backoff";
import { afterEnd } from "./link";

describe("connecting again", () => {
  test("the first try is made at once, later ones wait longer, none longer than ten seconds", () => {
    expect(waitMs(0, 0.5)).toBe(0);
    expect(waitMs(1, 0)).toBe(200);
    expect(waitMs(4, 0.999)).toBeGreaterThan(waitMs(2, 0.999));
    expect(waitMs(50, 0.999)).toBeLessThanOrEqual(10_000);
  });
  test("what the server ended the call with decides how it goes on", () => {
    const status = (code: number, reason = ""): Parameters<typeof afterEnd>[0] => ({ code, reason, message: "" });
    expect(afterEnd(status(14))).toBe("again");
    expect(afterEnd(status(0))).toBe("again");
    expect(afterEnd(status(8, "TOO_FAST"))).toBe("again");
    expect(afterEnd(status(10, "AUDIENCE_CHANGED"))).toBe("afresh");
    expect(afterEnd(status(16))).toBe("signedOut");
    expect(afterEnd(status(5))).toBe("gone");
    expect(afterEnd(status(7))).toBe("forbidden");
  });
});
