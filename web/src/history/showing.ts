/** What of the past may be on the screen, and the same as a short text that stands in the address. Pure. */
import type { Version } from "../gen/rushes/version/v1/version_pb";

export const MODES = ["a", "b", "overlay", "difference", "wipe"] as const;
export type Mode = (typeof MODES)[number];

export type Showing =
  | { kind: "revision"; revision: number }
  | { kind: "version"; version: Version }
  | { kind: "compare"; a: Version; b: Version; mode: Mode };

/** What has to be fetched for it: the same, however it is looked at. */
export function keyOf(showing: Showing | undefined): string {
  if (!showing) return "";
  if (showing.kind === "revision") return `r${showing.revision}`;
  return showing.kind === "version" ? `v${showing.version.versionId}` : `c${showing.a.versionId}:${showing.b.versionId}`;
}

/** Whether a text of the address is of the past; else it is of another cut, or of nothing. */
export function isPast(text: string): boolean {
  return /^[rs]\d/.test(text);
}

/** The text: a revision, a snapshot, or two and how they are compared. */
export function pastText(showing: Showing | undefined): string {
  if (!showing) return "";
  if (showing.kind === "revision") return `r${showing.revision}`;
  return showing.kind === "version" ? `s${showing.version.versionId}` : `s${showing.a.versionId}-${showing.b.versionId},${showing.mode}`;
}

/** What a text shows; undefined: nothing. `find`: a snapshot by its id. */
export async function showingOf(text: string, find: (versionId: bigint) => Promise<Version | undefined>): Promise<Showing | undefined> {
  const revision = /^r(\d{1,15})$/.exec(text)?.[1];
  if (revision !== undefined) return { kind: "revision", revision: Number(revision) };
  const [, first, second, how] = /^s(\d{1,19})(?:-(\d{1,19}),(\w+))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const a = await find(BigInt(first));
  if (second === undefined) return a && { kind: "version", version: a };
  const b = await find(BigInt(second));
  return a && b && { kind: "compare", a, b, mode: MODES.find((each) => each === how) ?? "overlay" };
}
