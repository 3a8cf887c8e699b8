// The board's cameras: pan, orbit and zoom, of one map or of all.

/** Methods of the board. */
export const moves = {
  mapAt(x, y) {
    return this.maps.find(({ cell }) => x >= cell.left && x < cell.left + cell.width
      && y >= cell.top && y < cell.top + cell.height);
  },

  pan(map, dx, dy) {
    map.camera.drag(map.cell, dx, dy);
    this.moved(map);
  },

  panAll(dx, dy) {
    this.maps.forEach((map) => this.pan(map, dx, dy));
  },

  orbit(map, dx, dy) {
    map.camera.orbit(dx, dy);
    this.moved(map);
  },

  zoom(map, x, y, factor) {
    map.camera.zoomAt(map.cell, x, y, factor);
    this.moved(map);
  },

  zoomAll(factor) {
    for (const map of this.tied ? this.maps.slice(0, 1) : this.maps) {
      this.zoom(map, map.cell.width / 2, map.cell.height / 2, factor);
    }
  },

  reset() {
    this.maps.forEach((map) => { map.camera.reset(); this.moved(map); });
  },
};
