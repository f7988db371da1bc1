import { describe, expect, test } from "vitest";
import { AnnotationKind, Audience, checkOperation, decodePoints, newAnnotation, StrokeMode, TextAlign, type Annotation } from "../document";
import { Grid } from "./grid";
import { Hand, type Surroundings, type Tool, type Touch } from "./hand";
import { isOn, uppermost } from "./hit";
import { placedBox } from "./shape";
import { TOLERANCE } from "./stroke";

let made = 0;
const newId = (): string => (++made).toString(16).padStart(32, "0");

function around(tool: Tool, list: readonly Annotation[] = [], more: Partial<Surroundings> = {}): Surroundings {
  const drawn = new Grid();
  list.forEach((annotation, at) => drawn.put(annotation, at));
  const brush = { color: 0xff0000, width: 100, fontSize: 900, align: TextAlign.START };
  const setting = { first: 7, last: 7, audience: Audience.CLIENT };
  return { tool, brush, setting, drawn, mayChange: () => true, picture: undefined, tolerance: TOLERANCE, newId, ...more };
}

function touch(x: number, y: number, more: Partial<Touch> = {}): Touch {
  return { x, y, pressure: 128, pressed: false, shift: false, free: false, reach: 200, pixel: 30, nowMs: 0, ...more };
}

function rect(x: number, y: number, width: number, height: number): Annotation {
  return newAnnotation({
    id: newId(),
    kind: AnnotationKind.RECT,
    position: { x, y },
    box: { left: 0, top: 0, right: width, bottom: height },
    style: { color: 0, opacity: 255, width: 50, fill: 0, fontSize: 0, align: TextAlign.UNSPECIFIED },
  });
}

function drag(tool: Tool, path: [number, number][], drawn: readonly Annotation[] = [], more: Partial<Touch> = {}): [Hand, ReturnType<Hand["up"]>] {
  const hand = new Hand();
  hand.down(touch(...path[0]!, more), around(tool, drawn));
  for (const place of path.slice(1)) hand.move(touch(...place, more));
  return [hand, hand.up(touch(...path[path.length - 1]!, more))];
}

function created([, lifted]: ReturnType<typeof drag>): Annotation {
  const operation = lifted.operations[0];
  if (operation?.kind !== "create") throw new Error("nothing was created");
  checkOperation(operation);
  return operation.annotation;
}

describe("drawing", () => {
  test("a stroke is created once, on the frame, where it was drawn", () => {
    const stroke = created(drag("pen", [[100, 100], [1000, 500], [2000, 100]]));
    expect(stroke).toMatchObject({ kind: AnnotationKind.STROKE, firstFrame: 7, lastFrame: 7, position: { x: 100, y: 100 } });
    expect(decodePoints(stroke.points)).toEqual([0, 0, 900, 400, 1900, 0]);
    expect(stroke.pressure).toHaveLength(0);
    expect(placedBox(stroke)).toEqual({ left: 100, top: 100, right: 2000, bottom: 500 });
  });
  test("a pen's pressure is kept, one byte a point", () => {
    const stroke = created(drag("pen", [[0, 0], [500, 900], [2000, 0]], [], { pressed: true }));
    expect(stroke.pressure).toHaveLength(stroke.points.length / 2);
  });
  test("what a device foresees is drawn and never kept", () => {
    const hand = new Hand();
    hand.down(touch(0, 0), around("pen"));
    hand.move(touch(900, 0));
    hand.predicted = [{ x: 1500, y: 0, pressure: 128 }];
    expect(decodePoints(hand.drawing()!.points)).toEqual([0, 0, 900, 0, 1500, 0]);
    expect(decodePoints(hand.shown()!.points)).toEqual([0, 0, 900, 0]);
    const { operations } = hand.up(touch(1000, 0));
    expect(decodePoints((operations[0] as { annotation: Annotation }).annotation.points)).toEqual([0, 0, 1000, 0]);
  });
  test("a touch without a movement is a dot", () => expect(created(drag("pen", [[5, 5]])).points).toHaveLength(2));
  test("an eraser is a wider stroke that erases", () => {
    expect(created(drag("eraser", [[0, 0], [900, 0]]))).toMatchObject({ mode: StrokeMode.ERASE, style: { width: 400 } });
  });
  test("what is drawn is shown under an id that is never created", () => {
    const hand = new Hand();
    hand.down(touch(0, 0), around("pen"));
    hand.move(touch(900, 0));
    const shown = hand.drawing();
    const { operations } = hand.up(touch(1800, 0));
    expect(operations[0]).toMatchObject({ kind: "create" });
    expect((operations[0] as { annotation: Annotation }).annotation.id).not.toBe(shown?.id);
    expect(hand.drawing()).toBeUndefined();
  });
  test("past two thousand points the next stroke begins where the last ended", () => {
    const hand = new Hand();
    hand.down(touch(0, 0), around("pen"));
    const operations = [];
    for (let at = 1; at < 2500; at++) operations.push(...hand.move(touch((at % 2) * 500, at * 20)));
    operations.push(...hand.up(touch(0, 2500 * 20)).operations);
    expect(operations).toHaveLength(2);
    operations.forEach(checkOperation);
  });
  test("a line's ends never share a coordinate, so that each can be dragged anywhere", () => {
    const line = created(drag("line", [[0, 0], [1000, 0]]));
    expect(decodePoints(line.points)).toEqual([0, 0, 1000, 1]);
  });
  test("with Shift lines turn in steps and boxes are square", () => {
    expect(decodePoints(created(drag("arrow", [[0, 0], [1000, 90]], [], { shift: true })).points)).toEqual([0, 0, 1004, 1]);
    expect(created(drag("ellipse", [[0, 0], [1000, -300]], [], { shift: true })).box).toEqual({ left: 0, top: 0, right: 1000, bottom: 1000 });
  });
  test("a click with a shape's tool makes nothing, with text it says where", () => {
    expect(drag("rect", [[0, 0], [10, 10]])[1].operations).toEqual([]);
    expect(drag("text", [[30, 40]])[1]).toEqual({ operations: [], textAt: { x: 30, y: 40 } });
  });
  test("what is cancelled leaves nothing", () => {
    const hand = new Hand();
    hand.down(touch(0, 0), around("rect"));
    hand.move(touch(900, 900));
    hand.cancel();
    expect(hand.drawing()).toBeUndefined();
    expect(hand.up(touch(900, 900)).operations).toEqual([]);
  });
  test("a laser leaves a trail that goes by itself, and nothing else", () => {
    const [hand, lifted] = drag("laser", [[0, 0], [100, 0]]);
    expect(lifted.operations).toEqual([]);
    expect(hand.laser(100).slice(0, 2)).toEqual([0, 0]);
    expect(hand.laser(5000)).toEqual([]);
  });
});

