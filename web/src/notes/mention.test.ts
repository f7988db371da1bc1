import { describe, expect, test } from "vitest";
import { askingAt, mentioned, peopleFor, tagsFor, tagsIn } from "./mention";

const people = ["Ann", "Ann Lee", "Bob Stone", "王芳", ""].map((name, at) => ({ personId: `p${at}`, name }));
const ids = (text: string): string[] => mentioned(text, people).map(({ personId }) => personId).sort();

describe("people in a text", () => {
  test("an @ asks for them until it is a word of its own", () => {
    expect(askingAt("see @an", 7)).toEqual({ sign: "@", from: 4, query: "an" });
    expect(askingAt("@Ann L", 6)).toEqual({ sign: "@", from: 0, query: "Ann L" });
    expect(askingAt("请看，@王", 5)).toEqual({ sign: "@", from: 3, query: "王" });
    expect(askingAt("@", 1)).toEqual({ sign: "@", from: 0, query: "" });
    for (const text of ["a@b", "see @Ann ok then", "plain", "@@"]) expect(askingAt(text, text.length)).toBeUndefined();
    expect(askingAt("@ann rest", 4)?.query).toBe("ann");
  });
  test("they are found by the beginning of any word of their name", () => {
    expect(peopleFor(people, "st").map(({ name }) => name)).toEqual(["Bob Stone"]);
    expect(peopleFor(people, "AN").map(({ name }) => name)).toEqual(["Ann", "Ann Lee"]);
    expect(peopleFor(people, "").length).toBe(4);
    expect(peopleFor(people, "zz")).toEqual([]);
  });
  test("who is meant is told by the longest name", () => {
    expect(ids("@Ann Lee please")).toEqual(["p1"]);
    expect(ids("@Ann and @王芳")).toEqual(["p0", "p3"]);
    expect(ids("Ann, mail@Bob Ston")).toEqual([]);
  });
  test("two of one name are both meant", () => {
    expect(mentioned("@Ann", [...people, { personId: "other", name: "Ann" }]).length).toBe(2);
  });
});

describe("tags in a text", () => {
  test("a # before a word makes one", () => {
    expect(tagsIn("#sky too green (#vfx-2) #sky #天空 a#b ## #")).toEqual(["sky", "vfx-2", "天空"]);
    expect(askingAt("fix #sk", 7)).toEqual({ sign: "#", from: 4, query: "sk" });
    expect(askingAt("#sky is", 7)).toBeUndefined();
    expect(tagsFor(["sky", "two words", "Skin", "day"], "sk")).toEqual(["sky", "Skin"]);
  });
});
