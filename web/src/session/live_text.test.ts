import { describe, expect, test } from "vitest";
import { text } from "../document";
import { merged, moved } from "./live_text";

describe("typing together", () => {
  test("what an input method held back is put in beside what landed meanwhile", () => {
    const before = "the sky";
    const landed = [text.diff("the sky", "lift the sky"), text.diff("lift the sky", "lift the dark sky")];
    expect(merged(before, "the sky 很暗", landed)).toBe("lift the dark sky 很暗");
  });
  test("with nothing landed it is what was typed", () => expect(merged("a", "abc", [])).toBe("abc"));
  test("the caret stays at the letter it was at", () => {
    expect(moved([4, 7], text.diff("the sky", "lift the sky"), "the sky")).toEqual([9, 12]);
  });
});
