import "fake-indexeddb/auto";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { Audience } from "../document";
import { creation, Desk } from "../document/testing/desk";
import { VIDEO } from "../document/testing/server";
import { lastSeen, Memory } from "./kept_document";

/** One who has seen a note. */
function reader(): { desk: Desk; memory: Memory } {
  const desk = new Desk().open();
  desk.other(creation(1));
  return { desk, memory: new Memory(desk.client, () => Audience.CLIENT) };
}

const seen = async (): Promise<number | undefined> => (await lastSeen("ann", VIDEO))?.states.length;

beforeAll(() => {
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("removeEventListener", () => undefined);
});

describe("the document that is kept", () => {
  test("what is seen is there when one has left", async () => {
    const { memory } = reader();
    memory.end();
    await expect.poll(seen).toBe(1);
  });
  test("what is not to be seen any more is not written back, neither later nor on leaving", async () => {
    const { desk, memory } = reader();
    memory.write();
    await expect.poll(seen).toBe(1);
    await memory.forget();
    desk.other(creation(2));
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    memory.touch();
    vi.runAllTimers();
    vi.useRealTimers();
    memory.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await seen()).toBeUndefined();
  });
  test("who is signed out gets nothing more kept", async () => {
    const { memory } = reader();
    memory.cease();
    memory.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await seen()).toBeUndefined();
  });
});
