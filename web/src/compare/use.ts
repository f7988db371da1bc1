/** How the review page has the comparison: one object a room. */
import { useEffect, useMemo } from "preact/hooks";
import type { Room } from "../review/room";
import { Compare } from "./compare";

/** The comparison of a room, as long as it is open. */
export function useCompare(room: Room): Compare {
  const compare = useMemo(() => new Compare(room), [room]);
  useEffect(() => () => compare.close(), [compare]);
  return compare;
}
