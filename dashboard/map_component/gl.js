// Drawing with WebGL: points as circles, diamonds and squares, and the lines that join pairs.
//
// All maps share one canvas and one context. A point has its place (two or three uint16), its ink
// (four bytes, see `inks.js`) and its kind. Each frame draws the points as they are in the buffers.

import { rowsInView } from "./picking.js";
import { isSoftware, rasterDots, RasterTexture } from "./raster.js";

const PLACE = `
#ifdef FLAT
layout(location = 0) in vec2 place;
uniform vec2 grow, shift;  // from the map to clip units
vec4 onScreen() { return vec4(place * grow + shift, 0.0, 1.0); }
#else
layout(location = 0) in vec3 place;
uniform mat3 turn;
uniform vec3 pivot;
uniform vec2 pan;
uniform vec2 toClip;       // clip units per map unit
uniform float perspective;
vec4 onScreen() {
  vec3 seen = turn * (place - pivot);
  float nearer = 1.0 / (1.0 - perspective * seen.z);
  return vec4((seen.xy - pan) * toClip * nearer, 0.0, 1.0);
}
#endif`;

// Points of one or two pixels have no shape: they cost half as much without one.
const DOT_PX = 3.5;
const MANY = 50_000; // points; of more of them only those in view are sent through the shaders
const MANY_SHAPES = 15_000; // in view; of more, software WebGL draws squares: see `raster.js`
const BACK = 0.28; // of the opacity, for points that step back
const DOT_VERTEX = `
precision highp float;
layout(location = 1) in vec4 paint;
uniform float size;                    // in device pixels
uniform float opacity;
uniform float back;                    // opacity of points that step back
out vec4 colour;
${PLACE}
void main() {
  gl_Position = paint.a == 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : onScreen();
  gl_PointSize = size;
  float alpha = paint.a < 0.6 ? back : opacity;
  colour = vec4(paint.rgb * alpha, alpha);
}`;

const DOT_FRAGMENT = `
precision mediump float;
in vec4 colour;
out vec4 ink;
void main() { ink = colour; }`;

const SHAPE_VERTEX = `
precision highp float;
layout(location = 1) in vec4 paint;
layout(location = 2) in uint kind;     // modality + 4 * subset
uniform float size;
uniform float opacity;
uniform float back;
uniform float raised;                  // how much larger points are that do not step back
out vec4 colour;
flat out uint shape;
flat out float width;
${PLACE}
void main() {
  bool behind = paint.a < 0.6;
  gl_Position = paint.a == 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : onScreen();
  shape = kind & 3u;
  width = size * (shape == 1u ? 1.22 : shape == 2u ? 0.92 : 1.0) * (behind ? 1.0 : raised);
  gl_PointSize = width + 1.0;
  colour = vec4(paint.rgb, behind ? back : opacity);
}`;

const SHAPE_FRAGMENT = `
precision mediump float;
in vec4 colour;
flat in uint shape;
flat in float width;
uniform vec3 paper;
out vec4 ink;
void main() {
  vec2 at = (gl_PointCoord - 0.5) * (width + 1.0);  // device pixels from the middle
  vec2 far = abs(at);
  float gap = shape == 1u ? (far.x + far.y) * 0.7071 - width * 0.3536
    : shape == 2u ? max(far.x, far.y) - width * 0.5
    : length(at) - width * 0.5;
  float cover = clamp(0.5 - gap, 0.0, 1.0);
  if (cover == 0.0) discard;
  // Large points have a thin rim in the colour of the paper, so that neighbours stay apart.
  float rim = width > 7.0 ? clamp(gap + 1.5, 0.0, 1.0) * 0.75 : 0.0;
  float alpha = colour.a * cover;
  ink = vec4(mix(colour.rgb, paper, rim) * alpha, alpha);
}`;

const LINE_VERTEX = `
precision highp float;
${PLACE}
void main() { gl_Position = onScreen(); }`;

const LINE_FRAGMENT = `
precision mediump float;
uniform vec4 stroke;
out vec4 ink;
void main() { ink = vec4(stroke.rgb * stroke.a, stroke.a); }`;

// A picture that fills the cell: three corners of a triangle around it, without any buffer.
const PICTURE_VERTEX = `
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const PICTURE_FRAGMENT = `
precision highp float;
uniform sampler2D picture;
uniform vec2 corner;
out vec4 ink;
void main() { ink = texelFetch(picture, ivec2(gl_FragCoord.xy - corner), 0); }`;

const SHADERS = { picture: [PICTURE_VERTEX, PICTURE_FRAGMENT],
  dots: [DOT_VERTEX, DOT_FRAGMENT], shapes: [SHAPE_VERTEX, SHAPE_FRAGMENT],
  lines: [LINE_VERTEX, LINE_FRAGMENT] };

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
