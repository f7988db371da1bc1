import { describe, expect, test } from "vitest";
import { isUnread, marksOf, NOTHING_READ, withRead, withUnread, type Marks } from "./read";

const all = [1, 2, 3, 4, 5].map((number) => ({ id: `n${number}`, createdMs: number * 100 }));
const unread = (marks: Marks): string[] => all.filter((note) => isUnread(marks, note)).map(({ id }) => id);

describe("what has been read", () => {
  test("at first nothing has, and in the end one time says all", () => {
    expect(unread(NOTHING_READ).length).toBe(5);
    expect(withRead(NOTHING_READ, all, all)).toEqual({ untilMs: 500, ids: [] });
  });
  test("any order of reading leaves the right ones unread, and the marks stay short", () => {
    let marks = NOTHING_READ;
    const left = new Set(all.map(({ id }) => id));
    for (const at of [2, 0, 4, 1, 3]) {
      marks = withRead(marks, [all[at]!], all);
      left.delete(all[at]!.id);
      expect(unread(marks)).toEqual([...left]);
    }
    expect(marks.ids).toEqual([]);
  });
  test("what was read can be made unread, wherever it stands", () => {
    for (const marks of [withRead(NOTHING_READ, all, all), withRead(NOTHING_READ, [all[1]!, all[3]!], all)]) {
      for (const note of all) {
        const before = new Set(unread(marks));
        expect(unread(withUnread(marks, [note], all))).toEqual(all.map(({ id }) => id).filter((id) => before.has(id) || id === note.id));
      }
    }
  });
  test("what two windows read is read, whoever writes last", () => {
    const one = withRead(NOTHING_READ, [all[0]!], all);
    expect(unread(withRead(one, [all[1]!], all))).toEqual(["n3", "n4", "n5"]);
  });
  test("marks that are none are as if nothing was read", () => {
    for (const raw of [null, 3, {}, { untilMs: "x", ids: [] }]) expect(marksOf(raw)).toEqual(NOTHING_READ);
    expect(marksOf({ untilMs: 4, ids: ["a", 3] })).toEqual({ untilMs: 4, ids: ["a"] });
  });
});
