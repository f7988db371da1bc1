/** Five clients with cuts, duplicates, refusals, reloads and offline work end with one document, on every seed. */

import { expect, test } from "vitest";
import { World, type Options } from "./testing/world";

const NEVER = ["DIVERGED", "HOLE", "INVALID_SEEN", "INVALID_STAMP", "INVALID_BATCH", "STALE_TEXT"];

function settled(seed: number, steps: number, options: Options): World {
  const world = new World(seed, options).run(steps);
  for (const peer of world.peers) {
    expect(peer.client.confirmed.annotations, peer.personId).toEqual(world.wanted(peer));
    expect(peer.client.screen.annotations, peer.personId).toEqual(peer.client.confirmed.annotations);
  }
  expect(NEVER.filter((reason) => world.reasons.has(reason))).toEqual([]);
  return world;
}

test.each(Array.from({ length: 12 }, (_, seed) => seed))("whatever breaks everybody ends with one document: %i", (seed) => {
  settled(seed, 800, { merged: true, faults: true });
});

test("one's own batch coming back changes nothing on the screen", () => {
  const seeds = [100, 101, 102, 103, 104, 105];
  const pictures = seeds.flatMap((seed) => settled(seed, 1500, { merged: false, faults: false }).pictures);
  expect(pictures.length).toBeGreaterThan(100);
  for (const [before, after] of pictures) {
    expect(after).toEqual(before);
  }
});

test.each([200, 201, 202])("what was made and not refused is there: %i", (seed) => {
  const world = settled(seed, 400, { merged: false, faults: false });
  for (const peer of world.peers) {
    const refused = new Set(peer.dropped.flatMap((each) => (each.kind === "create" ? [each.annotation.id] : [])));
    for (const id of peer.created) {
      expect(world.server.document.get(id) === undefined, id).toBe(refused.has(id));
    }
  }
});

test("a seed replays", () => {
  const [first, second] = [1, 1].map((seed) => settled(seed, 300, { merged: true, faults: true }));
  expect(first?.server.document.toBytes()).toEqual(second?.server.document.toBytes());
});
