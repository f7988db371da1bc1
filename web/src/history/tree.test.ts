import { describe, expect, test } from "vitest";
import { rowsOf, type Node } from "./tree";

const node = (id: string, base = "", merged = ""): Node => ({ id, base, merged });

describe("the tree of snapshots", () => {
  test("a line without branches stands in one lane", () => {
    const rows = rowsOf([node("3", "2"), node("2", "1"), node("1")]);
    expect(rows.map(({ lane, to, from }) => [lane, to, from])).toEqual([
      [0, [0], []],
      [0, [0], [0]],
      [0, [], [0]],
    ]);
    expect(Math.max(...rows.map(({ width }) => width))).toBe(1);
  });
  test("a branch has a lane of its own until both meet in their base", () => {
    const rows = rowsOf([node("4", "2"), node("3", "2"), node("2", "1"), node("1")]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 1, 0, 0]);
    expect(rows[1]?.to).toEqual([1]);
    expect(rows[1]?.passing).toEqual([0]);
    expect(rows[2]?.from).toEqual([0, 1]);
  });
  test("a merge leads to both that it joins", () => {
    const rows = rowsOf([node("4", "3", "2"), node("3", "1"), node("2", "1"), node("1")]);
    expect(rows[0]?.to).toEqual([0, 1]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 0, 1, 0]);
    expect(rows[2]?.to).toEqual([1]);
    expect(rows[3]?.from).toEqual([0, 1]);
  });
  test("a page that ends before the bases keeps their lanes open", () => {
    expect(rowsOf([node("9", "8")])[0]?.to).toEqual([0]);
  });
  test("a lane that ended is used again", () => {
    const rows = rowsOf([node("6", "5"), node("5", "3"), node("4", "3"), node("3", "1"), node("2", "1"), node("1")]);
    expect(rows.map(({ lane }) => lane)).toEqual([0, 0, 1, 0, 1, 0]);
    expect(rows[3]?.from).toEqual([0, 1]);
  });
});
