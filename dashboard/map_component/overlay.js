// What stands above the points: names, rings, the query, pictures, and the shape being drawn.

import { placeOf, eachPoint } from "./picking.js";
import { withoutOverlap } from "./labels.js";

export const FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif';
const NAME_PX = 13;

/** Draw everything above one map. `ink` is a 2-D context in CSS pixels of the canvas. */
export function drawOverlay(ink, map, view, state) {
  const { cell } = map;
  ink.save();
  ink.beginPath();
  ink.rect(cell.left, cell.top, cell.width, cell.height);
  ink.clip();
  ink.translate(cell.left, cell.top);
  drawPictures(ink, map, view, state);
  for (const row of map.opened) ring(ink, placeOf(map, view, row), 9, state.theme.text, 2);
  for (const row of map.lit) ring(ink, placeOf(map, view, row), 7, state.theme.accent, 2);
  if (state.names) drawNames(ink, map, view, state.theme);
  for (const star of map.stars) drawStar(ink, map, view, star, state.theme);
  if (state.hovered?.items === map.items) {
    const place = placeOf(map, view, state.hovered.row);
    ring(ink, place, 8, state.theme.paper, 5);
    ring(ink, place, 8, state.theme.text, 2.5);
  }
  if (state.shape?.map === map) drawShape(ink, state.shape.path, state.theme);
  ink.restore();
}

function ring(ink, [x, y], radius, colour, width) {
  ink.beginPath();
  ink.arc(x, y, radius, 0, 2 * Math.PI);
  ink.lineWidth = width;
  ink.strokeStyle = colour;
  ink.stroke();
}

/** The names of a map that fit now, each with its box; the places move with the camera. */
function placeNames(ink, map, view, zoomed) {
  ink.font = `600 ${NAME_PX}px ${FONT}`;
  const candidates = map.regions.map((region) => ({
    ...region,
    name: region.name ?? map.items.classes[region.code].name,
    x: (region.x - zoomed.centre[0]) * zoomed.grown + view.centre[0] + zoomed.moved[0],
    y: (region.y - zoomed.centre[1]) * zoomed.grown + view.centre[1] + zoomed.moved[1]
      - lift(region.spread * zoomed.grown),
  })).filter(({ x, y }) => x > 0 && y > 0 && x < map.cell.width && y < map.cell.height);
  return withoutOverlap(candidates, map.cell, ({ name }) =>
    [ink.measureText(name).width + 6, NAME_PX + 5], 3, takenBoxes(map));
}

/** How far above a small cluster its name stands, so that it does not cover the points. */
function lift(spread) {
  return spread < NAME_PX ? 2 * spread + NAME_PX : 0;
}

/** What names keep clear of: the title, and pictures. */
function takenBoxes(map) {
  return [map.titleBox, ...(map.pictures ?? [])].filter(Boolean);
}

function drawNames(ink, map, view, theme) {
  if (!map.regions || !map.regionsView) return;
  const named = placeNames(ink, map, view, movedSince(map.regionsView, view));
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  ink.lineJoin = "round";
  for (const { name, box } of named) {
    const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    ink.lineWidth = 4;
    ink.strokeStyle = theme.paper;
    ink.globalAlpha = 0.9;
    ink.strokeText(name, x, y);
    ink.globalAlpha = 1;
    ink.fillStyle = theme.text;
    ink.fillText(name, x, y);
  }
  map.named = named;
}

/** How a flat view has moved and grown since another. */
function movedSince(before, view) {
  const grown = view.scale / before.scale;
  return {
    grown,
    centre: before.centre,
    moved: [(before.pan[0] - view.pan[0]) * view.scale, (view.pan[1] - before.pan[1]) * view.scale],
  };
}

function drawStar(ink, map, view, star, theme) {
  const [x, y] = star.place
    ? [view.centre[0] + (star.place[0] - view.pan[0]) * view.scale,
      view.centre[1] - (star.place[1] - view.pan[1]) * view.scale]
    : placeOf(map, view, star.row);
  ink.beginPath();
  for (let corner = 0; corner < 10; corner++) {
    const radius = corner % 2 ? 5 : 12;
    const angle = (corner * Math.PI) / 5 - Math.PI / 2;
    ink.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  ink.closePath();
  ink.fillStyle = theme.text;
  ink.strokeStyle = theme.paper;
  ink.lineWidth = 2.5;
  ink.stroke();
  ink.fill();
}

function drawShape(ink, path, theme) {
  ink.beginPath();
  path.forEach(([x, y]) => ink.lineTo(x, y));
  ink.closePath();
  ink.globalAlpha = 0.12;
  ink.fillStyle = theme.accent;
  ink.fill();
  ink.globalAlpha = 1;
  ink.lineWidth = 1.5;
  ink.setLineDash([5, 4]);
  ink.strokeStyle = theme.accent;
  ink.stroke();
  ink.setLineDash([]);
}

// -- pictures in the place of points ---------------------------------------------------------------

const LEAST_TILE_PX = 40, MOST_TILE_PX = 72;
const SHARE = 0.6; // of the view that tiles may cover, if it were evenly full
const MOST_SEEN = 2_000; // points in view; of more of them none becomes a picture
const MOST_TILES = 240;
const LEAST_ZOOM = 1.5;

/** Pictures, spectrograms and words in the place of points, the nearest to the middle first. */
function drawPictures(ink, map, view, state) {
  map.pictures = [];
  if (!state.pictures || state.moving || map.items.nVisible < 2) return;
  const { cell } = map;
  const seen = [];
  eachPoint(map, view, (row, x, y) => {
    if (seen.length > MOST_SEEN) return;
    if (x >= 0 && y >= 0 && x < cell.width && y < cell.height) seen.push({ row, x, y });
  });
  if (seen.length > MOST_SEEN || map.camera.zoom < LEAST_ZOOM) return;
  const [middleX, middleY] = view.centre;
  const fromMiddle = ({ x, y }) => (x - middleX) ** 2 + (y - middleY) ** 2;
  seen.sort((one, other) => fromMiddle(one) - fromMiddle(other));
  const each = Math.sqrt((SHARE * cell.width * cell.height) / Math.max(1, seen.length));
  const side = Math.round(Math.max(LEAST_TILE_PX, Math.min(MOST_TILE_PX, each)));
  const taken = map.titleBox ? [map.titleBox] : [];
  const kept = withoutOverlap(seen, cell, () => [side, side], 6, taken).slice(0, MOST_TILES);
  for (const { row, box } of kept) {
    const found = state.tileOf(map.items, row);
    if (!found) continue;
    ink.fillStyle = state.colourOf(map.items, row);
    ink.fillRect(box.left - 2, box.top - 2, side + 4, side + 4);
    if (found.words) drawWords(ink, found.words, box, side, state.theme);
    else {
      const { picture, x, y, side: of } = found;
      ink.drawImage(picture, x, y, of, of, box.left, box.top, side, side);
    }
    map.pictures.push(box);
  }
}

function drawWords(ink, words, { left, top }, side, theme) {
  ink.fillStyle = theme.paper;
  ink.fillRect(left, top, side, side);
  ink.fillStyle = theme.text;
  ink.font = `9px ${FONT}`;
  ink.textAlign = "left";
  ink.textBaseline = "top";
  const lines = [""];
  for (const word of words.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (ink.measureText(longer).width <= side - 4) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  ink.save();
  ink.beginPath();
  ink.rect(left, top, side, side);
  ink.clip();
  lines.filter(Boolean).slice(0, Math.floor(side / 11)).forEach((line, number) =>
    ink.fillText(line, left + 2, top + 2 + number * 11));
  ink.restore();
}
