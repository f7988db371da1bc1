import { describe, expect, test } from "vitest";
import { AnnotationKind, Audience, checkOperation, encodePoints, newAnnotation, StrokeMode, TextAlign, type Annotation } from "../document";
import { copies, deletions, groupBox, moves, reframes, resizes, restyles, scaled } from "./group";
import { placedBox } from "./shape";

let made = 0;
const newId = (): string => (++made).toString(16).padStart(32, "0");
const style = { color: 7, opacity: 255, width: 100, fill: 0, fontSize: 0, align: TextAlign.UNSPECIFIED };

function rect(left: number, top: number, right: number, bottom: number): Annotation {
  const box = { left: 0, top: 0, right: right - left, bottom: bottom - top };
  return newAnnotation({ id: newId(), kind: AnnotationKind.RECT, position: { x: left, y: top }, box, style, firstFrame: 4, lastFrame: 6 });
}

function stroke(x: number, y: number): Annotation {
  const points = encodePoints([0, 0, 400, 200, 1000, 0]);
  const box = { left: 0, top: 0, right: 1000, bottom: 200 };
  return newAnnotation({ id: newId(), kind: AnnotationKind.STROKE, mode: StrokeMode.DRAW, position: { x, y }, points, box, style });
}

describe("what is done to several at once", () => {
  const group = [rect(0, 0, 1000, 1000), rect(3000, 1000, 4000, 3000), stroke(-500, 2000)];
  test("the box around all holds each", () => expect(groupBox(group)).toEqual({ left: -500, top: 0, right: 4000, bottom: 3000 }));
  test("all move by the same, one operation each", () => {
    const operations = moves(group, { x: 10, y: -20 });
    operations.forEach(checkOperation);
    expect(operations).toHaveLength(3);
    expect(operations[1]).toMatchObject({ kind: "move", id: group[1]!.id, to: { x: 3010, y: 980 } });
  });
  test("nothing is moved beyond what a place can be", () => {
    moves(group, { x: 1e9, y: -1e9 }).forEach(checkOperation);
  });
  test("a resize keeps where each is within the box around all, and never moves", () => {
    const from = groupBox(group);
    const to = { left: -500, top: 0, right: 8500, bottom: 6000 };
    const operations = resizes(group, from, to);
    operations.forEach(checkOperation);
    expect(operations.every(({ kind }) => kind === "resize")).toBe(true);
    const after = group.map((each) => placedBox({ ...each, box: scaled(each, from, to) }));
    expect(after[1]).toEqual({ left: 6500, top: 2000, right: 8500, bottom: 6000 });
    expect(after.reduce((all, each) => Math.max(all, each.right), 0)).toBe(8500);
  });
  test("a group turned over keeps its shapes", () => {
    const from = groupBox(group);
    const over = { left: from.right, top: from.top, right: from.left, bottom: from.bottom };
    const first = placedBox({ ...group[0]!, box: scaled(group[0]!, from, over) });
    expect(first).toEqual({ left: 2500, top: 0, right: 3500, bottom: 1000 });
  });
  test("what has a colour already is not given it again", () => {
    expect(restyles(group, "color", 7)).toEqual([]);
    const operations = restyles(group, "color", 9);
    operations.forEach(checkOperation);
    expect(operations).toHaveLength(3);
  });
  test("a range is one field, first and last together", () => {
    const operations = reframes(group, 2, 9);
    operations.forEach(checkOperation);
    expect(operations[0]).toMatchObject({ fields: [{ field: "frames", value: { frames: { first: 2, last: 9 } } }] });
    expect(reframes([group[0]!], 4, 6)).toEqual([]);
  });
  test("all are deleted", () => expect(deletions(group).map((each) => "id" in each && each.id)).toEqual(group.map(({ id }) => id)));
  test("copies are new drawings, on as many frames, within the clip, with the same look", () => {
    const operations = copies(group, { frame: 20, by: { x: 5, y: 5 }, audience: Audience.CLIENT, lastFrame: 21 }, newId);
    operations.forEach(checkOperation);
    const [first, , third] = operations.map((each) => (each.kind === "create" ? each.annotation : undefined));
    expect(first).toMatchObject({ firstFrame: 20, lastFrame: 21, position: { x: 5, y: 5 }, audience: Audience.CLIENT, authorId: "" });
    expect(first!.id).not.toBe(group[0]!.id);
    expect(third).toMatchObject({ points: group[2]!.points, mode: StrokeMode.DRAW, firstFrame: 20, lastFrame: 20 });
  });
});
