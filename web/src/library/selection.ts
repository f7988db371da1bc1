/** What is chosen in a list: by clicks with Ctrl and Shift as everywhere. Pure. */

export interface Selection {
  ids: ReadonlySet<bigint>;
  /** From where Shift goes; -1: nowhere. */
  anchor: number;
}

export const NONE: Selection = { ids: new Set(), anchor: -1 };

/** One more, or one fewer. */
export function toggle({ ids }: Selection, order: readonly bigint[], index: number): Selection {
  const id = order[index];
  if (id === undefined) return { ids, anchor: -1 };
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: index };
}

/** All from the anchor to here, besides what was chosen. */
export function extend(now: Selection, order: readonly bigint[], index: number): Selection {
  if (now.anchor < 0) return toggle(now, order, index);
  const [from, to] = [Math.min(now.anchor, index), Math.max(now.anchor, index)];
  return { ids: new Set([...now.ids, ...order.slice(from, to + 1)]), anchor: now.anchor };
}

/** Without what is not there any more. */
export function pruned(now: Selection, order: readonly bigint[]): Selection {
  if (now.ids.size === 0) return now;
  const there = new Set(order);
  const ids = new Set([...now.ids].filter((id) => there.has(id)));
  return ids.size === now.ids.size ? now : { ids, anchor: -1 };
}
