import { describe, expect, test } from "vitest";
import { Desk, creation, key } from "../document/testing/desk";
import type { Room } from "../review/room";
import type { Thread } from "./board";
import { resolve } from "./fields";

/** As much of a room as changing notes needs. */
function roomOf(desk: Desk): Room {
  const submit: Room["session"]["submit"] = (operations) => {
    desk.submit(...operations);
    return true;
  };
  return { session: { submit }, mayChange: () => true } as unknown as Room;
}

function landAll(desk: Desk): void {
  for (let batches = desk.sent(); batches.length > 0; batches = desk.sent()) {
    for (const batch of batches) desk.land(batch);
    desk.nowS += 1;
  }
}

describe("many notes at once", () => {
  test("are resolved as one action: one undo opens all of them again", () => {
    const desk = new Desk().open();
    const numbers = Array.from({ length: 45 }, (_, at) => at + 1);
    for (const number of numbers) desk.submit(creation(number));
    landAll(desk);
    const root = (number: number): Thread["root"] => desk.client.screen.get(key(number))!.annotation;
    const threads = numbers.map((number): Thread => ({ root: root(number) }) as Thread);
    expect(resolve(roomOf(desk), threads, true)).toBe(true);
    landAll(desk);
    expect(numbers.every((number) => root(number).resolved)).toBe(true);
    desk.client.undo(desk.nowS);
    landAll(desk);
    expect(numbers.filter((number) => root(number).resolved)).toEqual([]);
  });
});
