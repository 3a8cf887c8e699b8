// Small dots drawn by the processor itself, for browsers whose WebGL is software.
//
// Software WebGL takes about 0.4 µs a point, however small it is; this loop takes a twentieth of
// that. The picture becomes a texture, so that everything else stays as with a graphics card.

const HALVES = 0xff00ff; // two of the four bytes of an ink: they are mixed together

/** Whether a WebGL context is drawn by the processor. */
export function isSoftware(gl) {
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(name));
}

/**
 * Draw the first `n` points of a flat map as squares of `side` pixels.
 *
 * `pixels` is a Uint32Array of width x height, the lowest line first, with premultiplied alpha. It
 * is emptied first. `opacity` and `back` (of points that step back) are 0 to 1.
 */
export function rasterDots(map, view, ratio, { width, height, pixels }, { side, opacity, back }, n) {
  pixels.fill(0);
  const { places, items: { inks } } = map;
  const colours = new Uint32Array(inks.buffer);
  const unit = (view.scale * ratio) / 65535;
  const left = width / 2 - view.pan[0] * view.scale * ratio - side / 2 + 0.5;
  const low = height / 2 - view.pan[1] * view.scale * ratio - side / 2 + 0.5;
  const [plain, quiet] = [Math.round(opacity * 256), Math.round(back * 256)];
  const [right, top] = [width - side, height - side];
  for (let row = 0, at = 0; row < n; row++, at += 2) {
    const ink = colours[row];
    if (!ink) continue;
    const x = (left + places[at] * unit) | 0, y = (low + places[at + 1] * unit) | 0;
    if (x < 0 || y < 0 || x > right || y > top) continue;
    const share = ink >>> 24 > 150 ? plain : quiet;
    const one = Math.imul(ink & HALVES, share);
    const other = Math.imul(((ink >>> 8) & 0xff) | 0xff0000, share);
    for (let line = 0, start = y * width + x; line < side; line++, start += width) {
      const cut = side > 3 && (line === 0 || line === side - 1) ? 1 : 0; // the corners
      for (let place = start + cut; place < start + side - cut; place++) {
        const under = pixels[place];
        pixels[place] = (((one + Math.imul(under & HALVES, 256 - share)) >>> 8) & HALVES)
          | ((other + Math.imul((under >>> 8) & HALVES, 256 - share)) & 0xff00ff00);
      }
    }
  }
}

/** The texture that carries a raster to a WebGL context; its size follows the cell. */
export class RasterTexture {
  constructor(gl) {
    this.gl = gl;
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    }
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    }
  }

  /** Pixels to draw into, of this size; the same ones as long as the size stays. */
  ofSize(width, height) {
    if (this.width !== width || this.height !== height) {
      Object.assign(this, { width, height, pixels: new Uint32Array(width * height) });
      this.bytes = new Uint8Array(this.pixels.buffer);
    }
    return this;
  }

  send() {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, this.width, this.height, 0, gl.RGBA, gl.UNSIGNED_BYTE,
      this.bytes);
  }
}