describe("selecting", () => {
  const box = rect(0, 0, 4000, 2000);
  test("a click selects the uppermost, one beside it selects nothing", () => {
    const above = rect(0, 0, 4000, 2000);
    const [hand, lifted] = drag("select", [[0, 1000]], [box, above]);
    expect(hand.selected).toEqual(new Set([above.id]));
    expect(lifted.operations).toEqual([]);
    expect(drag("select", [[9000, 9000]], [box])[0].selected.size).toBe(0);
  });
  test("a drag is one move when it is released, and presence until then", () => {
    const hand = new Hand();
    hand.down(touch(0, 1000), around("select", [box]));
    hand.move(touch(1500, 1000));
    expect(hand.dragged()).toEqual([{ id: box.id, to: { x: 1500, y: 0 } }]);
    expect(hand.up(touch(2000, 900)).operations).toEqual([{ kind: "move", id: box.id, to: { x: 2000, y: -100 }, seenRevision: 0 }]);
    expect(hand.dragged()).toEqual([]);
  });
  test("dragging any handle is a resize of the edges it moves, never a move", () => {
    const hand = new Hand();
    hand.selected = new Set([box.id]);
    hand.down(touch(0, 0), around("select", [box]));
    hand.move(touch(-500, -300));
    const { operations } = hand.up(touch(-600, -300));
    expect(operations).toEqual([{ kind: "resize", id: box.id, left: -600, top: -300 }]);
    operations.forEach(checkOperation);
  });
  test("a click on a handle changes nothing", () => {
    const hand = new Hand();
    hand.selected = new Set([box.id]);
    hand.down(touch(90, 30), around("select", [box]));
    expect(hand.up(touch(95, 30)).operations).toEqual([]);
  });
  test("an end of a line goes where it is dragged", () => {
    const line = created(drag("line", [[0, 0], [2000, 0]]));
    const hand = new Hand();
    hand.selected = new Set([line.id]);
    hand.down(touch(2000, 1), around("select", [line]));
    hand.move(touch(2000, 900));
    expect(hand.up(touch(2500, 900)).operations).toEqual([{ kind: "resize", id: line.id, right: 2500, bottom: 900 }]);
  });
});

