/** Text edits hold what the model promises, on random texts of all planes. */

import { expect, test } from "vitest";
import { compareCodePoints } from "./hex";
import * as text from "./text";
import { Random } from "./testing/random";

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

function isCanonical(edit: text.Edit): boolean {
  return text.check(edit) === edit;
}

test("edits that cross each other end in one text", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const landed = random.edit(before);
    const later = random.edit(before);
    const [landedMoved, laterMoved] = text.transform(landed, later);
    const one = text.apply(text.apply(before, landed), laterMoved);
    expect(text.apply(text.apply(before, later), landedMoved), String(seed)).toBe(one);
    expect(isCanonical(landedMoved) && isCanonical(laterMoved)).toBe(true);
  }
});

test("one edit does what two do one after the other", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const first = random.edit(before);
    const between = text.apply(before, first);
    const second = random.edit(between);
    const both = text.compose(first, second);
    expect(text.apply(before, both), String(seed)).toBe(text.apply(between, second));
    expect(isCanonical(both)).toBe(true);
  }
});

test("the inverse gives the text back", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const edit = random.edit(before);
    const inverse = text.invert(edit, before);
    expect(text.apply(text.apply(before, edit), inverse), String(seed)).toBe(before);
    expect(isCanonical(inverse)).toBe(true);
  }
});

test("the edit between two texts leads from one to the other, and cuts no letter in half", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const after = random.text(12);
    const edit = text.diff(before, after);
    expect(text.apply(before, edit), String(seed)).toBe(after);
    expect(edit.some((part) => typeof part === "string" && text.hasSurrogate(part))).toBe(false);
  }
  expect(text.diff("🎬", "🎭")).toEqual(["🎭", -1]);
});

test("the parts of an edit do what it does and none is too large", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const edit = random.edit(before);
    const parts = text.split(edit, 5, 4);
    expect(parts.reduce(text.apply, before), String(seed)).toBe(text.apply(before, edit));
    for (const part of parts) {
      expect(text.insertedBytes(part)).toBeLessThanOrEqual(5);
      expect(part.length).toBeLessThanOrEqual(4);
      expect(isCanonical(part)).toBe(true);
    }
  }
});

test("lengths are counted in code points and bytes in UTF-8", () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const before = random.text(12);
    const edit = random.edit(before);
    expect(text.lengthBefore(edit)).toBe(Array.from(before).length);
    expect(text.lengthAfter(edit)).toBe(text.length(text.apply(before, edit)));
    expect(text.bytesOf(before)).toBe(new TextEncoder().encode(before).length);
  }
});

test("at one place the text that landed first stands first", () => {
  expect(text.transform([1, "a", 1], [1, "b", 1])).toEqual([
    [1, "a", 2],
    [2, "b", 1],
  ]);
});

test.each([[[0]], [[""]], [[1, 1]], [["a", "b"]], [[-1, "a"]], [[-1, -1]]])("%j is not canonical", (edit) => {
  expect(() => text.check(edit)).toThrow("not canonical");
});

test("an edit that does not span the text is refused", () => {
  expect(() => text.apply("abc", [2])).toThrow(text.Mismatch);
  expect(() => text.apply("🎬", [2])).toThrow(text.Mismatch);
  expect(() => text.transform([2], [3])).toThrow(text.Mismatch);
  expect(() => text.compose([2], [3])).toThrow(text.Mismatch);
});

test("half a pair is found", () => {
  expect(["\ud83c", "a\udfac", "\udfac\ud83c"].map(text.hasSurrogate)).toEqual([true, true, true]);
  expect(["", "ä漢", "🎬"].map(text.hasSurrogate)).toEqual([false, false, false]);
});

test("a caret stays with the letters it stood at", () => {
  expect(text.moveCaret(["ab", 3], 2, "🎬xy")).toBe(4);
  expect(text.moveCaret([3, "ab"], 2, "🎬xy")).toBe(2);
  expect(text.moveCaret([-1, 2], 3, "🎬xy")).toBe(1);
  expect(text.moveCaret([1, -2], 4, "🎬xy")).toBe(2);
  expect(text.moveCaret([1, "🎬", -1], 1, "ab")).toBe(3);
});

test("strings sort by code points", () => {
  const sorted = ["", "a", "ab", "z", "\ue000", "\uffff", "🎬"];
  expect([...sorted].reverse().sort(compareCodePoints)).toEqual(sorted);
});
