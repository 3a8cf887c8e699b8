// Pictures, spectrograms and words that stand in the place of points.

const TILES_MS = 50, NEXT_TILES_MS = 140;

export const tiles = {
  /** The picture or words of an item; null where they are not here yet: then they are asked for. */
  pictureOf(items, row) {
    const name = `${items.name} ${row}`;
    const found = this.tiles.get(name);
    if (found === undefined) {
      this.tiles.set(name, null);
      (this.wanted ??= []).push({ items, row });
      clearTimeout(this.asksPictures);
      this.asksPictures = setTimeout(() => this.askPictures(), TILES_MS);
    }
    return found?.words || found?.naturalWidth ? found : null;
  },

  askPictures() {
    const { items } = this.wanted[0];
    const rows = this.wanted.filter((one) => one.items === items).map(({ row }) => row);
    this.wanted = this.wanted.filter((one) => one.items !== items);
    if (this.wanted.length) this.asksPictures = setTimeout(() => this.askPictures(), NEXT_TILES_MS);
    document.dispatchEvent(new CustomEvent("jee-preview-wanted", {
      detail: { key: this.data.preview, set: this.setOf(items), rows },
    }));
  },

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
  },
};
