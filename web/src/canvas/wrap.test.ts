import { describe, expect, test } from "vitest";
import { lettersOf } from "../ui/letters";
import { wrap } from "./paint";

const letters = (text: string): number => lettersOf(text).length;

describe("text in a box", () => {
  test("breaks between words", () => expect(wrap("the quick brown fox", 9, letters)).toEqual(["the quick", "brown fox"]));
  test("keeps the lines that were typed, empty ones too", () => expect(wrap("a\n\nb", 9, letters)).toEqual(["a", "", "b"]));
  test("breaks a word that is too long", () => expect(wrap("abcdefgh", 3, letters)).toEqual(["abc", "def", "gh"]));
  test("breaks between characters where a script has no spaces", () => expect(wrap("画面太暗了", 2, letters)).toEqual(["画面", "太暗", "了"]));
  test("loses no letter", () => {
    const text = "Lift the blacks, then a-very-long-word-indeed 和 more";
    for (let width = 1; width < 30; width++) {
      expect(wrap(text, width, letters).join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    }
  });
});
