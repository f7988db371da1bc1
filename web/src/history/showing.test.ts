/** What of the past stands in the address. */
import { describe, expect, test } from "vitest";
import type { Version } from "../gen/rushes/version/v1/version_pb";
import { isPast, pastText, showingOf, type Showing } from "./showing";

const known = (versionId: bigint): Version => ({ versionId }) as Version;
const find = (id: bigint): Promise<Version | undefined> => Promise.resolve(id < 100n ? known(id) : undefined);

describe("the past in the address", () => {
  test.each<[string, Showing]>([
    ["r17", { kind: "revision", revision: 17 }],
    ["s7", { kind: "version", version: known(7n) }],
    ["s7-9,wipe", { kind: "compare", a: known(7n), b: known(9n), mode: "wipe" }],
  ])("%s is read back as it was written", async (text, showing) => {
    expect(pastText(showing)).toBe(text);
    expect(isPast(text)).toBe(true);
    expect(await showingOf(text, find)).toEqual(showing);
  });
  test("of what is not there, or is none, nothing is shown", async () => {
    for (const text of ["s700", "s7-900,wipe", "s7-9", "r", "r1x", "s7-9,"]) expect(await showingOf(text, find)).toBeUndefined();
    expect(["", "v3,wipe", "r", "sx"].map(isPast)).toEqual([false, false, false, false]);
  });
});
