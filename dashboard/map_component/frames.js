// The board's frames: the layout of its maps, what is drawn while they move and once they rest.

import { rgb } from "./colouring.js";
import { count, make } from "./controls.js";
import { drawDensity, findDensity } from "./density.js";
import { findRegions, placeRegions } from "./labels.js";
import { drawOverlay } from "./overlay.js";

const GAP_PX = 14; // between two maps
const NARROW_PX = 640; // maps stand below each other on a narrower page
const REST_MS = 140; // without a movement, until everything is drawn
const SLOW_MS = 90; // of a frame; slower maps draw a part of their points while they move
const LEAST_SAMPLE = 60_000;

/** Methods of the board. */
export const frames = {
  layOut() {
    if (!this.maps.length) return;
    const width = Math.floor(this.controls.canvasBox.clientWidth);
    if (!width) return;
    const n = this.maps.length;
    const stacked = width < NARROW_PX && n > 1;
    const each = stacked ? width : (width - GAP_PX * (n - 1)) / n;
    const tall = Math.min(this.data.height, Math.max(320, each * 1.05));
    const height = stacked ? n * tall + GAP_PX * (n - 1) : tall;
    this.maps.forEach((map, number) => {
      const along = number * ((stacked ? tall : each) + GAP_PX);
      map.cell = { left: stacked ? 0 : along, top: stacked ? along : 0, width: each, height: tall };
    });
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.size = { width, height, ratio };
    this.controls.canvasBox.style.height = `${height}px`;
    for (const canvas of [this.ground, this.canvas, this.overlay]) {
      const [across, up] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== across || canvas.height !== up) {
        Object.assign(canvas, { width: across, height: up });
      }
    }
    this.titles.replaceChildren(...this.maps.map((map) => {
      map.written = null;
      map.label = make("div", { class: "title",
        style: `left:${map.cell.left}px;top:${map.cell.top}px;max-width:${map.cell.width}px` });
      return map.label;
    }));
    this.writeCounts();
    this.touchAll();
    this.rest();
  },

  touchAll() {
    this.maps.forEach((map) => this.dirty.add(map));
    this.askFrame();
  },

  askFrame() {
    this.root.dataset.state = this.moving ? "moving" : "drawing";
    this.frame ??= requestAnimationFrame(() => this.drawFrame());
  },

  /** A map has moved: draw it now, and everything about it once it rests. */
  moved(map) {
    if (this.tied) this.tie(map);
    else this.dirty.add(map);
    this.moving = true;
    this.controls.hideCard();
    this.askFrame();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  },

  tie(map) {
    for (const other of this.maps) {
      if (other !== map && other.nDims === map.nDims) other.camera.follow(map.camera);
      this.dirty.add(other);
    }
  },

  drawFrame() {
    this.frame = null;
    if (this.removed || !this.size) return;
    const started = performance.now();
    let nDrawn = 0;
    for (const map of this.dirty) {
      const n = this.moving ? Math.min(this.sample, map.items.n) : map.items.n;
      this.drawMap(map, this.drawing, this.size.ratio, n);
      nDrawn += n;
    }
    this.dirty.clear();
    this.drawAbove();
    if (nDrawn > LEAST_SAMPLE) this.learnSpeed(started, nDrawn);
    this.writeCounts();
    if (!this.moving && !this.nAwaited) this.root.dataset.state = "rest";
  },

  /** How many points a frame may have while a map moves, from the time that this frame took. */
  learnSpeed(started, nDrawn) {
    this.drawing.finish();
    this.frameMs = performance.now() - started;
    if (this.frameMs > SLOW_MS) {
      this.sample = Math.max(LEAST_SAMPLE, Math.round((nDrawn * SLOW_MS) / this.frameMs));
    } else if (this.moving && this.frameMs < SLOW_MS / 2) this.sample *= 1.5;
  },

  drawMap(map, drawing, ratio, n) {
    const { cell, items } = map;
    const view = map.camera.view(cell);
    drawing.clear(cell, ratio);
    if (this.joined?.length && map.items === this.maps[0].items) {
      const alpha = Math.max(0.05, Math.min(0.45, 8 / Math.sqrt(this.joined.length)));
      drawing.drawLines(map, view, cell, this.joined, [...this.ink("muted"), alpha]);
    }
    drawing.drawPoints(map, view, cell, ratio, this.look(map), n);
  },

  /** Size and opacity of the points of a map: larger and fuller the more room each has. */
  look(map) {
    const { cell, items, camera } = map;
    const inView = Math.max(items.nVisible / camera.zoom ** 2, 1);
    const room = Math.sqrt((cell.width * cell.height) / inView); // px, if spread evenly
    const size = Math.max(1.5, Math.min(13, 1.75 * room ** 0.62));
    const opacity = Math.max(0.34, Math.min(0.92, 0.46 + 0.15 * Math.log(room)));
    return {
      size, opacity: this.density ? opacity * 0.75 : opacity, paper: this.ink("paper"),
    };
  },

  ink(name) {
    return rgb(this.data.theme[name]).map((part) => part / 255);
  },

  drawAbove() {
    const { ratio, width, height } = this.size;
    const ink = this.overlay.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    for (const map of this.maps) drawOverlay(ink, map, map.camera.view(map.cell), this.above(map));
    const ground = this.ground.getContext("2d");
    ground.setTransform(ratio, 0, 0, ratio, 0, 0);
    ground.clearRect(0, 0, width, height);
    if (!this.density || this.moving) return;
    for (const map of this.maps) {
      if (map.shading) drawDensity(ground, map.cell, map.shading, rgb(this.data.theme.text));
    }
  },

  above(map) {
    return {
      theme: this.data.theme, hovered: this.hovered, shape: this.shape, moving: this.moving,
      names: this.names && map.nDims === 2,
      pictures: this.pictures && this.data.preview,
      colourOf: (items, row) => this.colourOf(items, row),
      tileOf: (items, row) => this.tileOf(items, row),
    };
  },

  colourOf(items, row) {
    const { codes, palette } = items.colouring;
    return `rgb(${palette.slice(codes[row] * 4, codes[row] * 4 + 3).join(",")})`;
  },

  /** Nothing moves: draw all points, and place names, shading and pictures anew. */
  rest() {
    clearTimeout(this.resting);
    this.resting = null;
    if (this.removed || !this.size) return;
    this.moving = false;
    for (const map of this.maps) {
      const view = map.camera.view(map.cell);
      if (map.nDims === 2 && this.names) {
        map.regions = map.worded ? placeRegions(map.worded, view)
          : findRegions(map, view, map.cell);
        map.regionsView = view;
      }
      map.shading = this.density && map.nDims === 2 ? findDensity(map, view, map.cell) : null;
    }
    this.maps.forEach((map) => this.dirty.add(map));
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.askFrame();
  },

  /** State how many points are drawn, of how many there are. */
  writeCounts() {
    for (const map of this.maps) {
      const { n, nVisible } = map.items;
      const sampled = this.moving && this.sample < n
        ? `; ${count(Math.round((nVisible * this.sample) / n))} of them while it moves` : "";
      const nPictures = map.pictures?.length ?? 0;
      const pictured = nPictures ? `, ${count(nPictures)} as pictures` : "";
      const text = `${count(nVisible)} of ${count(n)} points drawn${pictured}${sampled}`;
      if (map.label && map.written !== text + map.title) {
        map.written = text + map.title;
        map.label.replaceChildren(make("b", {}, map.title), make("small", {}, text));
        map.titleBox = { left: 0, top: 0, right: map.label.offsetWidth,
          bottom: map.label.offsetHeight };
      }
    }
    const joined = this.lines && this.joined?.length ? this.joined.length / 2 : 0;
    this.controls.status.textContent = [
      joined && `${count(joined)} of ${count(this.nJoinable)} pairs joined`, this.data.note,
    ].filter(Boolean).join(". ");
  },
};
