import { describe, expect, test } from "vitest";
import { plan, type Newest } from "./newest";

const asset = (id: number, etag: string): { assetId: bigint; etag: string } => ({ assetId: BigInt(id), etag });
const newest = (total: number, ...assets: { assetId: bigint; etag: string }[]): Newest => ({ assets, total });
const BEFORE = newest(2, asset(1, "a"), asset(2, "b"));

describe("what others changed", () => {
  test("is nothing where nothing is new", () => {
    expect(plan(BEFORE, BEFORE, BEFORE)).toBe("nothing");
  });
  test("is nothing where it is one's own and shown already", () => {
    expect(plan(BEFORE, newest(2, asset(1, "A"), asset(2, "b")), newest(2, asset(1, "A"), asset(2, "b")))).toBe("nothing");
    expect(plan(BEFORE, newest(1, asset(1, "a")), newest(1, asset(1, "a")))).toBe("nothing");
  });
  test("has a short list read again", () => {
    expect(plan(BEFORE, newest(2, asset(2, "B"), asset(1, "a")), BEFORE)).toBe("reload");
    expect(plan(BEFORE, newest(3, asset(3, "c"), asset(1, "a"), asset(2, "b")), BEFORE)).toBe("reload");
    expect(plan(BEFORE, newest(1, asset(1, "a")), BEFORE)).toBe("reload");
  });
  test("is put where it stands in a long list that others came to or went from not", () => {
    const long = newest(300, ...Array.from({ length: 300 }, (_, id) => asset(id, "a")));
    const renamed = newest(300, asset(7, "A"), asset(1, "a"));
    expect(plan(newest(300, asset(1, "a")), renamed, long)).toEqual([asset(7, "A")]);
    expect(plan(newest(299, asset(1, "a")), renamed, long)).toBe("reload");
  });
  test("is of the first look only what is shown otherwise", () => {
    expect(plan(undefined, newest(9, asset(9, "x"), asset(1, "A")), BEFORE)).toEqual([asset(1, "A")]);
    expect(plan(undefined, newest(9, asset(9, "x"), asset(1, "a")), BEFORE)).toBe("nothing");
  });
});
