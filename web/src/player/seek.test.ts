import { describe, expect, test } from "vitest";
import { SeekQueue } from "./seek";

describe("the queue of seeks", () => {
  test("one at a time, and always the latest", () => {
    const queue = new SeekQueue();
    expect(queue.ask(5)).toBe(5);
    expect([queue.ask(6), queue.ask(7), queue.target]).toEqual([undefined, undefined, 7]);
    expect(queue.done()).toBe(7);
    expect(queue.done()).toBeUndefined();
    expect([queue.busy, queue.target]).toEqual([false, undefined]);
  });
  test("back to the one under way, nothing waits", () => {
    const queue = new SeekQueue();
    queue.ask(5);
    queue.ask(6);
    queue.ask(5);
    expect(queue.done()).toBeUndefined();
  });
  test("playback does not begin at a frame that was left already", () => {
    const queue = new SeekQueue();
    queue.ask(22);
    expect(queue.hurry()).toBeUndefined();
    queue.ask(20);
    expect(queue.hurry()).toBe(20);
    expect([queue.target, queue.done()]).toEqual([20, undefined]);
  });
});
