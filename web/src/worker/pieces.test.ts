import { describe, expect, test } from "vitest";
import { Cutter, PIECE_BYTES, spanAnswered, spanOf, tooMany, type Facts } from "./pieces";

const SIZE = 3 * PIECE_BYTES + 1000;

function facts(path: string, keptBytes: number, usedMs: number): Facts {
  return { path, etag: "", contentType: "", sizeBytes: keptBytes, keptBytes, usedMs };
}

function cut(begin: number, lengths: readonly number[]): { index: number; first: number | undefined; length: number }[] {
  const cutter = new Cutter(begin, SIZE);
  let at = begin;
  return lengths.flatMap((length) => {
    // Each byte says which piece it is of.
    const bytes = Uint8Array.from({ length }, (_, offset) => Math.floor((at + offset) / PIECE_BYTES) + 1);
    at += length;
    return cutter.take(bytes).map(({ index, bytes: piece }) => {
      expect(new Set(piece).size).toBe(1);
      return { index, first: piece[0], length: piece.length };
    });
  });
}

describe("ranges", () => {
  test("a request names a span of the file, from either end", () => {
    expect(spanOf("bytes=0-", 100)).toEqual({ begin: 0, end: 100 });
    expect(spanOf("bytes=10-19", 100)).toEqual({ begin: 10, end: 20 });
    expect(spanOf("bytes=90-200", 100)).toEqual({ begin: 90, end: 100 });
    expect(spanOf("bytes=-30", 100)).toEqual({ begin: 70, end: 100 });
    expect(spanOf(null, 100)).toEqual({ begin: 0, end: 100 });
  });
  test("what is not there, or not one span, cannot be had", () => {
    expect(spanOf("bytes=100-", 100)).toBeUndefined();
    expect(spanOf("bytes=0-1,5-6", 100)).toBeUndefined();
    expect(spanOf("bytes=-", 100)).toBeUndefined();
  });
  test("an answer says where its bytes lie", () => {
    expect(spanAnswered(206, "bytes 5-9/20", "5")).toEqual({ begin: 5, end: 10, sizeBytes: 20 });
    expect(spanAnswered(200, null, "20")).toEqual({ begin: 0, end: 20, sizeBytes: 20 });
    expect(spanAnswered(206, "bytes */20", null)).toBeUndefined();
    expect(spanAnswered(304, null, null)).toBeUndefined();
  });
});

describe("pieces", () => {
  test("a whole file becomes all its pieces, however it comes", () => {
    const all = [
      { index: 0, first: 1, length: PIECE_BYTES },
      { index: 1, first: 2, length: PIECE_BYTES },
      { index: 2, first: 3, length: PIECE_BYTES },
      { index: 3, first: 4, length: 1000 },
    ];
    expect(cut(0, [SIZE])).toEqual(all);
    expect(cut(0, [1, PIECE_BYTES, 7, PIECE_BYTES * 2 - 8, 1000])).toEqual(all);
  });
  test("a stream that begins within a piece, or ends there, gives none of it", () => {
    expect(cut(10, [PIECE_BYTES, PIECE_BYTES])).toEqual([{ index: 1, first: 2, length: PIECE_BYTES }]);
    expect(cut(2 * PIECE_BYTES, [PIECE_BYTES - 1])).toEqual([]);
  });
  test("the end of the file is a piece", () => expect(cut(3 * PIECE_BYTES, [400, 600])).toEqual([{ index: 3, first: 4, length: 1000 }]));
});

describe("what is too much", () => {
  const kept = [facts("old", 40, 1), facts("new", 40, 3), facts("middle", 40, 2)];
  test("what was not used for longest goes first, and no more than must", () => {
    expect(tooMany(kept, 100, "").map(({ path }) => path)).toEqual(["old"]);
    expect(tooMany(kept, 120, "")).toEqual([]);
  });
  test("what is being looked at stays", () => expect(tooMany(kept, 50, "old").map(({ path }) => path)).toEqual(["middle", "new"]));
});
