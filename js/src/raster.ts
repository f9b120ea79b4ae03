/** The deformed mesh as pixels, shaded smoothly between corners. On the CPU, so the same everywhere. */

import type { Mesh } from "./geometry";
import type { Extent } from "./types";

/**
 * Fills `width` × `height` pixels (row 0 at the top) with the part `pane` of the mesh. `places` are the corners' positions on the ramp, 0 to 1,
 * `words` the 256 colours. The mesh covers its extent, so every pixel is written.
 */
export function rasterise(
  pixels: Uint32Array,
  width: number,
  height: number,
  mesh: Mesh,
  places: Float32Array,
  words: Uint32Array,
  pane: Extent = mesh.extent,
): void {
  const [x0, x1, y0, y1] = pane;
  const [rows, columns] = mesh.shape;
  const [sx, sy] = [width / (x1 - x0), height / (y1 - y0)];
  const count = (rows + 1) * (columns + 1);
  const px = new Float32Array(count);
  const py = new Float32Array(count);
  const colour = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    px[k] = (mesh.corners[2 * k]! - x0) * sx - 0.5;
    py[k] = (y1 - mesh.corners[2 * k + 1]!) * sy - 0.5;
    colour[k] = places[k]! * 255;
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const a = i * (columns + 1) + j;
      const c = a + columns + 1;
      triangle(a, a + 1, c + 1);
      triangle(a, c + 1, c);
    }
  }

  function triangle(a: number, b: number, c: number): void {
    const [ax, ay] = [px[a]!, py[a]!];
    const [bx, by] = [px[b]!, py[b]!];
    const [cx, cy] = [px[c]!, py[c]!];
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (area === 0) return;
    const left = Math.max(Math.ceil(Math.min(ax, bx, cx) - 0.01), 0);
    const right = Math.min(Math.floor(Math.max(ax, bx, cx) + 0.01), width - 1);
    const top = Math.max(Math.ceil(Math.min(ay, by, cy) - 0.01), 0);
    const bottom = Math.min(Math.floor(Math.max(ay, by, cy) + 0.01), height - 1);
    if (left > right || top > bottom) return;
    // barycentric weights are linear in the pixel: start values and steps
    const ux = (cy - ay) / area;
    const uy = -(cx - ax) / area;
    const vx = -(by - ay) / area;
    const vy = (bx - ax) / area;
    const [ka, kb, kc] = [colour[a]!, colour[b]!, colour[c]!];
    // a little slack, so that no pixel on a shared edge is missed
    const slack = -0.02;
    for (let y = top; y <= bottom; y++) {
      const row = y * width;
      for (let x = left; x <= right; x++) {
        const u = (x - ax) * ux + (y - ay) * uy;
        const v = (x - ax) * vx + (y - ay) * vy;
        if (u < slack || v < slack || u + v > 1 - slack) continue;
        const k = ka + (kb - ka) * u + (kc - ka) * v;
        pixels[row + x] = words[k < 0 ? 0 : k > 255 ? 255 : (k + 0.5) | 0]!;
      }
    }
  }
}
