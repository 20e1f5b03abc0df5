/**
 * How tiles share a space: the grid in which they are largest. Pure.
 */

export interface Grid {
  columns: number;
  rows: number;
  /** Of one tile. */
  width_px: number;
  height_px: number;
}

/**
 * The grid of `count` tiles of one shape that makes them largest in a space.
 *
 * @param ratio Width by height of a tile.
 * @param gap_px Between two tiles.
 */
export function largestGrid(count: number, width_px: number, height_px: number, ratio = 16 / 9, gap_px = 8): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), width_px: 0, height_px: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const room_px = Math.max(0, (width_px - gap_px * (columns - 1)) / columns);
    const tall_px = Math.max(0, (height_px - gap_px * (rows - 1)) / rows);
    const width = Math.floor(Math.min(room_px, tall_px * ratio));
    if (width > best.width_px) best = { columns, rows, width_px: width, height_px: Math.floor(width / ratio) };
  }
  return best;
}

/** Who is shown large: a screen before people, who was picked before who speaks, anybody else before me. */
export function featured<T extends { id: string; screen: boolean; local: boolean; spoke_ms: number }>(tiles: readonly T[], picked: string): T | undefined {
  const chosen = tiles.find((tile) => tile.id === picked);
  if (chosen !== undefined) return chosen;
  const screens = tiles.filter((tile) => tile.screen && !tile.local);
  if (screens.length > 0) return screens.at(-1);
  const others = tiles.filter((tile) => !tile.local);
  return [...(others.length > 0 ? others : tiles)].sort((one, other) => other.spoke_ms - one.spoke_ms)[0];
}
