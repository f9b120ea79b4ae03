/**
 * Rasterisation of the map's mesh on the CPU, the same on every machine: each cell as two triangles, row of pixels by
 * row, colours linear between the corners (Gouraud 1971) or one for the cell.
 */

import type { Mesh } from "../field/mesh";
import type { PixelImage } from "../style/dom";
import type { Extent } from "../types";

// kept from frame to frame, because garbage of this size is collected in the middle of a gesture
let [px, py, colour] = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];
// rounding may carry a colour one step over either end
const guarded = new Uint32Array(258);

/**
 * Fills an image with the part `pane` of the mesh. `places` are the corners' positions on the ramp, 0 to 1,
 * `words` the 256 colours. A pixel belongs to the triangle that holds its centre, left and upper edges included, so neighbours
 * leave no gap and overlap nowhere; pixels beside the mesh stay as they are. `step` joins that many cells along each
 * axis into one, for frames of a map that is moving.
 */
export function rasterise(
  image: PixelImage,
  mesh: Mesh,
  places: Float32Array,
  words: Uint32Array,
  pane: Extent = mesh.extent,
  step = 1,
): void {
  project(image, mesh, pane);
  for (let k = 0; k < places.length; k++) colour[k] = places[k] * 255 + 1.5;
  guarded.set(words, 1);
  guarded[0] = words[0]!;
  guarded[257] = words[255]!;
  const [rows, columns] = mesh.shape;
  for (let i = 0; i < rows; i += step) {
    const low = i * (columns + 1);
    const high = Math.min(i + step, rows) * (columns + 1);
    for (let j = 0; j < columns; j += step) {
      const next = Math.min(j + step, columns);
      if (hidden(image, low + j, low + next, high + j, high + next)) continue;
      triangle(image, low + j, low + next, high + next);
      triangle(image, low + j, high + next, high + j);
    }
  }
}

/** Fills the picture with one colour for each cell, `cells` (H × W) as words. */
export function rasteriseCells(image: PixelImage, mesh: Mesh, cells: Uint32Array, pane: Extent = mesh.extent): void {
  project(image, mesh, pane);
  colour.fill(1.5);
  const [rows, columns] = mesh.shape;
  for (let i = 0, n = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, n++) {
      const a = i * (columns + 1) + j;
      const c = a + columns + 1;
      if (hidden(image, a, a + 1, c, c + 1)) continue;
      guarded.fill(cells[n], 0, 3);
      triangle(image, a, a + 1, c + 1);
      triangle(image, a, c + 1, c);
    }
  }
}

/** Corners in pixels, a pixel's centre at whole numbers. */
function project({ width, height }: PixelImage, mesh: Mesh, [x0, x1, y0, y1]: Extent): void {
  const { corners } = mesh;
  const count = corners.length / 2;
  if (px.length < count) [px, py, colour] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const [sx, sy] = [width / (x1 - x0), height / (y1 - y0)];
  for (let k = 0; k < count; k++) {
    px[k] = (corners[2 * k] - x0) * sx - 0.5;
    py[k] = (y1 - corners[2 * k + 1]) * sy - 0.5;
  }
}

/** True for a cell above or below the picture. */
function hidden({ height }: PixelImage, a: number, b: number, c: number, d: number): boolean {
  const [ya, yb, yc, yd] = [py[a], py[b], py[c], py[d]];
  return (ya < 0 && yb < 0 && yc < 0 && yd < 0) || (ya > height && yb > height && yc > height && yd > height);
}

/** How many cells to join while the map moves: as many as make up three pixels. */
export function coarseness({ shape: [rows, columns], extent: [x0, x1, y0, y1] }: Mesh, pane: Extent, width: number, height: number): number {
  const across = (width / columns) * ((x1 - x0) / (pane[1] - pane[0]));
  const down = (height / rows) * ((y1 - y0) / (pane[3] - pane[2]));
  return Math.max(1, Math.ceil(3 / Math.max(across, down)));
}

function triangle({ pixels, width, height }: PixelImage, a: number, b: number, c: number): void {
  // from the top down, so that triangles that share an edge cover it in the same steps
  if (py[b] < py[a]) [a, b] = [b, a];
  if (py[c] < py[a]) [a, c] = [c, a];
  if (py[c] < py[b]) [b, c] = [c, b];
  const ax = px[a];
  const ay = py[a];
  const bx = px[b];
  const by = py[b];
  const cx = px[c];
  const cy = py[c];
  const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  const top = Math.max(Math.ceil(ay), 0);
  const bottom = Math.min(Math.ceil(cy), height) - 1;
  if (top > bottom || area === 0) return;
  const ka = colour[a];
  const dx = ((colour[b] - ka) * (cy - ay) - (colour[c] - ka) * (by - ay)) / area;
  const dy = ((colour[c] - ka) * (bx - ax) - (colour[b] - ka) * (cx - ax)) / area;
  const long = (cx - ax) / (cy - ay);
  const upper = (bx - ax) / (by - ay);
  const lower = (cx - bx) / (cy - by);
  for (let y = top; y <= bottom; y++) {
    const first = ax + (y - ay) * long;
    const second = y < by ? ax + (y - ay) * upper : bx + (y - by) * lower;
    const left = Math.max(Math.ceil(first < second ? first : second), 0);
    const right = Math.min(Math.ceil(first < second ? second : first), width);
    let k = ka + (left - ax) * dx + (y - ay) * dy;
    for (let at = y * width + left, end = y * width + right; at < end; at++, k += dx) pixels[at] = guarded[k | 0]!;
  }
}
