import { describe, expect, test } from "vitest";
import { withEnd } from "./range";

describe("an end of a note's frames", () => {
  test("is set, and the other stays", () => {
    expect(withEnd({ first: 10, last: 20 }, "first", 5)).toEqual({ first: 5, last: 20 });
    expect(withEnd({ first: 10, last: 20 }, "last", 30)).toEqual({ first: 10, last: 30 });
  });
  test("beyond the other takes it along", () => {
    expect(withEnd({ first: 10, last: 20 }, "first", 25)).toEqual({ first: 25, last: 25 });
    expect(withEnd({ first: 10, last: 20 }, "last", 4)).toEqual({ first: 4, last: 4 });
  });
});
