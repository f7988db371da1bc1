import { describe, expect, test } from "vitest";
import { linesOf, treeOf, wayTo, within, type FolderFacts } from "./tree";

const folder = (id: number, parent: number, name: string, assetCount = 0): FolderFacts => ({
  folderId: BigInt(id),
  parentId: BigInt(parent),
  name,
  assetCount,
});
const folders = [folder(3, 1, "inner", 2), folder(1, 0, "outer", 1), folder(2, 0, "z"), folder(4, 3, "deep", 4), folder(5, 99, "lost")];

describe("the tree of folders", () => {
  test("folders stand under theirs, and one whose parent is gone at the top", () => {
    expect(linesOf(treeOf(folders)).map(({ folder: { name }, depth, total }) => [name, depth, total])).toEqual([
      ["outer", 0, 7],
      ["inner", 1, 6],
      ["deep", 2, 4],
      ["z", 0, 0],
      ["lost", 0, 0],
    ]);
  });
  test("the way to a folder goes from the top", () => {
    expect(wayTo(folders, 4n).map(({ name }) => name)).toEqual(["outer", "inner", "deep"]);
    expect(wayTo(folders, 77n)).toEqual([]);
  });
  test("a way that goes in a circle ends", () => {
    expect(wayTo([folder(1, 2, "a"), folder(2, 1, "b")], 1n).map(({ name }) => name)).toEqual(["b", "a"]);
  });
  test("a folder cannot be put into itself nor into what it holds", () => {
    expect([...within(folders, 1n)]).toEqual([1n, 3n, 4n]);
  });
});
