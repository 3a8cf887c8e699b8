// The camera of one map: which part of it is seen, and from where.
//
// Map coordinates are 0 to 1 along the longest axis. Screen coordinates are CSS pixels inside the
// cell of the map, a rectangle { left, top, width, height } of the canvas.

const FILL = 0.94; // of the cell, at zoom 1
const PERSPECTIVE = 0.35;
const MOST_ZOOM = 4000;

export class Camera {
  constructor(nDims, extent) {
    this.nDims = nDims;
    this.extent = extent; // of all points, along each axis
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.pan = this.nDims === 3 ? [0, 0] : [this.extent[0] / 2, this.extent[1] / 2];
    this.yaw = 0.7;
    this.pitch = 0.4;
  }

  /** Take the zoom, place and direction of another camera. */
  follow(other) {
    this.zoom = other.zoom;
    this.yaw = other.yaw;
    this.pitch = other.pitch;
    this.pan = other.pan.map((value, axis) =>
      this.nDims === 3 ? value : (value / other.extent[axis]) * this.extent[axis]);
  }

  /** CSS pixels per map unit. */
  scale(cell) {
    const [across, up] = this.nDims === 3 ? [1.25, 1.25] : this.extent;
    return FILL * this.zoom * Math.min(cell.width / across, cell.height / up);
  }

  /** What the shader and `project` need: rotation by rows, pivot, pan, scale, perspective. */
  view(cell) {
    const flat = this.nDims !== 3;
    const [sy, cy] = flat ? [0, 1] : [Math.sin(this.yaw), Math.cos(this.yaw)];
    const [sp, cp] = flat ? [0, 1] : [Math.sin(this.pitch), Math.cos(this.pitch)];
    return {
      turn: [cy, 0, sy, sp * sy, cp, -sp * cy, -cp * sy, sp, cp * cy],
      pivot: flat ? [0, 0, 0] : this.extent.map((length) => length / 2),
      pan: this.pan,
      scale: this.scale(cell),
      perspective: flat ? 0 : PERSPECTIVE,
      centre: [cell.width / 2, cell.height / 2],
    };
  }

  /** Drag the map by some pixels. */
  drag(cell, dx, dy) {
    const scale = this.scale(cell);
    this.pan = [this.pan[0] - dx / scale, this.pan[1] + dy / scale];
  }

  /** Turn a map of three dimensions by some pixels. */
  orbit(dx, dy) {
    this.yaw += dx * 0.008;
    this.pitch = Math.max(-1.57, Math.min(1.57, this.pitch + dy * 0.008));
  }

  /** Zoom by a factor, so that the place under (x, y) of the cell stays where it is. */
  zoomAt(cell, x, y, factor) {
    const before = this.scale(cell);
    this.zoom = Math.max(0.5, Math.min(MOST_ZOOM, this.zoom * factor));
    const change = 1 / before - 1 / this.scale(cell);
    this.pan = [
      this.pan[0] + (x - cell.width / 2) * change,
      this.pan[1] - (y - cell.height / 2) * change,
    ];
  }

  /** Show a box of map coordinates [left, bottom, right, top] as large as it fits. */
  showBox(cell, [left, bottom, right, top]) {
    this.pan = [(left + right) / 2, (bottom + top) / 2];
    const wanted = Math.min(
      cell.width / Math.max(right - left, 1e-4), cell.height / Math.max(top - bottom, 1e-4));
    this.zoom = Math.max(0.5, Math.min(MOST_ZOOM, (this.zoom * 0.8 * wanted) / this.scale(cell)));
  }
}

/** Where a point of the map is in its cell: writes x, y and depth into `out`. */
export function project(view, x, y, z, out) {
  const { turn, pivot, pan } = view;
  const a = x - pivot[0], b = y - pivot[1], c = z - pivot[2];
  const depth = turn[6] * a + turn[7] * b + turn[8] * c;
  const size = view.scale / (1 - view.perspective * depth);
  out[0] = view.centre[0] + size * (turn[0] * a + turn[1] * b + turn[2] * c - pan[0]);
  out[1] = view.centre[1] - size * (turn[3] * a + turn[4] * b + turn[5] * c - pan[1]);
  out[2] = depth;
  return out;
}

/** The map coordinates at a place of the cell, on a flat map. */
export function unproject(view, x, y) {
  return [
    view.pan[0] + (x - view.centre[0]) / view.scale,
    view.pan[1] - (y - view.centre[1]) / view.scale,
  ];
}
