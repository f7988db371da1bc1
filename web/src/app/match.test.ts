import { describe, expect, test } from "vitest";
import { best, foremost, score } from "./match";

const found = (query: string): string[] => best(["Next frame", "Frame fit", "Notes", "Undo mine"], (text) => text, query, 9);

describe("matching", () => {
  test("whole words count more than beginnings, and those more than what is within", () => {
    const [whole, beginning, within] = ["a pen", "a pencil", "open it"].map((text) => score(text, "pen") ?? 0);
    expect(whole).toBeGreaterThan(beginning ?? 0);
    expect(beginning).toBeGreaterThan(within ?? 0);
  });
  test("each word must be there, in whatever order", () => {
    expect(found("frame next")).toEqual(["Next frame"]);
    expect(found("frame x")).toEqual(["Next frame"]);
    expect(found("frame z")).toEqual([]);
  });
  test("the first letters of words are enough", () => expect(found("um")).toEqual(["Undo mine"]));
  test("nothing typed finds all, as they are", () => expect(found("")).toHaveLength(4));
  test("the one that is meant comes first, wherever it stands", () => {
    const numbers = [1, 2, 3, 4, 5, 6, 7];
    expect(foremost(numbers, (number) => number === 7, 5)).toEqual([7, 1, 2, 3, 4]);
    expect(foremost(numbers, (number) => number === 8, 5)).toEqual([1, 2, 3, 4, 5]);
  });
  test("Chinese is found by any part of it", () => expect(score("在此帧写新评论", "评论")).toBeGreaterThan(0));
});
