import { describe, expect, it } from "vitest";
import { limit } from "../document";
import { lookAt, lookFor, seenAt } from "./seen";
import { FIT } from "./view";

const CLOSE = { zoomPermille: 4000, center: { x: -8000, y: 3000 } };
const OWN = { zoom: 2, x: 10, y: 20 };

describe("the look that a note keeps", () => {
  it("is none where the whole picture is seen", () => {
    expect(seenAt(FIT)).toBeUndefined();
    expect(seenAt({ zoom: 1.0001, x: -0.2, y: 0.3 })).toBeUndefined();
  });

  it("comes back as it was, to a unit", () => {
    const seen = seenAt({ zoom: 3.1416, x: -1200.4, y: 77.6 });
    expect(seen).toEqual({ zoomPermille: 3142, center: { x: -1200, y: 78 } });
    expect(seen && lookAt(seen)).toEqual({ zoom: 3.142, x: -1200, y: 78 });
  });

  it("is what the document takes, however one looks", () => {
    const seen = seenAt({ zoom: 1e9, x: 1e9, y: -1e9 });
    expect(seen).toEqual({ zoomPermille: limit.MAX_ZOOM_PERMILLE, center: { x: limit.MAX_COORDINATE, y: -limit.MAX_COORDINATE } });
  });

  it("is without a centre in the middle", () => {
    expect(lookAt({ zoomPermille: 2000 })).toEqual({ zoom: 2, x: 0, y: 0 });
  });
});

describe("going from note to note", () => {
  it("looks as the note was looked at", () => {
    expect(lookFor(CLOSE, OWN, undefined)).toEqual({ look: lookAt(CLOSE), lent: { look: lookAt(CLOSE), own: OWN } });
  });

  it("keeps one's own look for a note without one", () => {
    expect(lookFor(undefined, OWN, undefined).look).toBe(OWN);
  });

  it("gives one's own look back after notes that brought theirs", () => {
    const first = lookFor(CLOSE, OWN, undefined);
    const second = lookFor({ zoomPermille: 500 }, first.look, first.lent);
    expect(lookFor(undefined, second.look, second.lent)).toEqual({ look: OWN, lent: undefined });
  });

  it("keeps what one chose since", () => {
    const { lent } = lookFor(CLOSE, OWN, undefined);
    const chosen = { zoom: 8, x: 0, y: 0 };
    expect(lookFor(undefined, chosen, lent)).toEqual({ look: chosen, lent: undefined });
  });
});
