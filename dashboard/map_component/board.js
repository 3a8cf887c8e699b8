// The board: all maps of one component, under one set of filters, one colouring, one selection.

import { Camera } from "./camera.js";
import { colourBy, rgb, valueOf } from "./colouring.js";
import { Controls, count, make } from "./controls.js";
import { drawDensity, findDensity } from "./density.js";
import { listen } from "./gestures.js";
import { Drawing } from "./gl.js";
import { findRegions } from "./labels.js";
import { drawOverlay } from "./overlay.js";
import { inside, nearest, neighbour, placeOf } from "./picking.js";
import { save } from "./picture.js";
import { applyFilters, countParts, fetchBytes, HEADER_BYTES, loadItems, packBits, unpackBits }
  from "./points.js";

const GAP_PX = 14; // between two maps
const NARROW_PX = 640; // maps stand below each other on a narrower page
const REST_MS = 140; // without a movement, until everything is drawn
const SLOW_MS = 90; // of a frame; slower maps draw a part of their points while they move
const LEAST_SAMPLE = 60_000;
const FIRST_SAMPLE = 200_000; // points of the first frames that move, until their time is known
const HOVER_PX = 14;
const PREVIEW_MS = 50; // the pointer stays on a point for so long before the server is asked
const MOST_LINES = 60_000;
const ALL = { classes: [], modalities: [], subsets: [] };

export class Board {
  constructor(parent) {
    this.mode = "move";
    this.colour = "class";
    Object.assign(this, { names: true, density: false, lines: false, pictures: true, sound: false,
      tied: false, moving: false, maps: [], filters: ALL, colouring: null, hovered: null,
      sample: FIRST_SAMPLE, nAwaited: 0 });
    this.itemSets = new Map(); // digest -> items
    this.tiles = new Map(); // "set row" -> the picture or words of an item, null while it is awaited
    this.dirty = new Set();
    this.controls = new Controls(this);
    this.root = this.controls.root;
    this.root.board = this; // for tests
    [this.ground, this.canvas, this.overlay] = ["ground", "points", "overlay"].map((name) =>
      make("canvas", { class: name }));
    Object.assign(this.overlay, { tabIndex: 0 });
    this.overlay.setAttribute("role", "application");
    this.titles = make("div", { class: "titles" });
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    this.controls.canvasBox.append(this.ground, this.canvas, this.overlay, this.titles,
      this.controls.card, this.spoken);
    parent.append(this.root);
    this.drawing = new Drawing(this.canvas);
    this.stopListening = listen(this.overlay, this);
    this.resized = new ResizeObserver(() => this.layOut());
    this.resized.observe(this.controls.canvasBox);
    this.previewed = ({ detail }) => this.takePreview(detail);
    document.addEventListener("jee-preview", this.previewed);
  }

  remove() {
    this.removed = true;
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    this.player?.pause();
    this.stopListening();
    this.resized.disconnect();
    document.removeEventListener("jee-preview", this.previewed);
    this.drawing.remove();
    this.root.remove();
  }

  // -- what the server sends -----------------------------------------------------------------------

  /** Show what a run of the page describes; points that are here already are not fetched again. */
  update(data, send) {
    return this.awaits(this.takeData(data, send));
  }

  /** Points or colours are on their way: the board rests once they are there and drawn. */
  async awaits(work) {
    this.nAwaited += 1;
    this.root.dataset.state = "loading";
    try {
      await work;
    } finally {
      this.nAwaited -= 1;
    }
    if (!this.nAwaited && !this.frame) this.rest();
  }

