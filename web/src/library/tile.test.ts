import { describe, expect, test } from "vitest";
import { tileAt } from "./tile";

const strip = { columns: 12, tiles: 120 };

describe("the still at a place", () => {
  test("it goes from the first to the last, and never beyond", () => {
    expect([-1, 0, 0.5, 0.999, 1, 7].map((at) => tileAt(strip, at).tile)).toEqual([0, 0, 60, 119, 119, 119]);
  });
  test("it stands where it does in the picture, as a background counts", () => {
    expect(tileAt(strip, 0)).toEqual({ tile: 0, rows: 10, size: "1200% 1000%", position: "0% 0%" });
    expect(tileAt(strip, 1).position).toBe("100% 100%");
    expect(tileAt({ columns: 1, tiles: 1 }, 0.7)).toEqual({ tile: 0, rows: 1, size: "100% 100%", position: "0% 0%" });
    expect(tileAt({ columns: 5, tiles: 8 }, 0.99)).toMatchObject({ tile: 7, rows: 2, size: "500% 200%", position: "50% 100%" });
  });
});
