import { describe, expect, test } from "vitest";
import { FIT } from "../canvas/view";
import { EVERYTHING } from "../notes/board";
import { filterOf, filterText, lookOf, lookText, onAnother } from "./address";

describe("the state in the address", () => {
  test("a look is read back as it was written, and what is none fits", () => {
    expect(lookText(FIT)).toBe("");
    const look = lookOf("2.5,120,-40");
    expect(lookText(look)).toBe("2.5,120,-40");
    for (const bad of ["", "2", "x,1,2", "2,1", "2,Infinity,0", "-1,0,0", "1e9,0,0"]) expect(lookOf(bad)).toEqual(FIT);
  });
  test("of a filter only what is not as at first stands there", () => {
    expect(filterText(EVERYTHING)).toBe("");
    const filter = { ...EVERYTHING, show: "open" as const, query: "hands" };
    expect(JSON.parse(filterText(filter))).toEqual({ show: "open", query: "hands" });
    expect(filterOf(filterText(filter))).toEqual(filter);
  });
  test("what is no filter shows everything", () => {
    for (const bad of ["", "{", "[]", "7", "null", '{"query":1}', '{"other":"x"}', '{"query":["a"]}']) expect(filterOf(bad)).toEqual(EVERYTHING);
  });
  test("another cut that one compares with goes along to the next cut, the past of this one does not", () => {
    expect(onAnother({ compare: "v2,wipe", look: "2,0,0" })).toEqual({ compare: "v2,wipe", look: "2,0,0" });
    for (const past of ["r17", "s7", "s7-9,wipe"]) expect(onAnother({ compare: past, look: "2,0,0" })).toEqual({ compare: "", look: "2,0,0" });
  });
});