  async takeData(data, send) {
    this.send = send;
    const asked = JSON.stringify(data.filters);
    if (asked !== this.filtersAsked) this.filters = { ...ALL, ...data.filters };
    this.filtersAsked = asked;
    if (!this.data) Object.assign(this, data.look);
    this.data = data;
    this.overlay.setAttribute("aria-label", data.title);
    const sets = await Promise.all(data.sets.map((one) => this.itemsOf(one)));
    const places = await Promise.all(data.maps.map(({ file }) => fetchBytes(file)));
    if (this.removed || data !== this.data) return;
    const before = this.maps;
    this.maps = data.maps.map((one, number) => {
      const known = before.find((map) => map.name === one.name && map.nDims === one.n_dims);
      const same = known?.digest === one.file.digest ? known : null;
      return {
        name: one.name, title: one.title, digest: one.file.digest, nDims: one.n_dims,
        note: one.note ?? "",
        places: same?.places ?? new Uint16Array(places[number], HEADER_BYTES),
        items: sets[one.set],
        camera: known?.camera ?? new Camera(one.n_dims, one.extent),
        cell: known?.cell ?? { left: 0, top: 0, width: 1, height: 1 },
        opened: one.opened, lit: one.lit, stars: one.stars, regions: same?.regions,
        regionsView: same?.regionsView,
      };
    });
    for (const [digest, items] of this.itemSets) {
      if (!sets.includes(items)) this.itemSets.delete(digest);
    }
    if (data.marked && data.marked.key !== this.markedKey) {
      this.mark(sets[0], unpackBits(data.marked.bits, sets[0].n), 0);
    }
    this.markedKey = data.marked?.key;
    await this.applyChoices();
    this.layOut();
  }

  async itemsOf(description) {
    const { digest } = description.file;
    const known = this.itemSets.get(digest);
    if (known) return Object.assign(known, { columns: description.columns });
    const items = await loadItems({ ...description, name: digest });
    this.itemSets.set(digest, items);
    return items;
  }

  // -- filters and colours -------------------------------------------------------------------------

  /** Apply filters and colours to all points, and draw them. */
  paint() {
    return this.awaits(this.applyChoices());
  }

  async applyChoices() {
    for (const items of this.itemSets.values()) {
      items.tables = applyFilters(items, this.codesOf(items));
      items.colouring = await colourBy(items, this.colour);
    }
    const { items } = this.maps[0];
    this.colouring = items.colouring;
    this.counts ??= {};
    if (this.countsOf !== items) {
      this.counts = countParts(items, new Uint8Array(items.n).fill(1));
      this.countsOf = items;
    }
    this.findLines();
    this.controls.drawTools();
    this.controls.drawLegend();
    this.touchAll();
    this.rest();
  }

  codesOf(items) {
    const codes = (entries, names) => {
      const found = names.map((name) => entries.findIndex((one) => one.name === name));
      return names.length ? found : []; // an unknown name stays, and matches nothing
    };
    return {
      classes: codes(items.classes, this.filters.classes),
      modalities: codes(items.modalities, this.filters.modalities),
      subsets: codes(items.subsets, this.filters.subsets),
    };
  }

  toggleFilter(field, name) {
    const chosen = this.filters[field];
    const kept = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    this.filters = { ...this.filters, [field]: kept };
    this.writeAddress();
    return this.paint();
  }

  /** Keep the filters in the address of the page; the server reads them at its next run. */
  writeAddress() {
    const address = new URL(location.href);
    for (const [field, name] of Object.entries(this.data.parameters)) {
      address.searchParams.delete(name);
      this.filters[field].forEach((one) => address.searchParams.append(name, one));
    }
    // The server takes an address without parameters for that of a page that was just opened.
    if (!address.search) address.searchParams.set(this.data.parameters.classes, "");
    history.replaceState(history.state, "", address);
  }

  /** Colour by a column; one that is not here yet is asked for, and comes with the next run. */
  setColour(name) {
    this.colour = name;
    const column = this.maps[0].items.columns.find((one) => one.name === name);
    if (column && !column.file) this.send("column", { name });
    return this.paint();
  }

  setMode(mode) {
    this.mode = mode;
    this.overlay.style.touchAction = mode === "move" ? "pan-y" : "none";
    this.overlay.style.cursor = mode === "move" ? "" : "crosshair";
    this.controls.drawTools();
  }

  toggle(field) {
    this[field] = !this[field];
    if (field === "tied" && this.tied) this.tie(this.maps[0]);
    if (field === "lines") this.findLines();
    if (field === "sound" && !this.sound) this.player?.pause();
    this.controls.drawTools();
    this.touchAll();
    this.rest();
  }

  async findLines() {
    this.joined = new Uint32Array();
    const { pairs } = this.data;
    if (!this.lines || !pairs) return;
    const { items } = this.maps[0];
    const rows = new Uint32Array(await fetchBytes(pairs.file), HEADER_BYTES, 2 * pairs.n);
    const kept = [];
    for (let at = 0; at < rows.length; at += 2) {
      const [one, other] = [rows[at], rows[at + 1]];
      if (!items.visible[one] || !items.visible[other]) continue;
      if (items.nMarked && !items.marked[one] && !items.marked[other]) continue;
      kept.push(one, other);
    }
    this.nJoinable = kept.length / 2;
    this.joined = Uint32Array.from(kept.slice(0, 2 * MOST_LINES));
    this.touchAll();
    this.rest();
  }

