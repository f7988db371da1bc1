import { describe, expect, test } from "vitest";
import { lookOf, narrowed, pathOf, queryOf, toggled, viewsOf } from "./look";

const of = (query: string): ReturnType<typeof lookOf> => lookOf(new URLSearchParams(query));

describe("what the library shows", () => {
  test("it is in the address, and comes back out of it", () => {
    for (const query of ["", "project=3", "project=3&folder=7&q=hero+shot&tag=a%26b&tag=c&status=on+hold&order=name", "trash="]) {
      const look = of(query);
      expect(lookOf(new URL(pathOf(look), "http://page").searchParams)).toEqual(look);
    }
    expect(of("folder=7&tag=a&tag=b&order=status")).toMatchObject({ folder: "7", tags: ["a", "b"], order: "status" });
    expect(pathOf(of(""))).toBe("/");
    expect(pathOf(of("project=3"))).toBe("/?project=3");
  });
  test("what cannot be is left out", () => {
    expect(of("project=x&folder=-1&order=size&tag=&tag=a&tag=a")).toEqual({ ...of(""), tags: ["a"] });
  });
  test("a view keeps all but the project", () => {
    expect(queryOf(of("project=3&tag=a"))).toBe("tag=a");
  });
  test("it is narrowed by search and filter, not by folder or order", () => {
    expect([of("folder=1&order=name"), of("q=a"), of("tag=a"), of("status=a")].map(narrowed)).toEqual([false, true, true, true]);
  });
  test("a choice is put in and taken out", () => {
    expect([toggled(["a"], "b"), toggled(["a", "b"], "a")]).toEqual([["a", "b"], ["b"]]);
  });
  test("of kept views only what is one counts", () => {
    expect(viewsOf(null)).toEqual([]);
    expect(viewsOf([{ name: "x", query: "tag=a" }, { name: "" }, 3, null, { name: 1, query: "" }])).toEqual([{ name: "x", query: "tag=a" }]);
  });
});
