// The board: all maps of one component, under one set of filters, one colouring, one selection.
//
// Here is what it shows and how it is filtered and coloured; the files mixed in below have what it
// draws, and what it does for each gesture.

import { Camera } from "./camera.js";
import { colourBy, rgb } from "./colouring.js";
import { Controls, make } from "./controls.js";
import { frames } from "./frames.js";
import { listen } from "./gestures.js";
import { Drawing } from "./gl.js";
import { mixInks } from "./inks.js";
import { moves } from "./moves.js";
import { save } from "./picture.js";
import { pointing } from "./pointing.js";
import { applyFilters, countParts, fetchBytes, HEADER_BYTES, loadItems, unpackBits }
  from "./points.js";
import { selecting } from "./selecting.js";
import { tiles } from "./tiles.js";

const FIRST_SAMPLE = 200_000; // points of the first frames that move, until their time is known
const KEEP_MS = 250; // between two looks at whether a run of the page has ended
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
    [this.resting, this.keeping, this.asking, this.asksTiles, this.answering].forEach(clearTimeout);
    cancelAnimationFrame(this.frame);
    this.player?.pause();
    this.stopListening();
    this.resized.disconnect();
    document.removeEventListener("jee-preview", this.previewed);
    this.drawing.remove();
    this.root.remove();
  }

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
        worded: one.regions, opened: one.opened, lit: one.lit, stars: one.stars, regions: same?.regions,
        regionsView: same?.regionsView,
      };
    });
    for (const [digest, items] of this.itemSets) {
      if (!sets.includes(items)) this.itemSets.delete(digest);
    }
    const suggested = data.suggested?.key;
    if (suggested !== this.suggested) {
      if (suggested || this.colour === "score") this.colour = data.suggested?.colour ?? "class";
      this.suggested = suggested;
    }
    const { only } = data;
    if (only?.key !== this.onlyKey || this.onlyOf !== sets[0]) {
      for (const items of sets) items.only = undefined;
      if (only) sets[0].only = unpackBits(only.bits, sets[0].n);
      [this.onlyKey, this.onlyOf] = [only?.key, sets[0]];
    }
    if (data.marked && data.marked.key !== this.markedKey) {
      this.mark(sets[0], unpackBits(data.marked.bits, sets[0].n), 0);
    }
    this.markedKey = data.marked?.key;
    await this.applyChoices();
    this.layOut();
    this.keepAddress();
  }

  /** A run that a widget started writes the address without filters that only the browser has:
   * write them again, now and once the run has ended. */
  keepAddress() {
    clearTimeout(this.keeping);
    const told = { ...ALL, ...this.data.filters };
    if (this.data.compact || JSON.stringify(told) === JSON.stringify(this.filters)) return;
    const script = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
    this.writeAddress();
    if (script === "running") this.keeping = setTimeout(() => this.keepAddress(), KEEP_MS);
    else this.keeping = setTimeout(() => this.writeAddress(), KEEP_MS);
  }

  async itemsOf(description) {
    const { digest } = description.file;
    const known = this.itemSets.get(digest);
    const { columns, atlas } = description;
    if (known) return Object.assign(known, { columns, atlas });
    const items = await loadItems({ ...description, name: digest });
    this.itemSets.set(digest, items);
    return items;
  }

  /** Apply filters and colours to all points, and draw them. */
  paint() {
    return this.awaits(this.applyChoices());
  }

  async applyChoices() {
    for (const items of this.itemSets.values()) {
      applyFilters(items, this.codesOf(items));
      items.colouring = await colourBy(items, this.colour);
      this.mixInks(items);
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

  mixInks(items) {
    mixInks(items, rgb(this.data.theme.muted));
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

  save(format) {
    save(this, format);
  }
}

Object.assign(Board.prototype, frames, moves, pointing, selecting, tiles);
