/** What the page tells its worker, and the names of what both keep. */

/** Who is signed in, empty: nobody. Only what they saw is kept, for them alone. */
export type ToWorker = { kind: "person"; personId: string } | { kind: "takeOver" };

export const SHELL_CACHE = "rushes-shell";
export const PERSON_CACHE = "rushes-person";

/** The cache of what a person saw. */
export function mediaCache(personId: string): string {
  return `rushes-media:${personId}`;
}
