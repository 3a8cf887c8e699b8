// The maps as a file: PNG or SVG, with their legend and where the numbers come from.

import { drawOverlay, FONT } from "./overlay.js";
import { project } from "./camera.js";
import { Drawing } from "./gl.js";

const LINE_PX = 18;
const MOST_SHAPES = 30_000; // points of a drawing; more of them become a picture inside it
const PNG_RATIO = 3;

/** Save the maps as they are now. */
export async function save(board, format) {
  const content = format === "png"
    ? await new Promise((done) => { toCanvas(board, PNG_RATIO).toBlob(done, "image/png"); })
    : new Blob([toSvg(board)], { type: "image/svg+xml" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = `${board.data.file}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The entries of the legend that have points on the map, and the lines below them. */
function legendOf(board) {
  const { items } = board.maps[0];
  const used = new Set(items.colouring.codes.filter((_, row) => items.visible[row]));
  return items.colouring.entries.filter((_, code) => used.has(code));
}

function linesOf(board) {
  const counts = board.maps.map(({ title, items }) =>
    `${title}: ${items.nVisible.toLocaleString("en-US")} of ${items.n.toLocaleString("en-US")} points`);
  const marks = board.maps[0].items.modalities.map(({ glyph, label }) => `${glyph} ${label}`);
  return [`${counts.join("; ")}. ${marks.join("  ")}`, board.data.provenance];
}

/** Places of the legend's entries under the maps: [{ entry, x, y }], and the height they take. */
function flow(board, entries, measure) {
  const { width, height } = board.size;
  let x = 0, y = height + 2 * LINE_PX;
  const placed = entries.map((entry) => {
    const wide = measure(entry.name) + 34;
    if (x + wide > width && x > 0) { x = 0; y += LINE_PX; }
    const at = { entry, x, y };
    x += wide;
    return at;
  });
  return { placed, bottom: y + LINE_PX };
}

function toCanvas(board, ratio) {
  const { width } = board.size;
  const measuring = new OffscreenCanvas(1, 1).getContext("2d");
  measuring.font = `12px ${FONT}`;
  const { placed, bottom } = flow(board, legendOf(board), (text) => measuring.measureText(text).width);
  const lines = linesOf(board);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: width * ratio, height: (bottom + lines.length * LINE_PX + 8) * ratio });
  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  ink.fillStyle = board.data.theme.paper;
  ink.fillRect(0, 0, width, canvas.height / ratio);
  ink.drawImage(pointsCanvas(board, ratio), 0, 0, width, board.size.height);
  for (const map of board.maps) {
    drawOverlay(ink, map, map.camera.view(map.cell), board.above(map));
    ink.font = `600 14px ${FONT}`;
    ink.textAlign = "left";
    ink.fillStyle = board.data.theme.text;
    ink.fillText(map.title, map.cell.left + 4, map.cell.top + 16);
  }
  ink.font = `12px ${FONT}`;
  ink.textBaseline = "alphabetic";
  ink.textAlign = "left";
  for (const { entry, x, y } of placed) {
    ink.fillStyle = entry.colour;
    ink.beginPath();
    ink.arc(x + 8, y - 4, 5, 0, 2 * Math.PI);
    ink.fill();
    ink.fillStyle = board.data.theme.text;
    ink.fillText(entry.name, x + 18, y);
  }
  ink.fillStyle = board.data.theme.muted;
  lines.forEach((line, row) => ink.fillText(line, 4, bottom + row * LINE_PX));
  return canvas;
}

/** The points of all maps on a canvas of their own, at another number of pixels. */
function pointsCanvas(board, ratio) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: board.size.width * ratio, height: board.size.height * ratio });
  const drawing = new Drawing(canvas);
  for (const map of board.maps) board.drawMap(map, drawing, ratio, map.items.n);
  drawing.finish();
  const copy = document.createElement("canvas");
  Object.assign(copy, { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  drawing.remove();
  return copy;
}

/** The maps as SVG text. */
export function toSvg(board) {
  const { width, height } = board.size;
  const { theme } = board.data;
  const { placed, bottom } = flow(board, legendOf(board), (text) => text.length * 6.4);
  const lines = linesOf(board);
  const whole = bottom + lines.length * LINE_PX + 8;
  const n = board.maps.reduce((sum, { items }) => sum + items.nVisible, 0);
  const points = n > MOST_SHAPES
    ? [`<image width="${width}" height="${height}" href="${pointsCanvas(board, 2).toDataURL()}"/>`]
    : board.maps.map((map, number) => shapesOf(board, map, number));
  const names = board.maps.flatMap((map) => (board.names && map.named ? map.named : []).map(
    ({ name, box }) => text(map.cell.left + (box.left + box.right) / 2,
      map.cell.top + (box.top + box.bottom) / 2 + 4, name, theme.text,
      `text-anchor="middle" font-weight="600" stroke="${theme.paper}" stroke-width="4" `
      + 'paint-order="stroke" stroke-linejoin="round"')));
  const titles = board.maps.map(({ cell, title }) =>
    text(cell.left + 4, cell.top + 16, title, theme.text, 'font-weight="600" font-size="14"'));
  const legend = placed.map(({ entry, x, y }) =>
    `<circle cx="${x + 8}" cy="${y - 4}" r="5" fill="${entry.colour}"/>`
    + text(x + 18, y, entry.name, theme.text));
  const facts = lines.map((line, row) => text(4, bottom + row * LINE_PX, line, theme.muted));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" `
    + `viewBox="0 0 ${width} ${whole}" font-family="${FONT.replaceAll('"', "'")}" font-size="12">`
    + `<rect width="100%" height="100%" fill="${theme.paper}"/>`
    + [...points, ...names, ...titles, ...legend, ...facts].join("\n") + "</svg>";
}

function shapesOf(board, map, number) {
  const { cell, items, places, nDims } = map;
  const view = map.camera.view(cell);
  const { size, opacity } = board.look(map);
  const half = size / 2;
  const out = [0, 0, 0];
  const shapes = [];
  for (let row = 0; row < items.n; row++) {
    if (!items.visible[row]) continue;
    const at = row * nDims;
    const z = nDims === 3 ? places[at + 2] / 65535 : 0;
    const [x, y] = project(view, places[at] / 65535, places[at + 1] / 65535, z, out)
      .map((value) => Number(value.toFixed(1)));
    if (x < 0 || y < 0 || x > cell.width || y > cell.height) continue;
    const fill = `fill="${board.colourOf(items, row)}"`;
    const shape = items.kind[row] & 3;
    const [px, py] = [x + cell.left, y + cell.top];
    const side = shape === 1 ? half * 0.86 : half;
    shapes.push(shape === 0 ? `<circle cx="${px}" cy="${py}" r="${half}" ${fill}/>`
      : `<rect x="${px - side}" y="${py - side}" width="${2 * side}" height="${2 * side}" ${fill}`
        + `${shape === 1 ? ` transform="rotate(45 ${px} ${py})"` : ""}/>`);
  }
  return `<g opacity="${opacity.toFixed(2)}" id="map${number}">${shapes.join("")}</g>`;
}

function text(x, y, content, fill, more = "") {
  const safe = content.replace(/[&<>]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[one]);
  return `<text x="${x}" y="${y}" fill="${fill}" ${more}>${safe}</text>`;
}
