/** The tree of snapshots as rows, the newest first: in which lane each stands, and which lanes pass or meet there. Pure. */

export interface Node {
  id: string;
  /** What it follows; empty: nothing. */
  base: string;
  /** What was merged into it; empty: nothing. */
  merged: string;
}

export interface Row<N extends Node> {
  node: N;
  lane: number;
  /** Lanes that pass by, or begin above and go on. */
  passing: number[];
  /** Lanes from which its followers come down to it. */
  from: number[];
  /** Lanes in which its parents stand or will stand. */
  to: number[];
  /** Lanes in use. */
  width: number;
}

/** Rows of nodes that are given with each before what it is built on. */
export function rowsOf<N extends Node>(nodes: readonly N[]): Row<N>[] {
  const lanes: string[] = [];
  const place = (id: string): number => {
    const there = lanes.indexOf(id);
    if (there >= 0) return there;
    const free = lanes.indexOf("");
    const at = free >= 0 ? free : lanes.length;
    lanes[at] = id;
    return at;
  };
  return nodes.map((node) => {
    const from = lanes.flatMap((id, at) => (id === node.id ? [at] : []));
    const lane = from[0] ?? place(node.id);
    for (const at of from) lanes[at] = "";
    lanes[lane] = "";
    const passing = lanes.flatMap((id, at) => (id ? [at] : []));
    const to: number[] = [];
    if (node.base) {
      // The line to the base goes straight on; where several lead there they meet in the first of them.
      lanes[lane] = node.base;
      to.push(lane);
    }
    if (node.merged) to.push(place(node.merged));
    while (lanes.at(-1) === "") lanes.pop();
    return { node, lane, passing, from, to, width: Math.max(lanes.length, lane + 1, ...from.map((at) => at + 1)) };
  });
}
