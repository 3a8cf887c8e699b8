// Drawing with WebGL: points as circles, diamonds and squares, and the lines that join pairs.
//
// All maps share one canvas and one context. Filters and colours are small tables that the shaders
// read, so that a change of them costs one frame and no upload of points.

const PLACE = `
uniform mat3 turn;
uniform vec3 pivot;
uniform vec2 pan;
uniform vec2 toClip;       // clip units per map unit
uniform float perspective;
vec4 onScreen(vec3 place) {
  vec3 seen = turn * (place - pivot);
  float nearer = 1.0 / (1.0 - perspective * seen.z);
  return vec4((seen.xy - pan) * toClip * nearer, 0.0, 1.0);
}`;

const POINT_VERTEX = `#version 300 es
precision highp float;
precision highp usampler2D;
layout(location = 0) in vec3 place;
layout(location = 1) in uint code;     // what colours the point
layout(location = 2) in uint klass;
layout(location = 3) in uint kind;     // modality + 4 * subset
layout(location = 4) in uint marked;
uniform sampler2D palette;             // 256 codes a row; alpha 0 hides
uniform usampler2D shown;              // 1 for a class that is shown, 256 a row
uniform bool byClass;                  // the palette hides classes by itself: one look-up less
uniform uvec2 kinds;                   // a bit for each modality and each subset that is shown
uniform float size;                    // in device pixels
uniform float opacity;
uniform bool dim;                      // whether points without a mark step back
uniform vec3 quiet;                    // their colour
out vec4 colour;
flat out uint shape;
flat out float width;
${PLACE}
void main() {
  uint passes = (kinds.x >> (kind & 3u)) & (kinds.y >> (kind >> 2)) & 1u;
  vec4 found = vec4(0.0);
  if (passes == 1u) {
    found = texelFetch(palette, ivec2(code & 255u, code >> 8), 0);
    if (!byClass) passes = texelFetch(shown, ivec2(klass & 255u, klass >> 8), 0).r;
  }
  if (passes == 0u || found.a == 0.0) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 0.0;
    return;
  }
  gl_Position = onScreen(place);
  shape = kind & 3u;
  bool back = dim && marked == 0u;
  width = size * (shape == 1u ? 1.22 : shape == 2u ? 0.92 : 1.0) * (dim && !back ? 1.25 : 1.0);
  gl_PointSize = width + 1.0;
  colour = back ? vec4(quiet, opacity * 0.28) : vec4(found.rgb, dim ? max(opacity, 0.8) : opacity);
}`;

const POINT_FRAGMENT = `#version 300 es
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

// Points of one or two pixels have no shape: they cost half as much without one.
const DOT_FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
out vec4 ink;
void main() { ink = vec4(colour.rgb * colour.a, colour.a); }`;
const DOT_PX = 2.5;

const LINE_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec3 place;
${PLACE}
void main() { gl_Position = onScreen(place); }`;

const LINE_FRAGMENT = `#version 300 es
precision mediump float;
uniform vec4 stroke;
out vec4 ink;
void main() { ink = vec4(stroke.rgb * stroke.a, stroke.a); }`;

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
    this.points = program(gl, POINT_VERTEX, POINT_FRAGMENT);
    this.dots = program(gl, POINT_VERTEX, DOT_FRAGMENT);
    this.lines = program(gl, LINE_VERTEX, LINE_FRAGMENT);
    this.palette = texture(gl);
    this.shown = texture(gl);
    this.buffers = new Map(); // name -> { buffer, array }
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** Upload an array under a name, unless it is there already; `again` where its values changed. */
  upload(name, array, again = false) {
    const { gl } = this;
    const known = this.buffers.get(name);
    if (known?.array === array && !again) return known.buffer;
    const buffer = known?.buffer ?? gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
    this.buffers.set(name, { buffer, array });
    return buffer;
  }

  /** The colour of every code: n x [red, green, blue, alpha], 0 to 255; alpha 0 hides. */
  setPalette(colours) {
    if (this.colours === colours) return;
    this.colours = colours;
    const { gl } = this;
    const height = Math.max(1, Math.ceil(colours.length / 4 / 256));
    const padded = new Uint8Array(height * 1024);
    padded.set(colours);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, padded);
  }

  /** Which classes are drawn, 1 or 0 each. */
  setShown(classShown) {
    if (this.classShown === classShown) return;
    this.classShown = classShown;
    const { gl } = this;
    const height = Math.ceil(classShown.length / 256);
    const padded = new Uint8Array(height * 256);
    padded.set(classShown);
    gl.bindTexture(gl.TEXTURE_2D, this.shown);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, 256, height, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE,
      padded);
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
    const small = look.size * ratio < DOT_PX;
    const { program: chosen, at } = small ? this.dots : this.points;
    gl.useProgram(chosen);
    this.setPalette(items.tables.hiding(items.colouring));
    this.setShown(items.tables.classShown);
    this.attribute(0, this.upload(`places ${map.name}`, map.places), map.places, map.nDims, true);
    this.attribute(1, this.upload(`codes ${items.name}`, look.codes), look.codes, 1);
    this.attribute(2, this.upload(`classes ${items.name}`, items.klass), items.klass, 1);
    this.attribute(3, this.upload(`kinds ${items.name}`, items.kind), items.kind, 1);
    if (items.nMarked) {
      this.attribute(4, this.upload(`marks ${items.name}`, items.marked), items.marked, 1);
    } else {
      gl.disableVertexAttribArray(4);
      gl.vertexAttribI4ui(4, 0, 0, 0, 0);
    }
    this.place(at, view, cell);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.uniform1i(at.palette, 0);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.shown);
    gl.uniform1i(at.shown, 1);
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1i(at.byClass, items.colouring.byClass ? 1 : 0);
    gl.uniform2ui(at.kinds, items.tables.modalityBits, items.tables.subsetBits);
    gl.uniform1f(at.size, small ? Math.max(1, Math.round(look.size * ratio) - 1) : look.size * ratio);
    gl.uniform1f(at.opacity, look.opacity);
    gl.uniform1i(at.dim, items.nMarked > 0 ? 1 : 0);
    gl.uniform3fv(at.quiet, look.quiet);
    gl.uniform3fv(at.paper, look.paper);
    gl.drawArrays(gl.POINTS, 0, n);
  }

  /** Draw lines between pairs of rows: a Uint32Array of rows, two a line. */
  drawLines(map, view, cell, rows, stroke) {
    if (!rows.length) return;
    const { gl } = this;
    gl.useProgram(this.lines.program);
    this.attribute(0, this.upload(`places ${map.name}`, map.places), map.places, map.nDims, true);
    for (let place = 1; place < 5; place++) gl.disableVertexAttribArray(place);
    this.place(this.lines.at, view, cell);
    gl.uniform4fv(this.lines.at.stroke, stroke);
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
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  attribute(place, buffer, array, width, normalised = false) {
    const { gl } = this;
    const type = array.BYTES_PER_ELEMENT === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    if (normalised) gl.vertexAttribPointer(place, width, type, true, 0, 0);
    else gl.vertexAttribIPointer(place, width, type, 0, 0);
  }

  place(at, view, cell) {
    const { gl } = this;
    gl.uniformMatrix3fv(at.turn, true, view.turn);
    gl.uniform3fv(at.pivot, [...view.pivot, 0].slice(0, 3));
    gl.uniform2fv(at.pan, view.pan);
    gl.uniform2f(at.toClip, (2 * view.scale) / cell.width, (2 * view.scale) / cell.height);
    gl.uniform1f(at.perspective, view.perspective);
  }

  remove() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
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

function texture(gl) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  }
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  }
  return made;
}
