// Drawing with WebGL: points as circles, diamonds and squares, and the lines that join pairs.
//
// All maps share one canvas and one context. A point has its place (two or three uint16), its ink
// (four bytes, see `inks.js`) and its kind. Each frame draws the points as they are in the buffers.

import { rowsInView } from "./picking.js";
import { isSoftware, rasterDots, RasterTexture } from "./raster.js";
import { SHADERS } from "./shaders.js";

// Points of one or two pixels have no shape: they cost half as much without one.
const DOT_PX = 3.5;
const MANY = 50_000; // points; of more of them only those in view are sent through the shaders
const MANY_SHAPES = 15_000; // in view; of more, software WebGL draws squares: see `raster.js`
const BACK = 0.28; // of the opacity, for points that step back

export class Drawing {
  /** Throws where the browser has no WebGL 2. */
  constructor(canvas) {
    this.canvas = canvas;
    // The picture is kept after a frame: a frame may draw one map of several, and exports read it.
    const gl = canvas.getContext("webgl2", {
      antialias: false, alpha: true, premultipliedAlpha: true, preserveDrawingBuffer: true,
    });
    if (!gl) throw new Error("WebGL 2 is missing");
    this.gl = gl;
    this.programs = new Map(); // "name n_dims" -> { program, at }
    this.buffers = new Map(); // name -> { buffer, array, version }
    this.pixel = new Uint8Array(4);
    this.raster = isSoftware(gl) ? new RasterTexture(gl) : null;
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** The buffer of an array, uploaded unless this version of it is there already. */
  upload(name, array, version = 0) {
    const { gl } = this;
    const known = this.buffers.get(name);
    if (known?.array === array && known.version === version) return known.buffer;
    const buffer = known?.buffer ?? gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
    this.buffers.set(name, { buffer, array, version });
    return buffer;
  }

  /** Empty a cell of the canvas. */
  clear(cell, ratio) {
    const { gl } = this;
    const box = [cell.left * ratio, this.canvas.height - (cell.top + cell.height) * ratio,
      cell.width * ratio, cell.height * ratio].map(Math.round);
    gl.viewport(...box);
    gl.scissor(...box);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  /** Draw the first `n` points of a map into its cell. */
  drawPoints(map, view, cell, ratio, look, n) {
    const { gl } = this;
    const { items } = map;
    const size = look.size * ratio;
    const small = size < DOT_PX;
    const culled = n > MANY && map.nDims === 2;
    const inView = culled ? this.findInView(map, view, cell, look.size, n) : n;
    if (this.raster && map.nDims === 2 && (small || inView > MANY_SHAPES)) {
      this.drawRaster(map, view, cell, ratio, look, n);
      return;
    }
    const at = this.start(small ? "dots" : "shapes", map, view, cell);
    const inks = this.upload(`inks ${items.name}`, items.inks, items.inkVersion);
    gl.bindBuffer(gl.ARRAY_BUFFER, inks);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.uniform1f(at.size, small ? sideOf(size) : size);
    gl.uniform1f(at.opacity, plainly(items, look));
    gl.uniform1f(at.back, look.opacity * BACK);
    if (!small) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.upload(`kinds ${items.name}`, items.kind));
      gl.enableVertexAttribArray(2);
      gl.vertexAttribIPointer(2, 1, gl.UNSIGNED_BYTE, 0, 0);
      gl.uniform1f(at.raised, items.nMarked ? 1.25 : 1);
      gl.uniform3fv(at.paper, look.paper);
    }
    if (!culled) {
      gl.drawArrays(gl.POINTS, 0, n);
      return;
    }
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.rowBuffer ??= gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, this.rows.subarray(0, inView), gl.DYNAMIC_DRAW);
    gl.drawElements(gl.POINTS, inView, gl.UNSIGNED_INT, 0);
  }

  /** Write the rows of the points in view into `this.rows`; returns their number. */
  findInView(map, view, cell, margin, n) {
    if (!(this.rows?.length >= n)) this.rows = new Uint32Array(map.items.n);
    return rowsInView(map, view, cell, margin, n, this.rows);
  }

  /** Small points of a flat map, drawn by the processor: see `raster.js`. */
  drawRaster(map, view, cell, ratio, look, n) {
    const { gl } = this;
    const [left, low, width, height] = gl.getParameter(gl.VIEWPORT);
    const raster = this.raster.ofSize(width, height);
    rasterDots(map, view, ratio, raster, { side: sideOf(look.size * ratio),
      opacity: plainly(map.items, look), back: look.opacity * BACK }, n);
    const at = this.use("picture", 2);
    raster.send();
    for (let place = 0; place < 3; place++) gl.disableVertexAttribArray(place);
    gl.uniform1i(at.picture, 0);
    gl.uniform2f(at.corner, left, low);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Draw lines between pairs of rows: a Uint32Array of rows, two a line. */
  drawLines(map, view, cell, rows, stroke) {
    if (!rows.length) return;
    const { gl } = this;
    const at = this.start("lines", map, view, cell);
    gl.uniform4fv(at.stroke, stroke);
    this.lineBuffer ??= gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.lineBuffer);
    if (this.lineRows !== rows) {
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, rows, gl.STATIC_DRAW);
      this.lineRows = rows;
    }
    gl.drawElements(gl.LINES, rows.length, gl.UNSIGNED_INT, 0);
  }

  /** Wait until everything has been drawn. */
  finish() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, this.pixel);
  }

  /** Use a program for a map: its places, and where they are on the screen. */
  start(name, map, view, cell) {
    const { gl } = this;
    const at = this.use(name, map.nDims);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.upload(`places ${map.name}`, map.places));
    for (let place = 1; place < 3; place++) gl.disableVertexAttribArray(place);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, map.nDims, gl.UNSIGNED_SHORT, true, 0, 0);
    const across = (2 * view.scale) / cell.width, up = (2 * view.scale) / cell.height;
    if (map.nDims === 2) {
      gl.uniform2f(at.grow, across, up);
      gl.uniform2f(at.shift, -view.pan[0] * across, -view.pan[1] * up);
    } else {
      gl.uniformMatrix3fv(at.turn, true, view.turn);
      gl.uniform3fv(at.pivot, view.pivot);
      gl.uniform2fv(at.pan, view.pan);
      gl.uniform2f(at.toClip, across, up);
      gl.uniform1f(at.perspective, view.perspective);
    }
    return at;
  }

  use(name, nDims) {
    const key = `${name} ${nDims}`;
    if (!this.programs.has(key)) {
      this.programs.set(key, program(this.gl, ...SHADERS[name], nDims));
    }
    const { program: chosen, at } = this.programs.get(key);
    this.gl.useProgram(chosen);
    return at;
  }

  remove() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** The side of a small point, in device pixels. */
function sideOf(size) {
  return Math.max(1, Math.round(size) - 1);
}

/** The opacity of points that do not step back. */
function plainly(items, look) {
  return items.nMarked ? Math.max(look.opacity, 0.8) : look.opacity;
}

function program(gl, vertex, fragment, nDims) {
  const made = gl.createProgram();
  const head = `#version 300 es\n${nDims === 2 ? "#define FLAT\n" : ""}`;
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, head + text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  const at = {};
  for (let row = 0; row < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); row++) {
    const { name } = gl.getActiveUniform(made, row);
    at[name] = gl.getUniformLocation(made, name);
  }
  return { program: made, at };
}
