// Pictures, spectrograms and words that stand in the place of points.
//
// Most come from the atlas: sheets of small tiles, of which a view needs few. Words, and items
// without a tile, are asked for one by one.

import { fetchBytes, HEADER_BYTES } from "./points.js";

const ASK_MS = 50; // so that one question has all tiles of a view
const AGAIN_MS = 5_000; // a question without an answer (another one replaced it) is asked again

/** Methods of the board. */
export const tiles = {
  /**
   * What stands for an item: { picture, x, y, side } (a part of a picture) or { words }; null where
   * it is not here yet: then it is asked for.
   */
  tileOf(items, row) {
    const tile = this.atlasTile(items, row);
    if (tile === undefined) return this.ownTile(items, row);
    return tile;
  },

  /** The tile in the atlas; null while it is on its way, undefined where the item has none. */
  atlasTile(items, row) {
    const { atlas } = items;
    if (!atlas || items.tileless) return undefined;
    if (!items.tiles) {
      this.fetchTiles(items);
      return null;
    }
    const number = items.tiles[row] - 1;
    if (number < 0) return undefined;
    const sheet = Math.floor(number / atlas.tiles);
    const picture = this.sheetOf(items, sheet);
    if (!picture?.naturalWidth) return null;
    const place = number - sheet * atlas.tiles;
    const across = place % atlas.across;
    return { picture, x: across * atlas.side, y: ((place - across) / atlas.across) * atlas.side,
      side: atlas.side };
  },

  fetchTiles(items) {
    if (items.fetchingTiles) return;
    items.fetchingTiles = true;
    fetchBytes(items.atlas.file).then((bytes) => {
      items.tiles = new Uint16Array(bytes, HEADER_BYTES);
    }).catch(() => {
      items.tileless = true; // the server has no atlas any more: items are asked for one by one
    }).finally(() => this.drawAbove());
  },

  sheetOf(items, number) {
    items.sheets ??= new Map();
    if (!items.sheets.has(number)) {
      items.sheets.set(number, null);
      this.want(items, "sheets", number);
    }
    return items.sheets.get(number);
  },

  /** The picture or words of an item without a tile. */
  ownTile(items, row) {
    const name = `${items.name} ${row}`;
    if (!this.tiles.has(name)) {
      this.tiles.set(name, null);
      this.want(items, "rows", row);
    }
    const found = this.tiles.get(name);
    if (found?.words) return found;
    if (!found?.naturalWidth) return null;
    const { naturalWidth: width, naturalHeight: height } = found;
    const side = Math.min(width, height);
    return { picture: found, x: (width - side) / 2, y: (height - side) / 2, side };
  },

  /** Ask the server for sheets or rows, those of one view together. */
  want(items, what, number) {
    this.wanted ??= [];
    let known = this.wanted.find((one) => one.items === items && one.what === what);
    if (!known) this.wanted.push(known = { items, what, numbers: [] });
    known.numbers.push(number);
    this.asksTiles ??= setTimeout(() => this.askTiles(), ASK_MS);
  },

  /** One question at a time: the server hears the last of several that come together. */
  askTiles() {
    this.asksTiles = null;
    if (this.answering || this.removed || !this.wanted?.length) return;
    const question = this.wanted.shift();
    const { items, what, numbers } = question;
    this.answering = setTimeout(() => {
      this.answering = null;
      this.wanted.push(question);
      this.askTiles();
    }, AGAIN_MS);
    document.dispatchEvent(new CustomEvent("jee-preview-wanted", {
      detail: { key: this.data.preview, set: this.setOf(items), [what]: numbers },
    }));
  },

  /** Tiles that the server has answered: addresses of sheets and pictures, or words, by row. */
  takeTiles({ set, tiles: own = [], sheets = [] }) {
    clearTimeout(this.answering);
    this.answering = null;
    const items = this.maps.find(({ items: one }) => this.setOf(one) === set)?.items;
    if (items) {
      for (const { row, image, words } of own) {
        this.tiles.set(`${items.name} ${row}`, image ? this.picture(image) : { words });
      }
      for (const { number, url } of sheets) items.sheets?.set(number, this.picture(url));
    }
    if (this.wanted?.length) this.asksTiles ??= setTimeout(() => this.askTiles(), 0);
    this.drawAbove();
    this.writeCounts();
  },

  picture(url) {
    const drawn = () => { this.drawAbove(); this.writeCounts(); };
    return Object.assign(new Image(), { onload: drawn, src: url });
  },
};
