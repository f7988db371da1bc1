import "fake-indexeddb/auto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Stored } from "../document";
import { adopt, fresh, pendingElsewhere, readAll } from "./keep";

/** Locks as the browser gives them, within this one process. */
class Locks {
  private readonly held = new Set<string>();

  async request(name: string, _: object, run: (lock: object | null) => Promise<void>): Promise<void> {
    if (this.held.has(name)) return run(null);
    this.held.add(name);
    try {
      await run({ name });
    } finally {
      this.held.delete(name);
    }
  }
}

const item = { operation: Uint8Array.of(1), action: 1, kind: "do" as const };
const stored = (videoId: number, personId: string): Stored => ({
  videoId,
  personId,
  clientId: "0".repeat(32),
  movesId: "0".repeat(32),
  epoch: 1,
  nextSeq: 1,
  committed: false,
  sent: [],
  unsent: [item],
  doubt: [],
  texts: [],
});
const failed = (error: unknown): never => {
  throw error;
};

beforeAll(() => {
  Object.defineProperty(globalThis.navigator, "locks", { value: new Locks(), configurable: true });
});

describe("work that is kept", () => {
  test("it is there until it is taken out, and only the latest counts", async () => {
    const keeper = await fresh("a", "ann", failed);
    const asked: number[] = [];
    for (const video of [1, 2, 3]) keeper.put(() => (asked.push(video), stored(video, "ann")));
    await keeper.settled();
    // The second came while the first was written, and so did the third.
    expect(asked).toEqual([1, 3]);
    expect((await readAll()).map((kept) => kept.videoId)).toEqual([3]);
    expect(await pendingElsewhere()).toBe(1);
    keeper.put(null);
    await keeper.settled();
    expect(await readAll()).toEqual([]);
    await keeper.close();
  });
  test("a page that lives keeps its work to itself; one that is gone leaves it to the next", async () => {
    const keeper = await fresh("b", "ann", failed);
    keeper.put(() => stored(7, "ann"));
    await keeper.settled();
    expect(await adopt("ann", (video) => video === 7, failed)).toEqual([]);
    await keeper.close();
    const orphans = await adopt("ann", (video) => video === 7, failed);
    expect(orphans.map(({ kept }) => kept.key)).toEqual(["b"]);
    orphans[0]!.keeper.put(null);
    await orphans[0]!.keeper.close();
    expect(await readAll()).toEqual([]);
  });
  test("nobody gets another person's work, or that of another video", async () => {
    const keeper = await fresh("c", "ann", failed);
    keeper.put(() => stored(7, "ann"));
    await keeper.close();
    expect(await adopt("bob", () => true, failed)).toEqual([]);
    expect(await adopt("ann", (video) => video === 8, failed)).toEqual([]);
    const [orphan] = await adopt("ann", () => true, failed);
    orphan!.keeper.put(null);
    await orphan!.keeper.close();
  });
});
