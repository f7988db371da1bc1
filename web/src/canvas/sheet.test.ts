import { describe, expect, test } from "vitest";
import { AnnotationKind, encodePoints, newAnnotation, StrokeMode, TextAlign, type Annotation } from "../document";
import { Grid } from "./grid";
import { inkBox, meets } from "./shape";
import { changeOf, sameLook, Sheet, together } from "./sheet";

let made = 0;

function stroke(x: number, y: number, more: Partial<Annotation> = {}): Annotation {
  return newAnnotation({
    id: (++made).toString(16).padStart(32, "0"),
    kind: AnnotationKind.STROKE,
    mode: StrokeMode.DRAW,
    position: { x, y },
    points: encodePoints([0, 0, 500, 300]),
    box: { left: 0, top: 0, right: 500, bottom: 300 },
    style: { color: 1, opacity: 255, width: 100, fill: 0, fontSize: 0, align: TextAlign.UNSPECIFIED },
    ...more,
  });
}

describe("what changed of what is drawn", () => {
  const [a, b, c] = [stroke(0, 0), stroke(9000, 0), stroke(0, 9000)];
  test("what comes on top is only painted on top", () => {
    expect(changeOf([a, b], [a, b, c])).toEqual({ all: false, places: [], added: [c] });
  });
  test("a note that was only saved looks as it did", () => {
    const saved = { ...b, authorId: "p", createdMs: 5, points: [...b.points], style: { ...b.style! } };
    expect(sameLook(b, saved)).toBe(true);
    expect(changeOf([a, b, c], [a, saved, c])).toEqual({ all: false, places: [], added: [] });
  });
  test("what moved is painted where it was and where it is", () => {
    const there = { ...b, position: { x: -9000, y: 0 } };
    expect(changeOf([a, b, c], [a, there, c]).places).toEqual([inkBox(there), inkBox(b)]);
  });
  test("what is gone is painted where it was", () => expect(changeOf([a, b, c], [a, c]).places).toEqual([inkBox(b)]));
  test("of two that changed places one is painted anew", () => {
    const { places } = changeOf([a, b, c], [a, c, b]);
    expect(places).toEqual([inkBox(b)]);
  });
  test("what came on top and moved before it was painted is painted in its place", () => {
    const first = changeOf([a], [a, b]);
    const then = changeOf([a, b], [a, { ...b, position: { x: 1, y: 1 } }]);
    const both = together(first, then);
    expect(both.added).toEqual([]);
    expect(both.places.some((place) => meets(place, inkBox(b)))).toBe(true);
  });
  test("another frame is another sheet", () => {
    const sheet = new Sheet();
    sheet.update("1", [a, b]);
    expect(sheet.take().all).toBe(true);
    sheet.update("1", [a, b, c]);
    expect(sheet.take().added).toEqual([c]);
    expect(sheet.take()).toEqual({ all: false, places: [], added: [] });
    sheet.update("2", [c]);
    expect(sheet.take().all).toBe(true);
    expect(sheet.grid.size).toBe(1);
  });
});

describe("what lies in a part of the picture", () => {
  test("is what looking at everything finds, in drawing order", () => {
    let seed = 7;
    const random = (most: number): number => (seed = (seed * 48271) % 2147483647) % most;
    const grid = new Grid();
    let all: Annotation[] = [];
    for (let step = 0; step < 300; step++) {
      const big = step % 17 === 0 ? { box: { left: -20_000, top: -9000, right: 20_000, bottom: 9000 } } : {};
      all.push(stroke(random(60_000) - 30_000, random(32_000) - 16_000, big));
      if (step % 5 === 0) {
        const gone = all[random(all.length)] as Annotation;
        grid.remove(gone.id);
        all = all.filter((each) => each !== gone);
      }
      all.forEach((each, at) => grid.put(each, at));
    }
    for (let look = 0; look < 100; look++) {
      const [left, top] = [random(60_000) - 30_000, random(32_000) - 16_000];
      const box = { left, top, right: left + random(9000), bottom: top + random(9000) };
      expect(grid.near(box)).toEqual(all.filter((each) => meets(inkBox(each), box)));
    }
  });
});
