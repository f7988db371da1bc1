import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AnnotationKind, Audience, encodePoints, fromHex, newAnnotation } from "../document";
import { PresentPersonSchema } from "../gen/rushes/annotation/v1/annotation_service_pb";
import { otherOf, stateMessage, type Doing } from "./presence";

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
