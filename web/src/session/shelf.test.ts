import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { forgetShelf, keepShelf, lookUp, putAway, takeOff } from "./shelf";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

describe("what was seen", () => {
  test("it is there for whoever saw it, and for nobody else", async () => {
    await putAway("answers", "ann", "list", bytes(1));
    await putAway("answers", "ann", "list", bytes(2));
    expect(await lookUp("answers", "ann", "list")).toEqual(bytes(2));
    expect(await lookUp("answers", "ben", "list")).toBeUndefined();
    await putAway("answers", "", "list", bytes(3));
    expect(await lookUp("answers", "", "list")).toBeUndefined();
  });
  test("one thing is taken off, and all of a person is forgotten, of that person alone", async () => {
    for (const person of ["ann", "anna"]) await putAway("documents", person, "7", bytes(7));
    await takeOff("answers", "ann", "list");
    expect(await lookUp("answers", "ann", "list")).toBeUndefined();
    await forgetShelf("ann");
    expect(await lookUp("documents", "ann", "7")).toBeUndefined();
    expect(await lookUp("documents", "anna", "7")).toEqual(bytes(7));
  });
  test("what was on its way when a person was forgotten is not kept; when they are here again it is", async () => {
    await putAway("documents", "eve", "7", bytes(7));
    const forgotten = forgetShelf("eve");
    await putAway("documents", "eve", "7", bytes(8));
    await forgotten;
    expect(await lookUp("documents", "eve", "7")).toBeUndefined();
    keepShelf("eve");
    await putAway("documents", "eve", "7", bytes(9));
    expect(await lookUp("documents", "eve", "7")).toEqual(bytes(9));
  });
  test("the oldest go when there are too many", async () => {
    for (let number = 0; number < 65; number++) await putAway("documents", "cleo", String(number), bytes(number));
    const found = await Promise.all(Array.from({ length: 65 }, (_, number) => lookUp("documents", "cleo", String(number))));
    expect(found.filter(Boolean).length).toBeLessThanOrEqual(60);
    expect(found[64]).toEqual(bytes(64));
  });
  test("what is too large is not kept", async () => {
    await putAway("documents", "dan", "1", new Uint8Array(33 * 1024 * 1024));
    expect(await lookUp("documents", "dan", "1")).toBeUndefined();
  });
});
