import { describe, expect, test } from "vitest";
import { count, fill, t } from ".";
import { en } from "./en";

describe("messages", () => {
  test("values stand in the place of their names", () => {
    expect(fill("{a} of {b}", { a: 1, b: "two" })).toBe("1 of two");
  });
  test("a name without a value is left as it is", () => {
    expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
  });
  test("a count takes the form of its language", () => {
    expect(count("notes.count", 1)).toBe("1 note");
    expect(count("notes.count", 2)).toBe("2 notes");
  });
  test("no message is empty", () => {
    expect(Object.entries(en).filter(([, text]) => text.trim() === "")).toEqual([]);
  });
  test("a message with a value says it", () => {
    expect(t("upload.interrupted", { name: "a.mp4" })).toContain("a.mp4");
  });
});
