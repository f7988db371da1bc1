/** What differs of something from one turn of the screen to the next while it is drawn: of a stroke only its end. Pure. */
import { AnnotationKind, decodePoints, type Annotation } from "../document";
import { around, boundsOf, grown, inkBox, type Bounds } from "./shape";

/** A curve bends between the points beside it: so many points before the first that differs it may differ too. */
const BEND = 2;

function commonStart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a[at] === b[at]) at++;
  return at;
}

function sameBox(a: Bounds | undefined, b: Bounds): boolean {
  return a?.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
}

/** A stroke's points from one on, on the picture; undefined: it is another thing, or was resized. */
function rest(annotation: Annotation, from: number): Bounds | undefined {
  const flat = decodePoints(annotation.points);
  if (annotation.kind !== AnnotationKind.STROKE || !sameBox(annotation.box, boundsOf(flat))) return undefined;
  const { left, top, right, bottom } = boundsOf(flat.slice(Math.min(from * 2, Math.max(0, flat.length - 2))));
  const { x = 0, y = 0 } = annotation.position ?? {};
  return { left: left + x, top: top + y, right: right + x, bottom: bottom + y };
}

/** The part of the picture where both differ, or more. */
export function differing(before: Annotation, now: Annotation): Bounds {
  const whole = around(inkBox(before), inkBox(now));
  const [width = 0, color] = [now.style?.width, now.style?.color];
  if (before.mode !== now.mode || before.style?.width !== width || before.style.color !== color) return whole;
  if (before.position?.x !== now.position?.x || before.position?.y !== now.position?.y) return whole;
  const points = Math.floor(commonStart(before.points, now.points) / 2);
  const pressed = before.pressure.length + now.pressure.length > 0 ? commonStart(before.pressure, now.pressure) : points;
  const from = Math.max(0, Math.min(points, pressed) - BEND);
  const [old, fresh] = [rest(before, from), rest(now, from)];
  return old && fresh ? grown(around(old, fresh), width / 2) : whole;
}
