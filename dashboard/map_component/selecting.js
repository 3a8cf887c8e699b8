// The selection: drawn with a lasso or a box, marked in all maps, and sent to the server.

import { inside } from "./picking.js";
import { countParts, packBits } from "./points.js";

/** Methods of the board. */
export const selecting = {
  draw(map, path) {
    this.shape = map && path ? { map, path: [...path] } : null;
    this.drawAbove();
  },

  /** Select the visible points inside a shape; with `more`, besides those selected before. */
  select(map, path, more) {
    const started = performance.now();
    const mask = inside(map, map.camera.view(map.cell), map.cell, path);
    const { items } = map;
    if (more) items.marked.forEach((one, row) => { mask[row] |= one; });
    const found = this.mark(items, mask, started);
    if (found.total) this.send("selected", { set: this.setOf(items), bits: packBits(mask) });
  },

  /** Mark the rows of a mask, light them up in all maps, and show their summary. */
  mark(items, mask, started) {
    const found = countParts(items, mask);
    items.marked.set(mask);
    items.nMarked = found.total;
    if (items.colouring) this.mixInks(items);
    this.controls.showSummary(items, found.total ? found : null, performance.now() - started);
    this.root.dataset.selected = found.total;
    this.findLines();
    this.touchAll();
    return found;
  },

  clearSelection() {
    const had = this.maps.some(({ items }) => items.nMarked || this.data.marked);
    for (const items of this.itemSets.values()) this.mark(items, new Uint8Array(items.n), 0);
    if (had) this.send("selected", { set: 0, bits: "" });
  },
};
