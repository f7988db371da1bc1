/** How long to wait before the next try: the first at once, then longer and longer, never in step with others. Pure. */
const FIRST_MS = 400;
const MOST_MS = 10_000;

/** Milliseconds before try number `failures` (0: the first), with `random` in [0, 1). */
export function waitMs(failures: number, random: number): number {
  if (failures <= 0) return 0;
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.round(most * (0.5 + random / 2));
}

/** The same where the server has said when to come back: it knows how many others it has told so. */
export function waitTold(toldMs: number, failures: number, random: number): number {
  return Math.max(Math.min(toldMs, MOST_MS), waitMs(failures, random));
}
