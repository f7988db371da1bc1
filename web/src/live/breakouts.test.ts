import { describe, expect, test } from "vitest";
import { backTo, evenly, homeOf, leftOf, wayOf, type Split } from "./breakouts";

const group = (roomId: string, ...personIds: string[]): Split["rooms"][number] => ({ roomId, personIds, title: roomId, assetId: 0n });
const split = (over = false): Split => ({ splitId: "s", parentRoomId: "main", over, rooms: [group("one", "bob"), group("two", "gus")] });

describe("a room that is split", () => {
  test("whoever is assigned goes, also who comes late, and once there stays", () => {
    const way = wayOf(split(), "main", "bob", "");
    expect(way).toEqual({ to: "one", decided: "s/one" });
    expect(wayOf(split(), "one", "bob", way.decided).to).toBe("");
    expect(wayOf(split(), "one", "bob", "").to).toBe("");
  });

  test("whoever went back by themselves is not sent again, until they belong elsewhere", () => {
    expect(wayOf(split(), "main", "bob", "s/one").to).toBe("");
    const moved = { ...split(), rooms: [group("one"), group("two", "gus", "bob")] };
    expect(wayOf(moved, "main", "bob", "s/one")).toEqual({ to: "two", decided: "s/two" });
    expect(wayOf({ ...moved, splitId: "t", rooms: [group("one", "bob")] }, "main", "bob", "s/one").to).toBe("one");
  });

  test("whoever belongs to no breakout stays in the room, visits others, and comes back when taken out of one", () => {
    expect(wayOf(split(), "main", "ada", "")).toEqual({ to: "", decided: "s/main" });
    expect(wayOf(split(), "one", "ada", "s/main").to).toBe("");
    expect(wayOf(split(), "one", "ada", "s/one").to).toBe("main");
  });

  test("everybody who is called back goes back, a visitor too", () => {
    for (const decided of ["", "s/one", "s/main"]) expect(wayOf(split(true), "one", "bob", decided).to).toBe("main");
    expect(wayOf(split(true), "main", "bob", "s/one").to).toBe("");
    expect(homeOf(split(true), "bob")).toBeUndefined();
  });

  test("whom a breakout lets in no more goes back to its room; who was sent away, or was in no breakout, is out", () => {
    expect(["ROOM_ENDED", "NOT_ASSIGNED"].map((reason) => backTo(reason, "main"))).toEqual(["main", "main"]);
    expect(["WAS_REMOVED", "ROOM_IS_FULL", "SESSION_ENDED", ""].map((reason) => backTo(reason, "main"))).toEqual(["", "", "", ""]);
    expect(backTo("ROOM_ENDED", "")).toBe("");
  });

  test("people are shared out evenly", () => {
    expect([...evenly(["a", "b", "c", "d", "e"], 2).values()]).toEqual([0, 1, 0, 1, 0]);
    expect(evenly([], 3).size).toBe(0);
  });

  test("what is left of the time is counted down to nothing", () => {
    expect(leftOf(723_000, 600_000)).toBe("2:03");
    expect(leftOf(3_723_000, 0)).toBe("1:02:03");
    expect(leftOf(1_000, 1)).toBe("0:01");
    expect(leftOf(1_000, 5_000)).toBe("0:00");
  });
});
