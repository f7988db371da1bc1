/** Where the cards of a grid of any length stand, and which of them are to be there. Pure. */

export interface Layout {
  columns: number;
  cardWidth: number;
  cardHeight: number;
  rowHeight: number;
  gap: number;
}

/** Height of what stands under a poster. */
export const FOOT = 58;
const ASPECT = 16 / 9;
const OVERSCAN_ROWS = 2;

/** Cards of one size, as many beside each other as fit. */
export function layoutOf(width: number): Layout {
  const narrow = width < 560;
  const gap = narrow ? 12 : 16;
  const least = narrow ? 150 : 220;
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const cardWidth = Math.max(1, (width - gap * (columns - 1)) / columns);
  const cardHeight = Math.round(cardWidth / ASPECT) + FOOT;
  return { columns, cardWidth, cardHeight, rowHeight: cardHeight + gap, gap };
}

/** Height of the whole grid. */
export function heightOf(layout: Layout, count: number): number {
  const rows = Math.ceil(count / layout.columns);
  return rows === 0 ? 0 : rows * layout.rowHeight - layout.gap;
}

export interface Span {
  /** First card that is to be there. */
  first: number;
  /** The one after the last. */
  end: number;
}

/** The cards that can be seen, and a few rows around them. */
export function spanOf(layout: Layout, scrollTop: number, height: number, count: number): Span {
  const last = Math.max(0, Math.ceil(count / layout.columns) - 1);
  const top = Math.min(last, Math.max(0, Math.floor(scrollTop / layout.rowHeight) - OVERSCAN_ROWS));
  const bottom = Math.max(top, Math.floor((scrollTop + height) / layout.rowHeight) + OVERSCAN_ROWS);
  return { first: top * layout.columns, end: Math.min(count, (bottom + 1) * layout.columns) };
}

/** How far to scroll so that a card can be seen; where it can, nowhere. */
export function scrollTo(layout: Layout, index: number, scrollTop: number, height: number): number {
  const top = Math.floor(index / layout.columns) * layout.rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + layout.cardHeight - height);
}

/** The card that a key leads to; undefined: the key is none of these. */
export function step(key: string, index: number, layout: Layout, height: number, count: number): number | undefined {
  const page = Math.max(1, Math.floor(height / layout.rowHeight)) * layout.columns;
  const by: Partial<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -layout.columns,
    ArrowDown: layout.columns,
    PageUp: -page,
    PageDown: page,
    Home: -count,
    End: count,
  };
  const distance = by[key];
  if (distance === undefined || count === 0) return undefined;
  const next = index + distance;
  if (next >= 0 && next < count) return next;
  // Up from the first row and down from the last one stays; the ends are the ends of the list.
  if (key === "ArrowUp") return index;
  if (key === "ArrowDown") return Math.floor(index / layout.columns) < Math.floor((count - 1) / layout.columns) ? count - 1 : index;
  return next < 0 ? 0 : count - 1;
}
