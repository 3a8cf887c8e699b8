// Finding points: the nearest to a place, those inside a drawn shape, the next one by arrow key.

import { project } from "./camera.js";

const UNIT = 1 / 65535; // of a coordinate

/** Call `each(row, x, y)` for every visible point, with its place in the cell. */
export function eachPoint(map, view, each) {
  const { places, nDims, items: { visible, n } } = map;
  const out = [0, 0, 0];
  if (nDims === 2) { // the plain case is worth its own loop: a million points at every move
    const unit = UNIT * view.scale;
    const left = view.centre[0] - view.pan[0] * view.scale;
    const top = view.centre[1] + view.pan[1] * view.scale;
    for (let row = 0, at = 0; row < n; row++, at += 2) {
      if (visible[row]) each(row, left + places[at] * unit, top - places[at + 1] * unit);
    }
    return;
  }
  for (let row = 0, at = 0; row < n; row++, at += 3) {
    if (!visible[row]) continue;
    project(view, places[at] * UNIT, places[at + 1] * UNIT, places[at + 2] * UNIT, out);
    each(row, out[0], out[1]);
  }
}

/** Write the rows of the visible points of a flat map in view into `rows`; returns their number. */
export function rowsInView(map, view, cell, margin, n, rows) {
  const { places, items: { visible } } = map;
  const unit = UNIT * view.scale;
  const left = view.centre[0] - view.pan[0] * view.scale + margin;
  const top = view.centre[1] + view.pan[1] * view.scale + margin;
  const width = cell.width + 2 * margin, height = cell.height + 2 * margin;
  let found = 0;
  for (let row = 0, at = 0; row < n; row++, at += 2) {
    if (!visible[row]) continue;
    const x = left + places[at] * unit, y = top - places[at + 1] * unit;
    if (x >= 0 && y >= 0 && x <= width && y <= height) rows[found++] = row;
  }
  return found;
}

/** The place of one point in the cell: [x, y]. */
export function placeOf(map, view, row) {
  const { places, nDims } = map;
  const at = row * nDims;
  const z = nDims === 3 ? places[at + 2] * UNIT : 0;
  return project(view, places[at] * UNIT, places[at + 1] * UNIT, z, [0, 0, 0]).slice(0, 2);
}

/** The visible point nearest to (x, y), at most `reach` pixels away; -1 without one. */
export function nearest(map, view, x, y, reach) {
  let best = reach * reach, found = -1;
  eachPoint(map, view, (row, px, py) => {
    const dx = px - x, dy = py - y;
    const gap = dx * dx + dy * dy;
    if (gap < best) { best = gap; found = row; }
  });
  return found;
}

/** The nearest visible point in the direction (dx, dy) of a point: within 45 degrees of it. */
export function neighbour(map, view, from, dx, dy) {
  const [x, y] = placeOf(map, view, from);
  let best = Infinity, found = -1;
  eachPoint(map, view, (row, px, py) => {
    const along = (px - x) * dx + (py - y) * dy;
    const across = Math.abs((px - x) * dy - (py - y) * dx);
    if (row === from || along <= 0.01 || across > along) return;
    const gap = along + 2 * across; // straight ahead first
    if (gap < best) { best = gap; found = row; }
  });
  return found;
}

/** A mask of the visible points inside a closed path [[x, y], ...] of the cell. */
export function inside(map, view, cell, path) {
  const mask = new Uint8Array(map.items.n);
  const width = Math.ceil(cell.width), height = Math.ceil(cell.height);
  const canvas = new OffscreenCanvas(width, height);
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.beginPath();
  path.forEach(([x, y]) => ink.lineTo(x, y));
  ink.fill();
  const filled = ink.getImageData(0, 0, width, height).data;
  eachPoint(map, view, (row, x, y) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    if (filled[((y | 0) * width + (x | 0)) * 4 + 3] > 127) mask[row] = 1;
  });
  return mask;
}
