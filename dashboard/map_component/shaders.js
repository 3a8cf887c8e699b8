// The programs that a graphics card runs: dots, points with shapes, lines, and a whole picture.

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

export const SHADERS = { picture: [PICTURE_VERTEX, PICTURE_FRAGMENT],
  dots: [DOT_VERTEX, DOT_FRAGMENT], shapes: [SHAPE_VERTEX, SHAPE_FRAGMENT],
  lines: [LINE_VERTEX, LINE_FRAGMENT] };
