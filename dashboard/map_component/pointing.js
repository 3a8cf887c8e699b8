// What is pointed at, by the pointer or by keys: its ring, its card, its sound, and opening it.

import { valueOf } from "./colouring.js";
import { nearest, neighbour, placeOf } from "./picking.js";

const HOVER_PX = 14;
const PREVIEW_MS = 50; // the pointer stays on a point for so long before the server is asked

/** Methods of the board. */
export const pointing = {
  hover(map, x, y) {
    const view = map?.camera.view(map.cell);
    const row = map ? nearest(map, view, x, y, HOVER_PX) : -1;
    this.overlay.style.cursor = row >= 0 && this.mode === "move" ? "pointer"
      : this.mode === "move" ? "" : "crosshair";
    this.point(row >= 0 ? map : null, row);
  },

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
  },

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
  },

  setOf(items) {
    return this.data.sets.findIndex(({ file }) => file.digest === items.name);
  },

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
  },

  takePreview(detail) {
    if (detail.key !== this.data?.preview) return;
    if (detail.tiles || detail.sheets) this.takeTiles(detail);
    if (detail.tiles || detail.sheets || !this.hovered) return;
    if (detail.row !== this.hovered.row || detail.set !== this.setOf(this.hovered.items)) return;
    this.preview = detail;
    this.showCard();
    if (!this.sound || !detail.sound) return;
    this.player?.pause();
    this.player = new Audio(detail.sound);
    this.player.onplaying = () => { this.root.dataset.playing = detail.item; };
    this.player.onpause = () => { delete this.root.dataset.playing; };
    this.player.play().catch(() => {});
  },

  click(map, x, y, reach) {
    const row = nearest(map, map.camera.view(map.cell), x, y, reach);
    if (row >= 0) this.open(map.items, row);
    else this.clearSelection();
  },

  open(items, row) {
    this.send("opened", { set: this.setOf(items), row });
  },

  openFocused() {
    if (this.hovered) this.open(this.hovered.items, this.hovered.row);
  },

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
  },
};
