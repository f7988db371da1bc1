import { describe, expect, test } from "vitest";
import { FOOT, heightOf, layoutOf, scrollTo, spanOf, step } from "./layout";

const wide = layoutOf(1000);

describe("the grid", () => {
  test("cards fill the width, as many as fit", () => {
    expect([layoutOf(100), layoutOf(390), wide, layoutOf(2000)].map(({ columns }) => columns)).toEqual([1, 2, 4, 8]);
    for (const width of [100, 390, 559, 560, 1000, 2000]) {
      const { columns, cardWidth, gap } = layoutOf(width);
      expect(columns * cardWidth + (columns - 1) * gap).toBeCloseTo(width);
    }
    expect(wide.cardHeight).toBe(Math.round((238 * 9) / 16) + FOOT);
  });
  test("it is as high as its rows", () => {
    expect([0, 1, 4, 5].map((count) => heightOf(wide, count))).toEqual([0, wide.cardHeight, wide.cardHeight, wide.rowHeight + wide.cardHeight]);
  });
  test("of thousands only those are there that can be seen, and a few rows around", () => {
    const { rowHeight } = wide;
    expect(spanOf(wide, 0, 3 * rowHeight, 5000)).toEqual({ first: 0, end: 24 });
    const middle = spanOf(wide, 500 * rowHeight, 3 * rowHeight, 5000);
    expect(middle).toEqual({ first: 498 * 4, end: 506 * 4 });
    expect(spanOf(wide, 1249 * rowHeight, 3 * rowHeight, 5000).end).toBe(5000);
    expect(spanOf(wide, 0, 3 * rowHeight, 2)).toEqual({ first: 0, end: 2 });
    expect(spanOf(wide, 9000 * rowHeight, 300, 6)).toEqual({ first: 4, end: 6 });
  });
  test("every row that can be seen is among them, wherever one is", () => {
    for (let top = 0; top < 5000; top += 37) {
      const { first, end } = spanOf(wide, top, 700, 400);
      const rows = (index: number): number => Math.floor(index / wide.columns);
      const lastRow = rows(399);
      expect(rows(first) * wide.rowHeight).toBeLessThanOrEqual(Math.min(top, lastRow * wide.rowHeight));
      expect(rows(end - 1)).toBeGreaterThanOrEqual(Math.min(lastRow, rows(0) + Math.floor((top + 700) / wide.rowHeight)));
    }
  });
  test("a card that can be seen does not make it scroll, another one just as far as needed", () => {
    expect(scrollTo(wide, 0, 0, 700)).toBe(0);
    expect(scrollTo(wide, 4, wide.rowHeight, 700)).toBe(wide.rowHeight);
    expect(scrollTo(wide, 0, 900, 700)).toBe(0);
    expect(scrollTo(wide, 40, 0, 700)).toBe(10 * wide.rowHeight + wide.cardHeight - 700);
  });
  test("keys lead from card to card and never out of the grid", () => {
    const go = (key: string, from: number): number | undefined => step(key, from, wide, 3 * wide.rowHeight, 10);
    expect([go("ArrowRight", 0), go("ArrowRight", 9), go("ArrowLeft", 0), go("ArrowLeft", 4)]).toEqual([1, 9, 0, 3]);
    expect([go("ArrowDown", 1), go("ArrowDown", 7), go("ArrowDown", 9), go("ArrowUp", 5), go("ArrowUp", 2)]).toEqual([5, 9, 9, 1, 2]);
    expect([go("Home", 7), go("End", 0), go("PageDown", 0), go("PageUp", 9)]).toEqual([0, 9, 9, 0]);
    expect([go("x", 0), step("End", 0, wide, 100, 0)]).toEqual([undefined, undefined]);
  });
});