describe("a group", () => {
  const [left, right] = [rect(0, 0, 1000, 1000), rect(3000, 0, 1000, 1000)];
  const other = rect(20_000, 20_000, 1000, 1000);
  const all = [left, right, other];
  const both = new Set([left.id, right.id]);

  test("is what a frame drawn around it touches", () => {
    const [hand, lifted] = drag("select", [[-500, -500], [4500, 500]], all);
    expect(hand.selected).toEqual(both);
    expect(lifted.operations).toEqual([]);
  });
  test("a frame within an empty rectangle touches nothing", () => {
    expect(drag("select", [[20_300, 20_300], [20_700, 20_700]], all)[0].selected.size).toBe(0);
  });
  test("Shift adds one and takes it out again", () => {
    const hand = new Hand();
    const click = (x: number): void => {
      hand.down(touch(x, 500, { shift: true }), around("select", all));
      hand.up(touch(x, 500, { shift: true }));
    };
    click(0);
    click(3000);
    expect(hand.selected).toEqual(both);
    click(0);
    expect(hand.selected).toEqual(new Set([right.id]));
  });
  test("is dragged by any of it, all by the same; a click on one leaves only that", () => {
    const hand = new Hand();
    hand.selected = both;
    hand.down(touch(3000, 500), around("select", all));
    hand.move(touch(3700, 900));
    expect(hand.dragged().map(({ to }) => to)).toEqual([{ x: 700, y: 400 }, { x: 3700, y: 400 }]);
    const { operations } = hand.up(touch(3700, 900));
    expect(operations.map((each) => each.kind)).toEqual(["move", "move"]);
    expect(hand.selected).toEqual(both);
    hand.down(touch(3000, 500), around("select", all));
    hand.up(touch(3000, 500));
    expect(hand.selected).toEqual(new Set([right.id]));
  });
  test("is resized by the handles of the box around it", () => {
    const hand = new Hand();
    hand.selected = both;
    hand.down(touch(4000, 1000), around("select", all));
    hand.move(touch(8000, 2000));
    const { operations } = hand.up(touch(8000, 2000));
    operations.forEach(checkOperation);
    expect(operations).toEqual([
      { kind: "resize", id: left.id, right: 2000, bottom: 2000 },
      { kind: "resize", id: right.id, left: 3000, right: 5000, bottom: 2000 },
    ]);
  });
  test("what one may not change is neither found nor dragged", () => {
    const hand = new Hand();
    const mayChange = ({ id }: Annotation): boolean => id !== right.id;
    hand.down(touch(-500, -500), around("select", all, { mayChange }));
    hand.up(touch(4500, 1500));
    expect(hand.selected).toEqual(new Set([left.id]));
  });
  test("a drag comes to rest beside what else is drawn, unless it is free", () => {
    const picture = { left: -29_000, top: -16_000, right: 29_000, bottom: 16_000 };
    const pull = (free: boolean): unknown => {
      const hand = new Hand();
      hand.down(touch(0, 500), around("select", [left, right], { picture }));
      hand.move(touch(1950, 5400, { free }));
      return hand.dragged()[0]?.to;
    };
    expect(pull(true)).toEqual({ x: 1950, y: 4900 });
    expect(pull(false)).toEqual({ x: 2000, y: 4900 });
  });
});

describe("text", () => {
  test("a drag says how wide it is", () => {
    expect(drag("text", [[5000, 40], [100, 900]])[1]).toEqual({ operations: [], textAt: { x: 100, y: 40 }, textWidth: 4900 });
  });
});

describe("a range", () => {
  test("what is drawn is on all its frames", () => {
    const hand = new Hand();
    hand.down(touch(0, 0), around("rect", [], { setting: { first: 3, last: 9, audience: Audience.CLIENT } }));
    hand.move(touch(900, 900));
    const { operations } = hand.up(touch(900, 900));
    expect(operations[0]).toMatchObject({ annotation: { firstFrame: 3, lastFrame: 9 } });
  });
});

describe("what lies under the pointer", () => {
  test("an empty rectangle is its edge, a filled one its whole", () => {
    const empty = rect(0, 0, 4000, 4000);
    const filled = { ...empty, style: { ...empty.style!, fill: 0xff00ff00 | 0 } };
    expect(isOn(empty, { x: 2000, y: 2000 }, 100)).toBe(false);
    expect(isOn(empty, { x: 0, y: 2000 }, 100)).toBe(true);
    expect(isOn(filled, { x: 2000, y: 2000 }, 100)).toBe(true);
  });
  test("an ellipse is its line, not its box", () => {
    const ellipse = { ...rect(0, 0, 4000, 4000), kind: AnnotationKind.ELLIPSE };
    expect(isOn(ellipse, { x: 60, y: 60 }, 100)).toBe(false);
    expect(isOn(ellipse, { x: 2000, y: 20 }, 100)).toBe(true);
  });
  test("what is deleted, erases, or is no drawing cannot be hit", () => {
    const box = rect(0, 0, 4000, 4000);
    const list = [{ ...box, deleted: true }, { ...box, mode: StrokeMode.ERASE }, { ...box, kind: AnnotationKind.COMMENT }];
    expect(uppermost(list, { x: 0, y: 0 }, 500)).toBeUndefined();
  });
});
