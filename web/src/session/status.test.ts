import { describe, expect, test } from "vitest";
import { Latency, statusOf, type Facts } from "./status";

const good: Facts = { link: { kind: "open" }, online: true, pending: 0, writable: true, trouble: "", resumed: false };

describe("what is said of the connection", () => {
  test("with nothing pending it is saved, else it is being saved", () => {
    expect(statusOf(good)).toEqual({ kind: "saved" });
    expect(statusOf({ ...good, pending: 3 })).toEqual({ kind: "saving", pending: 3 });
  });
  test("without a network it is offline, and says how much waits", () => {
    const link = { kind: "waiting", untilMs: 0 } as const;
    expect(statusOf({ ...good, link, online: false, pending: 12 })).toEqual({ kind: "offline", pending: 12 });
    expect(statusOf({ ...good, link, pending: 1 })).toEqual({ kind: "reconnecting", pending: 1 });
  });
  test("the first connection is no reconnection", () => {
    expect(statusOf({ ...good, link: { kind: "connecting", again: false } })).toEqual({ kind: "connecting" });
    expect(statusOf({ ...good, link: { kind: "connecting", again: true } })).toEqual({ kind: "reconnecting", pending: 0 });
  });
  test("coming back is said for a moment", () => expect(statusOf({ ...good, resumed: true })).toEqual({ kind: "resumed" }));
  test("a full disk is said before anything else", () => {
    expect(statusOf({ ...good, trouble: "full", pending: 1 })).toEqual({ kind: "trouble", message: "full", pending: 1 });
  });
  test("who may not write reads, or is told what is not saved", () => {
    expect(statusOf({ ...good, writable: false })).toEqual({ kind: "readOnly" });
    expect(statusOf({ ...good, writable: false, pending: 2 })).toEqual({ kind: "notSaved", pending: 2 });
  });
  test("a session that has ended says so", () => {
    const link = { kind: "refused", why: "signedOut", message: "" } as const;
    expect(statusOf({ ...good, link, pending: 2 })).toEqual({ kind: "signedOut", pending: 2 });
  });
});

test("one slow answer does not change the latency", () => {
  const latency = new Latency();
  for (const value of [10, 12, 11]) latency.add(value);
  expect(latency.add(900)).toBeLessThanOrEqual(12);
});
