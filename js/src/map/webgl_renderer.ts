/**
 * The deformed mesh drawn by the graphics card: the flat and the stretched corners are sent once, and the morph between them is one
 * number. The same triangles, colours and rounding as in cpu_renderer.ts, so that the two pictures agree.
 */

import { rgb } from "d3-color";
import type { Mesh } from "../field/mesh";
import type { Scene, Shading } from "./scene";

export interface CardRenderer {
  /** Draws onto the canvas, `ratio` device pixels per pixel; `words` are the ramp's 256 colours, `paper` lies beside the map. */
  draw(scene: Scene, shading: Shading, words: Uint32Array, paper: string, ratio: number): void;
  close(): void;
}

const VERTEX = `#version 300 es
in vec2 flat_;
in vec2 full;
in float place;
uniform float stretch;
uniform vec4 pane;
uniform int columns;
out float along;
out vec2 cell;
void main() {
  gl_Position = vec4(mix(flat_, full, stretch) * pane.xy + pane.zw, 0.0, 1.0);
  along = place;
  cell = vec2(gl_VertexID % (columns + 1), gl_VertexID / (columns + 1));
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D ramp;
uniform sampler2D cells;
uniform bool patched;
in float along;
in vec2 cell;
out vec4 colour;
void main() {
  ivec2 last = textureSize(cells, 0) - 1;
  colour = patched
    ? texelFetch(cells, clamp(ivec2(floor(cell)), ivec2(0), last), 0)
    : texelFetch(ramp, ivec2(int(clamp(along, 0.0, 1.0) * 255.0 + 0.5), 0), 0);
}`;

/** Names under which browsers draw WebGL without a card, slower than cpu_renderer.ts does. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/**
 * Sets a canvas up; null where WebGL2 is missing, or where it is not drawn by a card and a card is `needed`. A canvas that was
 * refused may be left unfit for anything else.
 */
export function createCardRenderer(canvas: HTMLCanvasElement, shape: Mesh["shape"], needed: boolean): CardRenderer | null {
  const gl = canvas.getContext("webgl2", {
    alpha: false,
    antialias: false,
    depth: false,
    failIfMajorPerformanceCaveat: needed,
    // pictures of the canvas are taken between frames
    preserveDrawingBuffer: true,
  });
  if (!gl) return null;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  const program = needed && SOFTWARE.test(renderer) ? null : linkProgram(gl);
  if (!program) {
    gl.getExtension("WEBGL_lose_context")?.loseContext();
    return null;
  }
  return createDrawing(gl, program, shape);
}

function linkProgram(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

function createDrawing(gl: WebGL2RenderingContext, program: WebGLProgram, [rows, columns]: Mesh["shape"]): CardRenderer {
  gl.useProgram(program);
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const [stretch, pane, patched] = [uniform("stretch"), uniform("pane"), uniform("patched")];
  gl.uniform1i(uniform("columns"), columns);
  gl.uniform1i(uniform("ramp"), 0);
  gl.uniform1i(uniform("cells"), 1);
  const flat = attribute(gl, program, "flat_", 2);
  const full = attribute(gl, program, "full", 2);
  const place = attribute(gl, program, "place", 1);
  const ramp = texture(gl, 0);
  const cells = texture(gl, 1);
  cells(new Uint32Array(rows * columns), columns, rows);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles(rows, columns), gl.STATIC_DRAW);

  return {
    draw(scene, shading, words, paper, ratio) {
      const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
      if (gl.canvas.width !== width || gl.canvas.height !== height) [gl.canvas.width, gl.canvas.height] = [width, height];
      gl.viewport(0, 0, width, height);
      if (scene.free) {
        const { r, g, b } = rgb(paper);
        gl.clearColor(r / 255, g / 255, b / 255, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
      }
      const { from, to, t } = scene.morph ?? { from: scene.mesh.corners, to: scene.mesh.corners, t: 0 };
      flat(from, () => inUnits(from, scene.mesh.extent));
      full(to, () => inUnits(to, scene.mesh.extent));
      if (shading.by === "label") cells(shading.cells, columns, rows);
      else {
        place(shading.places, () => shading.places);
        ramp(words, 256, 1);
      }
      gl.uniform1i(patched, shading.by === "label" ? 1 : 0);
      gl.uniform1f(stretch, t);
      const [x0, x1, y0, y1] = scene.mesh.extent;
      const [left, right, low, high] = scene.pane;
      // from fractions of the map to −1 … 1 over the pane, worked out here in double precision
      const [sx, sy] = [(2 * (x1 - x0)) / (right - left), (2 * (y1 - y0)) / (high - low)];
      gl.uniform4f(pane, sx, sy, (2 * (x0 - left)) / (right - left) - 1, (2 * (y0 - low)) / (high - low) - 1);
      gl.drawElements(gl.TRIANGLES, 6 * rows * columns, gl.UNSIGNED_INT, 0);
    },
    close: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}

/** Corners as fractions of the map, which single precision holds for any extent. */
function inUnits(corners: ArrayLike<number>, [x0, x1, y0, y1]: Mesh["extent"]): Float32Array {
  const out = new Float32Array(corners.length);
  for (let k = 0; k < out.length; k += 2) {
    out[k] = (corners[k] - x0) / (x1 - x0);
    out[k + 1] = (corners[k + 1] - y0) / (y1 - y0);
  }
  return out;
}

/** Sends an attribute's values when they are others than before, told by the array that they come from. */
function attribute(gl: WebGL2RenderingContext, program: WebGLProgram, name: string, size: number) {
  const buffer = gl.createBuffer();
  const location = gl.getAttribLocation(program, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, size, gl.FLOAT, false, 0, 0);
  let sent: unknown = null;
  return (of: unknown, values: () => Float32Array) => {
    if (sent === of) return;
    sent = of;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values(), gl.DYNAMIC_DRAW);
  };
}

function texture(gl: WebGL2RenderingContext, unit: number) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  for (const way of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, way, gl.CLAMP_TO_EDGE);
  let sent: Uint32Array | null = null;
  return (words: Uint32Array, width: number, height: number) => {
    if (sent === words) return;
    sent = words;
    gl.activeTexture(gl.TEXTURE0 + unit);
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  };
}

/** Two triangles for each cell, cut along the same diagonal as in cpu_renderer.ts. */
function triangles(rows: number, columns: number): Uint32Array {
  const corners = new Uint32Array(6 * rows * columns);
  for (let i = 0, n = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, n += 6) {
      const a = i * (columns + 1) + j;
      const c = a + columns + 1;
      corners.set([a, a + 1, c + 1, a, c + 1, c], n);
    }
  }
  return corners;
}
