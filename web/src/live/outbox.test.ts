import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { SignalDoneSchema, type SignalDone } from "../gen/rushes/signaling/v1/room_service_pb";
import { Outbox, RESEND_MS, retryOf, TRIES } from "./outbox";

const chat = (value: string): { case: "chat"; value: string } => ({ case: "chat", value });
const numbers = (requests: readonly { number: bigint }[] | undefined): number[] | undefined => requests?.map(({ number }) => Number(number));

function told(): { done: (done: SignalDone) => void; heard: [number, number][] } {
  const heard: [number, number][] = [];
  return { done: ({ number, error }) => heard.push([Number(number), error?.code ?? 0]), heard };
}

describe("requests to a live room", () => {
  test("they are numbered in order, and answered each once", () => {
    const outbox = new Outbox();
    const { done, heard } = told();
    expect(["a", "b"].map((text) => Number(outbox.put(chat(text), 0, done).number))).toEqual([1, 2]);
    outbox.answered(create(SignalDoneSchema, { number: 2n, error: { code: 9 } }));
    outbox.answered(create(SignalDoneSchema, { number: 2n }));
    outbox.answered(create(SignalDoneSchema, { number: 1n }));
    expect(heard).toEqual([[2, 9], [1, 0]]);
    expect(numbers(outbox.due(10 * RESEND_MS))).toEqual([]);
  });

  test("what is not answered is sent again, three times, two seconds apart; then the way is dead", () => {
    const outbox = new Outbox();
    outbox.put(chat("a"), 0, () => undefined);
    outbox.put(chat("b"), 1000, () => undefined);
    const sent: [number, number[] | undefined][] = [];
    for (let now = 0; now <= 8000; now += 500) {
      const due = numbers(outbox.due(now));
      if (due?.length !== 0) sent.push([now, due]);
      if (!due) break;
    }
    expect(sent).toEqual([[2000, [1]], [3000, [2]], [4000, [1]], [5000, [2]], [6000, [1]], [7000, [2]], [8000, undefined]]);
  });

  test("after a cut what was done is not sent again, and the rest in order, with all its tries", () => {
    const outbox = new Outbox();
    outbox.resume(0n, 0);
    const { done, heard } = told();
    for (const text of ["a", "b", "c"]) outbox.put(chat(text), 0, done);
    for (const now of [2000, 4000, 6000]) outbox.due(now);
    outbox.put(chat("d"), 7000, done);
    expect(numbers(outbox.resume(2n, 9000))).toEqual([3, 4]);
    expect(heard).toEqual([[1, 0], [2, 0]]);
    expect(numbers(outbox.due(10_000))).toEqual([]);
    expect(numbers(outbox.due(11_000))).toEqual([3, 4]);
    expect(outbox.due(13_000)).toBeDefined();
  });

  test("after a cut what is not in the room's record is sent again, though acts behind it were done", () => {
    const outbox = new Outbox();
    outbox.resume(0n, 0);
    const { done, heard } = told();
    outbox.put({ case: "publish", value: { offer: "v=0" } }, 0, done);
    outbox.put(chat("a"), 0, done);
    outbox.put({ case: "subscribe", value: {} }, 0, done);
    outbox.put({ case: "slotsAnswer", value: "v=0" }, 0, done);
    outbox.put({ case: "show", value: {} }, 0, done);
    outbox.put(chat("b"), 0, done);
    expect(numbers(outbox.resume(6n, 1000))).toEqual([1, 3, 4, 5]);
    expect(heard).toEqual([[2, 0], [6, 0]]);
    outbox.answered(create(SignalDoneSchema, { number: 1n }));
    expect(numbers(outbox.due(1000 + RESEND_MS))).toEqual([3, 4, 5]);
  });

  test("a page that was loaded again goes on behind what the one before had done", () => {
    const outbox = new Outbox();
    expect(outbox.resume(7n, 0)).toEqual([]);
    expect(outbox.put(chat("a"), 0, () => undefined).number).toBe(8n);
  });

  test("what a page that was loaded again asks before its stream opens comes behind what the one before had done", () => {
    const outbox = new Outbox();
    const { done, heard } = told();
    for (const text of ["a", "b"]) outbox.put(chat(text), 0, done);
    expect(numbers(outbox.resume(7n, 1000))).toEqual([8, 9]);
    expect(heard).toEqual([]);
    expect(outbox.put(chat("c"), 1000, done).number).toBe(10n);
    outbox.answered(create(SignalDoneSchema, { number: 8n }));
    expect(numbers(outbox.resume(9n, 2000))).toEqual([10]);
    expect(heard).toEqual([[8, 0], [9, 0]]);
  });

  test("nothing that was asked by who one was before is asked by somebody new", () => {
    const outbox = new Outbox();
    const { done, heard } = told();
    outbox.resume(0n, 0);
    outbox.put(chat("a"), 0, done);
    outbox.begin();
    expect(heard).toEqual([[1, 1]]);
    expect(outbox.resume(0n, 0)).toEqual([]);
    expect(outbox.put(chat("b"), 0, done).number).toBe(1n);
  });

  test("what a page asks before its stream opens is asked though its place was kept for nobody", () => {
    const outbox = new Outbox();
    const { done, heard } = told();
    outbox.put(chat("a"), 0, done);
    outbox.begin();
    expect(numbers(outbox.resume(0n, 0))).toEqual([1]);
    expect(heard).toEqual([]);
  });

  test("the description that comes before an answer is of that answer", () => {
    const outbox = new Outbox();
    const heard: string[] = [];
    for (let number = 0; number < 2; number++) outbox.put({ case: "publish", value: { offer: "v=0" } }, 0, (_, description) => heard.push(description));
    outbox.answered(create(SignalDoneSchema, { number: 1n }), "one");
    outbox.answered(create(SignalDoneSchema, { number: 1n }), "one, said again");
    outbox.answered(create(SignalDoneSchema, { number: 2n }));
    expect(heard).toEqual(["one", ""]);
  });

  test("a cut stream is tried five times, longer and longer, and then now and then", () => {
    const waits = Array.from({ length: 7 }, (_, failures) => retryOf(failures, 0.999));
    expect(waits.map(({ lost }) => lost)).toEqual([false, false, false, false, false, true, true]);
    const quick = waits.slice(0, TRIES).map(({ waitMs }) => waitMs);
    expect(quick).toEqual([...quick].sort((a, b) => a - b));
    expect(quick[0]).toBe(100);
    for (const { waitMs } of waits.slice(TRIES)) expect(waitMs).toBeGreaterThan(quick.at(-1) ?? 0);
  });
});
