/** What a client sends and when, what it refuses, and how little it does for one commit. */

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import * as service from "../gen/rushes/annotation/v1/annotation_service_pb";
import { InvalidArgument, NotFound } from "./errors";
import { FrameIndex } from "./frame_index";
import { AnnotationKind, decodePoints, encodePoints, newAnnotation } from "./model";
import type { AnnotationState, Operation } from "./model";
import { Desk, creation, key, movement } from "./testing/desk";
import { Random } from "./testing/random";

function strokes(count: number): AnnotationState[] {
  return Array.from({ length: count }, (_, index) => ({
    annotation: newAnnotation({
      id: key(index + 1),
      kind: AnnotationKind.STROKE,
      points: [0, 0],
      firstFrame: index % 240,
      lastFrame: index % 240,
    }),
    orderRevision: index + 1,
    orderIndex: 0,
    stamps: [],
    moves: [],
  }));
}

describe("sending", () => {
  test("the first batch goes at once and the next 50 ms later", () => {
    const desk = new Desk().open();
    desk.submit(creation(1));
    expect(desk.sent()).toHaveLength(1);
    desk.submit(creation(2));
    desk.nowS += 0.02;
    expect(desk.sent()).toHaveLength(0);
    expect(desk.client.wakeAt(desk.nowS)).toBeCloseTo(desk.nowS + 0.03);
    desk.nowS += 0.031;
    expect(desk.sent()).toHaveLength(1);
  });

  test("at most eight batches of at most twenty operations are in flight", () => {
    const desk = new Desk().open();
    for (let number = 1; number <= 200; number++) {
      desk.submit(creation(number));
    }
    const batches = Array.from({ length: 12 }, () => {
      desk.nowS += 0.06;
      return desk.sent();
    }).flat();
    expect(batches.map((batch) => batch.operations.length)).toEqual(Array<number>(8).fill(20));
    expect(desk.client.wakeAt(desk.nowS)).toBeUndefined();
    desk.land(batches[0]!);
    desk.nowS += 0.06;
    expect(desk.sent()).toHaveLength(1);
  });

  test("typing becomes one edit while one of that text is in flight", () => {
    const desk = new Desk().open();
    desk.submit(creation(1, "a"));
    const [made] = desk.sent();
    desk.client.editText(key(1), "ab", desk.nowS);
    desk.nowS += 0.06;
    const [first] = desk.sent();
    for (const text of ["abc", "abcd", "ab🎬"]) {
      desk.client.editText(key(1), text, desk.nowS);
    }
    desk.nowS += 0.06;
    expect(desk.sent()).toHaveLength(0);
    desk.land(made!);
    desk.land(first!);
    const [second] = desk.sent();
    expect(second?.operations[0]?.kind).toMatchObject({
      case: "editText",
      value: { pieces: [{ piece: { case: "retain", value: 2 } }, { piece: { case: "insert", value: "🎬" } }] },
    });
  });

  test("after a cut the same batches go again", () => {
    const desk = new Desk().open();
    desk.submit(creation(1));
    const [batch] = desk.sent();
    desk.client.disconnected();
    desk.client.connect(0);
    const opened = { epoch: 1n, personId: "ann", permissions: 0b111110 };
    desk.receive({ case: "opened", value: create(service.CollaborateOpenedSchema, opened) });
    expect(desk.sent()).toEqual([batch]);
  });
});

describe("what no server would take is refused at once", () => {
  const bad: [string, Operation][] = [
    ["INVALID_EDIT", creation(1, "\ud83c")],
    ["INVALID_EDIT", { kind: "editText", id: key(1), pieces: [1, 1] }],
    ["TEXT_MISMATCH", { kind: "editText", id: key(1), pieces: [1, "a"] }],
    ["INVALID_POSITION", movement(1, (1 << 20) + 1)],
    ["NOTHING_SET", { kind: "resize", id: key(1) }],
    ["INVALID_ID", { kind: "setDeleted", id: "00", deleted: true }],
    ["SERVER_ONLY", { kind: "present", state: strokes(1)[0]! }],
    ["OPERATION_TOO_LARGE", creation(1, "a".repeat(17_000))],
    ["TEXT_TOO_LONG", creation(1, "漢".repeat(2000))],
  ];
  test.each(bad)("%s", (reason, operation) => {
    const desk = new Desk().open();
    expect(() => desk.submit(creation(2), operation)).toThrow(expect.objectContaining({ reason }) as Error);
    expect(desk.client.pendingCount).toBe(0);
    expect(desk.client.screen.annotations).toEqual([]);
  });

  test("a text that is there for nobody, or can be no text", () => {
    const desk = new Desk().open();
    expect(() => desk.client.editText(key(1), "a", 0)).toThrow(NotFound);
    desk.submit(creation(1));
    expect(() => desk.client.editText(key(1), "\udfac", 0)).toThrow(InvalidArgument);
    expect(() => desk.client.editText(key(1), "漢".repeat(22_000), 0)).toThrow(InvalidArgument);
  });

  test("work of another video", () => {
    const stored = { ...new Desk().client.dump(), videoId: 8 };
    expect(() => new Desk(stored)).toThrow(InvalidArgument);
  });
});