  // -- layout and drawing --------------------------------------------------------------------------

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
      map.label = make("div", { class: "title",
        style: `left:${map.cell.left}px;top:${map.cell.top}px;max-width:${map.cell.width}px` });
      return map.label;
    }));
    this.touchAll();
    this.rest();
  }

  touchAll() {
    this.maps.forEach((map) => this.dirty.add(map));
    this.frame ??= requestAnimationFrame(() => this.drawFrame());
  }

  /** A map has moved: draw it now, and everything about it once it rests. */
  moved(map) {
    if (this.tied) this.tie(map);
    else this.dirty.add(map);
    this.moving = true;
    this.controls.hideCard();
    this.root.dataset.state = "moving";
    this.frame ??= requestAnimationFrame(() => this.drawFrame());
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST_MS);
  }

  tie(map) {
    for (const other of this.maps) {
      if (other !== map && other.nDims === map.nDims) other.camera.follow(map.camera);
      this.dirty.add(other);
    }
  }

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
  }

  /** How many points a frame may have while a map moves, from the time that this frame took. */
  learnSpeed(started, nDrawn) {
    this.drawing.finish();
    this.frameMs = performance.now() - started;
    if (this.frameMs > SLOW_MS) {
      this.sample = Math.max(LEAST_SAMPLE, Math.round((nDrawn * SLOW_MS) / this.frameMs));
    } else if (this.moving && this.frameMs < SLOW_MS / 2) this.sample *= 1.5;
  }

  drawMap(map, drawing, ratio, n) {
    const { cell, items } = map;
    const view = map.camera.view(cell);
    drawing.clear(cell, ratio);
    if (this.joined?.length && map.items === this.maps[0].items) {
      const alpha = Math.max(0.05, Math.min(0.45, 8 / Math.sqrt(this.joined.length)));
      drawing.drawLines(map, view, cell, this.joined, [...this.ink("muted"), alpha]);
    }
    drawing.drawPoints(map, view, cell, ratio, this.look(map), n);
  }

  /** Size and opacity of the points of a map: larger and fuller the more room each has. */
  look(map) {
    const { cell, items, camera } = map;
    const inView = Math.max(items.nVisible / camera.zoom ** 2, 1);
    const room = Math.sqrt((cell.width * cell.height) / inView); // px, if spread evenly
    const size = Math.max(1.5, Math.min(13, 1.75 * room ** 0.62));
    const opacity = Math.max(0.34, Math.min(0.92, 0.46 + 0.15 * Math.log(room)));
    return {
      size, opacity: this.density ? opacity * 0.75 : opacity, codes: items.colouring.codes,
      quiet: this.ink("muted"), paper: this.ink("paper"),
    };
  }

  ink(name) {
    return rgb(this.data.theme[name]).map((part) => part / 255);
  }

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
  }

  above(map) {
    return {
      theme: this.data.theme, hovered: this.hovered, shape: this.shape, moving: this.moving,
      names: this.names && map.nDims === 2,
      pictures: this.pictures && this.data.preview,
      colourOf: (items, row) => this.colourOf(items, row),
      pictureOf: (items, row) => this.pictureOf(items, row),
    };
  }

  colourOf(items, row) {
    const { codes, palette } = items.colouring;
    return `rgb(${palette.slice(codes[row] * 4, codes[row] * 4 + 3).join(",")})`;
  }

  /** The picture or words of an item; null where they are not here yet: then they are asked for. */
  pictureOf(items, row) {
    const name = `${items.name} ${row}`;
    const found = this.tiles.get(name);
    if (found === undefined) {
      this.tiles.set(name, null);
      (this.wanted ??= []).push({ items, row });
      clearTimeout(this.asksPictures);
      this.asksPictures = setTimeout(() => this.askPictures(), PREVIEW_MS);
    }
    return found?.words || found?.naturalWidth ? found : null;
  }

  askPictures() {
    const { items } = this.wanted[0];
    const rows = this.wanted.filter((one) => one.items === items).map(({ row }) => row);
    this.wanted = this.wanted.filter((one) => one.items !== items);
    if (this.wanted.length) this.asksPictures = setTimeout(() => this.askPictures(), REST_MS);
    document.dispatchEvent(new CustomEvent("jee-preview-wanted", {
      detail: { key: this.data.preview, set: this.setOf(items), rows },
    }));
  }

  /** Pictures that the server has answered: their addresses, or words, by row. */
  takePictures({ set, tiles }) {
    const items = this.maps.find(({ items: one }) => this.setOf(one) === set)?.items;
    for (const { row, image, words } of items ? tiles : []) {
      const tile = image ? new Image() : { words };
      if (image) Object.assign(tile, { onload: () => this.drawAbove(), src: image });
      this.tiles.set(`${items.name} ${row}`, tile);
    }
    this.drawAbove();
    this.writeCounts();
  }

  /** Nothing moves: draw all points, and place names, shading and pictures anew. */
  rest() {
    clearTimeout(this.resting);
    this.resting = null;
    if (this.removed || !this.size) return;
    this.moving = false;
    for (const map of this.maps) {
      const view = map.camera.view(map.cell);
      if (map.nDims === 2 && this.names) {
        map.regions = findRegions(map, view, map.cell);
        map.regionsView = view;
      }
      map.shading = this.density && map.nDims === 2 ? findDensity(map, view, map.cell) : null;
    }
    this.maps.forEach((map) => this.dirty.add(map));
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.drawFrame();
      if (!this.nAwaited) this.root.dataset.state = "rest";
      this.root.dataset.frames = Number(this.root.dataset.frames ?? 0) + 1;
    });
  }

  /** State how many points are drawn, of how many there are. */
  writeCounts() {
    for (const map of this.maps) {
      const { n, nVisible } = map.items;
      const sampled = this.moving && this.sample < n
        ? `; ${count(Math.round((nVisible * this.sample) / n))} of them while it moves` : "";
      const pictured = map.pictured ? `, ${count(map.pictured)} as pictures` : "";
      const text = `${count(nVisible)} of ${count(n)} points drawn${pictured}${sampled}`;
      if (map.label && map.written !== text + map.title) {
        map.label.replaceChildren(make("b", {}, map.title), make("small", {}, text));
      }
    }
    const joined = this.lines && this.joined?.length ? this.joined.length / 2 : 0;
    this.controls.status.textContent = [
      joined && `${count(joined)} of ${count(this.nJoinable)} pairs joined`, this.data.note,
    ].filter(Boolean).join(". ");
  }

  // -- gestures ------------------------------------------------------------------------------------

  mapAt(x, y) {
    return this.maps.find(({ cell }) => x >= cell.left && x < cell.left + cell.width
      && y >= cell.top && y < cell.top + cell.height);
  }

  pan(map, dx, dy) {
    map.camera.drag(map.cell, dx, dy);
    this.moved(map);
  }

  panAll(dx, dy) {
    this.maps.forEach((map) => this.pan(map, dx, dy));
  }

  orbit(map, dx, dy) {
    map.camera.orbit(dx, dy);
    this.moved(map);
  }

  zoom(map, x, y, factor) {
    map.camera.zoomAt(map.cell, x, y, factor);
    this.moved(map);
  }

  zoomAll(factor) {
    for (const map of this.tied ? this.maps.slice(0, 1) : this.maps) {
      this.zoom(map, map.cell.width / 2, map.cell.height / 2, factor);
    }
  }

  reset() {
    this.maps.forEach((map) => { map.camera.reset(); this.moved(map); });
  }

  hover(map, x, y) {
    const view = map?.camera.view(map.cell);
    const row = map ? nearest(map, view, x, y, HOVER_PX) : -1;
    this.overlay.style.cursor = row >= 0 && this.mode === "move" ? "pointer"
      : this.mode === "move" ? "" : "crosshair";
    this.point(row >= 0 ? map : null, row);
  }

  /** Make a row of a map the one that is pointed at: ringed in all maps, with its card. */
  point(map, row) {
    if (!map) {
      if (!this.hovered) return;
      this.hovered = null;
      this.player?.pause();
      clearTimeout(this.asking);
      this.controls.hideCard();
    } else if (this.hovered?.row === row && this.hovered.map === map) return;
    else {
      this.hovered = { map, row, items: map.items };
      this.showCard();
      this.askPreview();
    }
    this.drawAbove();
  }

  showCard() {
    const { map, row, items } = this.hovered;
    const entry = items.classes[items.klass[row]];
    const modality = items.modalities[items.kind[row] & 3];
    const subset = items.subsets[items.kind[row] >> 2].name;
    const value = this.colouring.column ? valueOf(items.colouring, row) : "";
    const facts = [modality.singular, subset, value && `${this.colouring.column.label}: ${value}`];
    const preview = this.preview?.row === row && this.preview.set === this.setOf(items)
      ? this.preview : null;
    const place = placeOf(map, map.camera.view(map.cell), row);
    const shown = { title: entry.name, colour: this.colourOf(items, row), marker: modality.marker,
      facts: facts.filter(Boolean).join(", ") };
    this.controls.showCard(map, place, shown, preview);
    this.spoken.textContent = `${shown.title}, ${shown.facts}`;
  }

  setOf(items) {
    return this.data.sets.findIndex(({ file }) => file.digest === items.name);
  }

  /** Ask the server for the picture, sound and id of the point, once the pointer stays on it. */
  askPreview() {
    clearTimeout(this.asking);
    this.player?.pause();
    if (!this.data.preview) return;
    const { row, items } = this.hovered;
    const asked = { key: this.data.preview, set: this.setOf(items), row, sound: this.sound };
    this.asking = setTimeout(() => {
      document.dispatchEvent(new CustomEvent("jee-preview-wanted", { detail: asked }));
    }, PREVIEW_MS);
  }

  takePreview(detail) {
    if (detail.key !== this.data?.preview) return;
    if (detail.tiles) this.takePictures(detail);
    if (detail.tiles || !this.hovered) return;
    if (detail.row !== this.hovered.row || detail.set !== this.setOf(this.hovered.items)) return;
    this.preview = detail;
    this.showCard();
    if (!this.sound || !detail.sound) return;
    this.player?.pause();
    this.player = new Audio(detail.sound);
    this.player.onplaying = () => { this.root.dataset.playing = detail.item; };
    this.player.onpause = () => { delete this.root.dataset.playing; };
    this.player.play().catch(() => {});
  }

  click(map, x, y, reach) {
    const row = nearest(map, map.camera.view(map.cell), x, y, reach);
    if (row >= 0) this.open(map.items, row);
    else this.clearSelection();
  }

  open(items, row) {
    this.send("opened", { set: this.setOf(items), row });
  }

  openFocused() {
    if (this.hovered) this.open(this.hovered.items, this.hovered.row);
  }

  /** Go to the nearest point in a direction; the first step is to the middle of the first map. */
  walk(dx, dy) {
    const map = this.hovered?.map ?? this.maps[0];
    const view = map.camera.view(map.cell);
    const row = this.hovered ? neighbour(map, view, this.hovered.row, dx, dy)
      : nearest(map, view, map.cell.width / 2, map.cell.height / 2, 1e4);
    if (row < 0) return;
    const [x, y] = placeOf(map, view, row);
    const { width, height } = map.cell;
    if (x < 20 || y < 20 || x > width - 20 || y > height - 20) {
      this.pan(map, width / 2 - x, height / 2 - y);
    }
    this.point(map, row);
  }

  draw(map, path) {
    this.shape = map && path ? { map, path: [...path] } : null;
    this.drawAbove();
  }

  /** Select the visible points inside a shape; with `more`, besides those selected before. */
  select(map, path, more) {
    const started = performance.now();
    const mask = inside(map, map.camera.view(map.cell), map.cell, path);
    const { items } = map;
    if (more) items.marked.forEach((one, row) => { mask[row] |= one; });
    const found = this.mark(items, mask, started);
    if (found.total) this.send("selected", { set: this.setOf(items), bits: packBits(mask) });
  }

  /** Mark the rows of a mask, light them up in all maps, and show their summary. */
  mark(items, mask, started) {
    const found = countParts(items, mask);
    items.marked.set(mask);
    items.nMarked = found.total;
    this.drawing.upload(`marks ${items.name}`, items.marked, true);
    this.controls.showSummary(items, found.total ? found : null, performance.now() - started);
    this.root.dataset.selected = found.total;
    this.findLines();
    this.touchAll();
    return found;
  }

  clearSelection() {
    const had = this.maps.some(({ items }) => items.nMarked || this.data.marked);
    for (const items of this.itemSets.values()) this.mark(items, new Uint8Array(items.n), 0);
    if (had) this.send("selected", { set: 0, bits: "" });
  }

  save(format) {
    save(this, format);
  }
}
