/** What is to be done when the newest assets of a project are not those that were. Pure. */
import type { Asset } from "../gen/rushes/project/v1/project_service_pb";

/** So many of the newest are compared. */
export const NEWEST = 50;
/** A list that is longer is not read again for a few names. */
const LONG = 200;

/** The newest assets of a project and how many it has. */
export interface Newest {
  assets: readonly Pick<Asset, "assetId" | "etag">[];
  total: number;
}

/** What is to be done about what is new: nothing, read the list again, or show these where they stand. */
export type Plan<A> = "nothing" | "reload" | readonly A[];

/** Compares what is newest with what was, and with what is shown; a long list is not read again for a few names. Pure. */
export function plan<A extends Pick<Asset, "assetId" | "etag">>(
  before: Newest | undefined,
  now: { assets: readonly A[]; total: number },
  held: Newest,
): Plan<A> {
  const shown = new Map(held.assets.map(({ assetId, etag }) => [assetId, etag]));
  const known = new Map(before?.assets.map(({ assetId, etag }) => [assetId, etag]));
  const stale = now.assets.filter(({ assetId, etag }) => known.get(assetId) !== etag && shown.get(assetId) !== etag);
  if (!before) {
    const here = stale.filter(({ assetId }) => shown.has(assetId));
    return here.length > 0 ? here : "nothing";
  }
  const sameCount = now.total === before.total;
  if (stale.length === 0 && (sameCount || now.total === held.total)) return "nothing";
  return sameCount && stale.length < NEWEST && held.assets.length > LONG ? stale : "reload";
}
