// Shading by density: where points cover each other, darker ground shows how many there are.

import { eachPoint } from "./picking.js";

const BIN_PX = 6;
const BANDS = 7;

/** Counts of visible points in bins of the cell, smoothed: { counts, across, up, most }. */
export function findDensity(map, view, cell) {
  const across = Math.ceil(cell.width / BIN_PX), up = Math.ceil(cell.height / BIN_PX);
  let counts = new Float32Array(across * up);
  eachPoint(map, view, (row, x, y) => {
    if (x < 0 || y < 0 || x >= cell.width || y >= cell.height) return;
    counts[Math.floor(y / BIN_PX) * across + Math.floor(x / BIN_PX)] += 1;
  });
  for (let turn = 0; turn < 3; turn++) counts = blurred(blurred(counts, 1, across), across, up);
  return { counts, across, up, most: counts.reduce((one, other) => Math.max(one, other), 0) };
}

function blurred(counts, step) {
  const out = new Float32Array(counts.length);
  for (let at = step; at < counts.length - step; at++) {
    out[at] = 0.25 * counts[at - step] + 0.5 * counts[at] + 0.25 * counts[at + step];
  }
  return out;
}

/** Draw the bands of density on a 2-D canvas; each band has twice the points of the one before. */
export function drawDensity(ink, cell, density, [red, green, blue]) {
  const { counts, across, up, most } = density;
  if (!most) return;
  const picture = new ImageData(across, up);
  counts.forEach((count, at) => {
    const band = Math.max(0, BANDS + Math.ceil(Math.log2(count / most)));
    picture.data.set([red, green, blue, count ? (band / BANDS) * 120 : 0], at * 4);
  });
  const small = new OffscreenCanvas(across, up);
  small.getContext("2d").putImageData(picture, 0, 0);
  ink.imageSmoothingEnabled = true;
  ink.drawImage(small, cell.left, cell.top, across * BIN_PX, up * BIN_PX);
}
