import { describe, expect, test } from "vitest";
import { extend, NONE, pruned, toggle } from "./selection";

const order = [5n, 6n, 7n, 8n];
const ids = (selection: typeof NONE): bigint[] => [...selection.ids].sort();

describe("what is chosen", () => {
  test("a click with Ctrl takes one in and out", () => {
    const one = toggle(NONE, order, 1);
    expect(ids(toggle(one, order, 3))).toEqual([6n, 8n]);
    expect(ids(toggle(one, order, 1))).toEqual([]);
    expect(ids(toggle(one, order, 9))).toEqual([6n]);
  });
  test("Shift goes from the last one to here, either way, and keeps the rest", () => {
    const one = toggle(NONE, order, 2);
    expect(ids(extend(one, order, 0))).toEqual([5n, 6n, 7n]);
    expect(ids(extend(extend(one, order, 3), order, 1))).toEqual([6n, 7n, 8n]);
    expect(ids(extend(NONE, order, 1))).toEqual([6n]);
  });
  test("what is not there any more is not chosen", () => {
    const two = toggle(toggle(NONE, order, 0), order, 3);
    expect(ids(pruned(two, [8n]))).toEqual([8n]);
    expect(pruned(two, order)).toBe(two);
  });
});
