import "fake-indexeddb/auto";
import { beforeAll, expect, test, vi } from "vitest";
import { lookUp, putAway } from "../session/shelf";

beforeAll(() => {
  vi.stubGlobal("location", { origin: "http://rushes.test" });
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ signed_in: false })));
});

test("a page whose person signed out on another page forgets what they saw", async () => {
  const { load, me } = await import("./auth");
  me.value = { personId: "ann", name: "Ann", email: "ann@rushes.test", color: 0, guest: false, administrator: false };
  await putAway("documents", "ann", "7", Uint8Array.of(7));
  await load();
  expect(me.value).toBeNull();
  await expect.poll(() => lookUp("documents", "ann", "7")).toBeUndefined();
});
