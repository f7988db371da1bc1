import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnnotationKind, Audience, encodePoints, fromHex, newAnnotation } from "../document";
import { PresentPersonSchema } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { everyMs, otherOf, Pulse, stateMessage, type Doing } from "./presence";

const ID = "00112233445566778899aabbccddeeff";

describe("presence", () => {
  test("what one is doing is what others see", () => {
    const doing: Doing = {
      frame: 12,
      playing: true,
      speed: -2,
      cursor: { x: -5, y: 7 },
      tool: "pen",
      audience: Audience.CLIENT,
      following: ID,
      transient: [newAnnotation({ id: ID, kind: AnnotationKind.STROKE, points: encodePoints([0, 0, 5, 9]), position: { x: 1, y: 2 } })],
      laser: [1, 2, 10, 20, -4, 0],
      moving: [{ id: ID, to: { x: 3, y: 4 }, box: undefined }],
    };
    const person = create(PresentPersonSchema, { clientId: fromHex(ID), personId: "p", name: "Ann", state: stateMessage(doing) });
    const seen = otherOf(person);
    expect(seen).toMatchObject({ clientId: ID, personId: "p", name: "Ann", frame: 12, playing: true, speed: -2, tool: "pen" });
    expect(seen.cursor).toEqual(doing.cursor);
    expect(seen.laser).toEqual(doing.laser);
    expect(seen.moving).toEqual(doing.moving);
    expect(seen.transient[0]).toMatchObject({ id: ID, position: { x: 1, y: 2 } });
    expect(seen.following).toBe(ID);
  });
  test("somebody of whom nothing is known yet is at the start", () => {
    expect(otherOf(create(PresentPersonSchema, { personId: "p" }))).toMatchObject({ frame: 0, playing: false, following: "" });
  });
});

describe("how often one says where one is", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test.each([
    [2, true, 50],
    [2, false, 50],
    [30, false, 50],
    [31, true, 50],
    [31, false, 1000],
    [100, true, 100],
    [2000, true, 200],
    [2000, false, 1000],
  ])("of %d people, shown to them: %s, every %d ms", (people, shown, every) => {
    expect(everyMs(people, shown)).toBe(every);
  });

  test("the first goes at once, what follows waits for its time, and the last is never left out", () => {
    let every = 50;
    const sent: number[] = [];
    const pulse = new Pulse(
      () => sent.push(performance.now()),
      () => every,
    );
    const begin = performance.now();
    const touched = (): number[] => (pulse.touch(), vi.advanceTimersByTime(10), sent.map((at) => at - begin));
    expect(touched()).toEqual([0]);
    expect([1, 2, 3].map(touched).at(-1)).toEqual([0]);
    expect(touched()).toEqual([0, 50]);
    every = 1000;
    touched();
    vi.advanceTimersByTime(5000);
    expect(touched()).toEqual([0, 50, 1050, 5060]);
    pulse.touch();
    pulse.stop();
    vi.advanceTimersByTime(5000);
    expect(sent).toHaveLength(4);
  });
});
