// The names of regions: each class is written where most of its points in view are.

import { eachPoint } from "./picking.js";

const CELL_PX = 36;
const LEAST_SHARE = 0.004; // of the points in view; smaller classes get their name when zoomed in
const MOST_NAMES = 60;
const MOST_REGIONS = 3; // of one class
const NEXT_SHARE = 0.25; // a further region has at least so much of the points of the first
const APART = 5; // bins between two regions of one class

/**
 * Names to write on a map, the largest class first: [{ code, x, y, count, spread }], in pixels of the cell.
 * A name is at the mean of its class's points around their densest place; `spread` is their
 * standard deviation up and down.
 */
export function findRegions(map, view, cell) {
  const across = Math.ceil(cell.width / CELL_PX), up = Math.ceil(cell.height / CELL_PX);
  const nClasses = map.items.classes.length;
  const { klass } = map.items;
  const counts = new Uint32Array(nClasses * across * up);
  let total = 0;
  const binOf = (x, y) => Math.floor(y / CELL_PX) * across + Math.floor(x / CELL_PX);
  eachPoint(map, view, (row, x, y) => {
    if (x < 0 || y < 0 || x >= cell.width || y >= cell.height) return;
    counts[klass[row] * across * up + binOf(x, y)] += 1;
    total += 1;
  });
  const regions = [];
  for (let code = 1; code < nClasses; code++) { // 0 is "no single class"
    const own = counts.subarray(code * across * up, (code + 1) * across * up);
    let least = Math.max(3, LEAST_SHARE * total);
    for (let number = 0; number < MOST_REGIONS; number++) {
      const best = densest(own, across, up);
      if (best.count < least) break;
      regions.push({ code, ...best, x: 0, y: 0, squares: 0, n: 0 });
      least = Math.max(least, NEXT_SHARE * best.count);
      empty(own, across, up, best);
    }
  }
  regions.sort((one, other) => other.count - one.count);
  regions.length = Math.min(regions.length, MOST_NAMES);
  const wanted = Array.from({ length: nClasses }, () => []);
  regions.forEach((region) => wanted[region.code].push(region));
  eachPoint(map, view, (row, x, y) => {
    for (const region of wanted[klass[row]]) {
      if (Math.abs(x / CELL_PX - region.column - 0.5) > 1.5) continue;
      if (Math.abs(y / CELL_PX - region.line - 0.5) > 1.5) continue;
      region.x += x;
      region.y += y;
      region.squares += y * y;
      region.n += 1;
    }
  });
  return regions.map(({ code, count, x, y, squares, n }) => ({
    code, count, x: x / n, y: y / n, spread: Math.sqrt(Math.max(0, squares / n - (y / n) ** 2)),
  }));
}

/** Regions that the server has named, in pixels of the cell, the largest first. */
export function placeRegions(named, view) {
  return named.map(({ name, place, spread, count }) => ({
    name, count, spread: spread * view.scale,
    x: view.centre[0] + (place[0] - view.pan[0]) * view.scale,
    y: view.centre[1] - (place[1] - view.pan[1]) * view.scale,
  }));
}

/** The three by three bins with most points: their middle, and how many points they have. */
function densest(counts, across, up) {
  let best = { count: 0, column: 0, line: 0 };
  for (let line = 0; line < up; line++) {
    for (let column = 0; column < across; column++) {
      if (!counts[line * across + column]) continue;
      let count = 0;
      for (let y = Math.max(0, line - 1); y <= Math.min(up - 1, line + 1); y++) {
        for (let x = Math.max(0, column - 1); x <= Math.min(across - 1, column + 1); x++) {
          count += counts[y * across + x];
        }
      }
      if (count > best.count) best = { count, column, line };
    }
  }
  return best;
}

/** Take the bins around a region out of the counts. */
function empty(counts, across, up, { column, line }) {
  for (let y = Math.max(0, line - APART); y <= Math.min(up - 1, line + APART); y++) {
    const left = Math.max(0, column - APART), right = Math.min(across - 1, column + APART);
    counts.fill(0, y * across + left, y * across + right + 1);
  }
}

/**
 * The boxes that fit without overlap, in the order given: each gets a `box` inside the cell.
 * `sizeOf(one)` returns [width, height] in pixels; `taken` are boxes to keep free.
 */
export function withoutOverlap(candidates, cell, sizeOf, gap = 3, taken = []) {
  const kept = taken.map((box) => ({ box }));
  for (const one of candidates) {
    const [width, height] = sizeOf(one);
    const left = Math.min(Math.max(one.x - width / 2, 2), cell.width - width - 2);
    const top = Math.min(Math.max(one.y - height / 2, 2), cell.height - height - 2);
    const box = { left, top, right: left + width, bottom: top + height };
    const free = kept.every(({ box: other }) =>
      box.left > other.right + gap || box.right < other.left - gap
      || box.top > other.bottom + gap || box.bottom < other.top - gap);
    if (free) kept.push({ ...one, box });
  }
  return kept.slice(taken.length);
}