test("work outlives the page", () => {
  const desk = new Desk().open();
  desk.submit(creation(1, "a🎬"));
  const [batch] = desk.sent();
  desk.submit(movement(1, 5));
  const again = new Desk(structuredClone(desk.client.dump()));
  expect(again.client.pendingCount).toBe(2);
  expect(again.client.screen.annotations).toEqual([]);
  again.open();
  expect(again.client.screen.get(key(1))?.annotation).toMatchObject({ text: "a🎬", position: { x: 5, y: 0 } });
  expect(again.sent()[0]).toEqual(batch);
});

test("undo and redo put fields and text back", () => {
  const desk = new Desk().open();
  const settle = (): void => {
    desk.nowS += 0.06;
    desk.sent().forEach((batch) => desk.land(batch));
  };
  desk.submit(creation(1, "a"));
  settle();
  desk.submit(movement(1, 5), { kind: "editText", id: key(1), pieces: [1, "b"] });
  settle();
  expect(desk.client.canUndo).toBe(true);
  desk.client.undo(desk.nowS);
  expect(desk.client.screen.get(key(1))?.annotation).toMatchObject({ text: "a", position: { x: 0, y: 0 } });
  settle();
  desk.client.redo(desk.nowS);
  settle();
  expect(desk.client.confirmed.get(key(1))?.annotation).toMatchObject({ text: "ab", position: { x: 5, y: 0 } });
  expect(desk.client.canRedo).toBe(false);
});

test("an integer that no number holds means beginning anew", () => {
  const desk = new Desk().open();
  const events = desk.receive({ case: "progressRevision", value: 1n << 53n });
  expect(events).toEqual([{ kind: "reconnect", reason: "DIVERGED" }]);
  expect(desk.client.connect(0).message.value).not.toHaveProperty("resumeRevision");
});

test("a commit that does not fit means beginning anew", () => {
  const desk = new Desk().open();
  desk.other(creation(1, "abc"));
  const events = desk.other({ kind: "editText", id: key(1), pieces: [1] });
  expect(events).toEqual([{ kind: "reconnect", reason: "DIVERGED" }]);
});

test("a caret learns what others typed", () => {
  const desk = new Desk().open();
  desk.submit(creation(1, "ab"));
  desk.land(desk.sent()[0]!);
  desk.client.editText(key(1), "abX", desk.nowS);
  const events = desk.other({ kind: "editText", id: key(1), pieces: ["Y", 2] });
  expect(events).toContainEqual({ kind: "textMoved", id: key(1), edit: ["Y", 3] });
  expect(desk.client.screen.get(key(1))?.annotation.text).toBe("YabX");
});

describe("among 10,000 strokes", () => {
  test("an event names what it touched, and nothing else is looked at or made anew", () => {
    const desk = new Desk().open(strokes(10_000));
    const { client } = desk;
    const before = new Map(client.screen.annotations.map((state) => [state.annotation.id, state]));
    let listed = 0;
    Object.defineProperty(client.confirmed, "annotations", { get: () => listed++ });
    const events = [
      ...desk.other(movement(5000, 7)),
      ...desk.other(creation(20_000)),
      ...desk.submit(movement(6000, 7)),
      ...desk.land(desk.sent()[0]!),
      ...desk.other({ kind: "setDeleted", id: key(7000), deleted: true }),
    ];
    const named = new Set(events.flatMap((event) => (event.kind === "changed" ? [...event.ids!] : [])));
    expect(named).toEqual(new Set([5000, 20_000, 6000, 7000].map(key)));
    expect(listed).toBe(0);
    for (const [id, state] of before) {
      expect(client.screen.get(id) === state, id).toBe(!named.has(id));
    }
  });

  test("a frame is found without looking at the others", () => {
    const desk = new Desk().open(strokes(10_000));
    const { screen } = desk.client;
    let looked = 0;
    const index = new FrameIndex({
      get: (id) => {
        looked++;
        return screen.get(id);
      },
      annotations: screen.annotations,
    });
    for (const event of desk.other(movement(5000, 7))) {
      if (event.kind === "changed") {
        index.update(event.ids);
      }
    }
    expect(looked).toBe(1);
    expect(index.on(3)).toHaveLength(42);
    expect(looked).toBeLessThan(1500);
  });
});

test("a frame index shows what a look at everything shows", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const desk = new Desk().open(strokes(60));
    const { screen } = desk.client;
    const index = new FrameIndex(screen);
    for (let step = 0; step < 60; step++) {
      const id = key(random.int(1, 60));
      const first = random.int(0, 239);
      const last = random.choice([first, first, random.int(first, 239), 100_000]);
      const events = random.chance(0.3)
        ? desk.other({ kind: "setDeleted", id, deleted: random.chance(0.5) })
        : desk.submit({
            kind: "setFields",
            id,
            fields: [{ field: "frames", value: { kind: "frames", frames: { first, last } } }],
          });
      events.forEach((event) => event.kind === "changed" && index.update(event.ids));
    }
    for (let frame = 0; frame < 240; frame++) {
      const shown = screen.annotations.filter(
        ({ annotation: { firstFrame, lastFrame, deleted } }) => !deleted && firstFrame <= frame && frame <= lastFrame,
      );
      expect(index.on(frame)).toEqual(shown);
    }
  }
});

test("points are kept as differences", () => {
  const places = [5, -7, 6, -7, -100, 20];
  expect(encodePoints(places)).toEqual([5, -7, 1, 0, -106, 27]);
  expect(decodePoints(encodePoints(places))).toEqual(places);
});
