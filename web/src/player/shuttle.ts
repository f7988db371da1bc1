/** What keys and frames decide while a video plays. Pure. */

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2] as const;
const SHUTTLE = [1, 2, 4, 8] as const;

/** Speed after J (direction -1) or L (direction 1) was pressed: each press in one direction is faster, the other direction begins at 1. */
export function shuttle(playing: boolean, speed: number, direction: 1 | -1): number {
  if (!playing || Math.sign(speed) !== direction) return direction;
  const faster = SHUTTLE.find((each) => each > Math.abs(speed));
  return direction * (faster ?? SHUTTLE[SHUTTLE.length - 1] ?? 1);
}

/** What playback does where its frames end. */
export const LOOPS = ["once", "loop", "pingPong"] as const;
export type Loop = (typeof LOOPS)[number];

/** The next of them. */
export function nextLoop(loop: Loop): Loop {
  return LOOPS[(LOOPS.indexOf(loop) + 1) % LOOPS.length] ?? "once";
}

/** Where and how it goes on at the end of the range; undefined: it stops there. */
export function turn(loop: Loop, { from, to }: Range, speed: number): { frame: number; speed: number } | undefined {
  if (loop === "once") return undefined;
  if (loop === "loop") return { frame: speed > 0 ? from : to, speed };
  return { frame: speed > 0 ? to : from, speed: -speed };
}

/** The speed to go on with after a stop: that of shuttling is over, one that was chosen stays. */
export function settled(speed: number, loop: Loop): number {
  const chosen = loop === "pingPong" ? Math.abs(speed) : speed;
  return chosen < 0 || chosen > 2 ? 1 : chosen;
}

export interface Range {
  from: number;
  to: number;
}

/** The frames that playback stays in. */
export function playRange(inPoint: number | undefined, outPoint: number | undefined, last: number): Range {
  const from = inPoint ?? 0;
  return { from, to: Math.max(from, outPoint ?? last) };
}

/** In and out after one of them was set: the other goes when it is on the wrong side. */
export function setPoint(
  points: { in?: number; out?: number },
  which: "in" | "out",
  frame: number,
): { in?: number; out?: number } {
  if (which === "in") return points.out !== undefined && points.out < frame ? { in: frame } : { ...points, in: frame };
  return points.in !== undefined && points.in > frame ? { out: frame } : { ...points, out: frame };
}

/** Where playback begins when a person starts it here: at the other end when there is nothing left to play. */
export function playFrom(frame: number, range: Range, direction: 1 | -1): number {
  if (direction > 0) return frame >= range.to ? range.from : frame;
  return frame <= range.from ? range.to : frame;
}

/** The frame that backwards playback is at, so many seconds after it began. */
export function backwards(startTime: number, elapsedS: number, speed: number): number {
  return startTime - elapsedS * Math.abs(speed);
}

/** How one comes together with another clock. */
export interface Pull {
  /** So far apart, in seconds, the one is taken to be with the other. */
  closeS: number;
  /** So much faster or slower, at most, one is played to catch up. */
  most: number;
  /** A part of what is lacking is caught up with in each second. */
  perSecond: number;
}

/** With others in a room, whose place is known as well as the network tells it. */
const OTHERS: Pull = { closeS: 0.006, most: 0.1, perSecond: 1.5 };

/** How fast to play for being together with others soon, when one is so many seconds ahead of them (below zero: behind). */
export function paceOf(aheadS: number, speed: number, { closeS, most, perSecond }: Pull = OTHERS): number {
  if (Math.abs(aheadS) < closeS) return speed;
  return speed * (1 - Math.max(-most, Math.min(most, aheadS * perSecond)));
}

/** Whether a follower has to seek: playing, a tenth of a second off does not matter; standing still, every frame does. */
export function adrift(mine: number, theirs: number, playing: boolean, rate: number): boolean {
  return playing ? Math.abs(mine - theirs) > Math.max(2, rate * 0.25) : mine !== theirs;
}
