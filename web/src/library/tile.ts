/** Which still of a filmstrip is shown, and where it is in the picture of all. Pure. */

export interface Tile {
  tile: number;
  rows: number;
  size: string;
  position: string;
}

/** The tile at a place between 0 and 1, as a background. */
export function tileAt(strip: { columns: number; tiles: number }, at: number): Tile {
  const tile = Math.min(strip.tiles - 1, Math.max(0, Math.floor(at * strip.tiles)));
  const rows = Math.ceil(strip.tiles / strip.columns);
  const [column, row] = [tile % strip.columns, Math.floor(tile / strip.columns)];
  const x = strip.columns > 1 ? (column / (strip.columns - 1)) * 100 : 0;
  const y = rows > 1 ? (row / (rows - 1)) * 100 : 0;
  return { tile, rows, size: `${strip.columns * 100}% ${rows * 100}%`, position: `${x}% ${y}%` };
}
