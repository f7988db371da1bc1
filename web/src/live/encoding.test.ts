import { describe, expect, test } from "vitest";
import { codingsOf, encodingsOf, preferred } from "./encoding";

const CODECS = ["video/VP8", "video/rtx", "video/H264", "video/AV1", "video/VP9"].map((mimeType) => ({ mimeType }));

describe("how pictures are encoded", () => {
  test("three streams that every browser decodes, or one of three sizes", () => {
    expect(encodingsOf("").map(({ rid }) => rid)).toEqual(["h", "m", "l"]);
    expect(encodingsOf("VP9")).toEqual([{ maxBitrate: 2_000_000, scalabilityMode: "L3T3_KEY" }]);
    expect(encodingsOf("")[0]).not.toBe(encodingsOf("")[0]);
  });

  test("only what the browser has can be chosen", () => {
    expect(codingsOf(CODECS)).toEqual(["", "VP9", "AV1"]);
    expect(codingsOf(CODECS.slice(0, 3))).toEqual([""]);
  });

  test("what is chosen is offered first, and everything else behind it", () => {
    expect(preferred(CODECS, "")).toBeUndefined();
    const order = preferred(CODECS, "VP9") ?? [];
    expect(order[0]?.mimeType).toBe("video/VP9");
    expect(order.slice(1).map(({ mimeType }) => mimeType)).toEqual(["video/VP8", "video/rtx", "video/H264", "video/AV1"]);
  });
});
