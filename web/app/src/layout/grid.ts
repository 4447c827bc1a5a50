/** How many columns make the tiles largest. */

/** Pictures are cropped to fit, but no narrower than an old screen and no wider than a film; in a window that stands upright they may stand too. */
const NARROWEST = 4 / 3;
const NARROWEST_UPRIGHT = 3 / 4;
const WIDEST = 16 / 9;

export interface Layout {
  columns: number;
  width: number;
  height: number;
}

export function gridLayout(count: number, width: number, height: number, gap: number): Layout {
  const narrowest = height > width ? NARROWEST_UPRIGHT : NARROWEST;
  let best: Layout = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(Math.max(1, count) / columns);
    const tile = fit((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = { columns, ...tile };
  }
  return best;
}

function fit(width: number, height: number, narrowest: number): { width: number; height: number } {
  if (width <= 0 || height <= 0) return { width: 0, height: 0 };
  const aspect = Math.min(WIDEST, Math.max(narrowest, width / height));
  const fitted = Math.min(width, height * aspect);
  return { width: Math.floor(fitted), height: Math.floor(fitted / aspect) };
}
