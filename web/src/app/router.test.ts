import { describe, expect, test } from "vitest";
import { inside, parse, reviewPath } from "./router";

const at = (path: string): ReturnType<typeof parse> => parse(new URL(path, "http://here"));

const PLAIN = { look: "", filter: "", compare: "", live: "", replay: "" };

describe("addresses", () => {
  test("the root is the library, of a project or of none", () => {
    expect(at("/")).toEqual({ name: "library", project: "" });
    expect(at("/?project=7")).toEqual({ name: "library", project: "7" });
    expect(at("/?project=x")).toEqual({ name: "library", project: "" });
  });
  test("a review names its asset, cut and frame", () => {
    expect(at("/a/12?v=3&f=100")).toEqual({ name: "review", asset: "12", cut: 3, frame: 100, note: "", ...PLAIN });
    expect(at("/a/12?f=-1")).toEqual({ name: "review", asset: "12", cut: undefined, frame: undefined, note: "", ...PLAIN });
  });
  test("an address is read back as it was made", () => {
    const note = "0123456789abcdef0123456789abcdef";
    expect(at(reviewPath("5", 2, 0, note))).toEqual({ name: "review", asset: "5", cut: 2, frame: 0, note, ...PLAIN });
    expect(reviewPath("5")).toBe("/a/5");
    const sight = { look: "2,120,-40", filter: "{\"query\":\"a&b\"}", compare: "v1", live: "abcdefghijklmnopqrstuvwxyz", replay: "" };
    const path = reviewPath("5", 2, 7, "", sight);
    expect(path).toContain("z=2,120,-40");
    expect(at(path)).toEqual({ name: "review", asset: "5", cut: 2, frame: 7, note: "", ...sight });
  });
  test("the secret of an invitation stands behind the hash, where no server sees it", () => {
    expect(at("/invite#abc")).toEqual({ name: "invite", secret: "abc", next: "/" });
    expect(at("/invite?next=%2Fa%2F5%3Fr%3Dx#abc")).toEqual({ name: "invite", secret: "abc", next: "/a/5?r=x" });
  });
  test("after sign-in one goes on within the page only", () => {
    expect(inside("/a/1?f=2")).toBe("/a/1?f=2");
    for (const bad of ["//evil", "https://evil", "/\\evil", null]) expect(inside(bad)).toBe("/");
  });
  test("anything else is lost", () => {
    expect(at("/a/x")).toEqual({ name: "lost" });
    expect(at("/nothing")).toEqual({ name: "lost" });
  });
});
