/**
 * The mesh of the map, bilinear in each cell between the lattice's corners: from the plane onto the page, and back by a
 * walk from cell to cell and the exact inverse of the cell, as in latent_widget/maps/cartograms/quads/point_location.py.
 */

import type { Extent, Point, Shape } from "../types";

export interface Mesh {
  extent: Extent;
  shape: Shape;
  /** x, y of the (H + 1) × (W + 1) corners, row by row from y0 up. */
  corners: Float64Array;
}

export function flatMesh(extent: Extent, shape: Shape): Mesh {
  const [x0, x1, y0, y1] = extent;
  const [rows, columns] = shape;
  const corners = new Float64Array((rows + 1) * (columns + 1) * 2);
  for (let i = 0, k = 0; i <= rows; i++) {
    for (let j = 0; j <= columns; j++) {
      corners[k++] = x0 + ((x1 - x0) * j) / columns;
      corners[k++] = y0 + ((y1 - y0) * i) / rows;
    }
  }
  return { extent, shape, corners };
}

/** (1 − t)·a + t·b, corner by corner; written into `out` where it is given. */
export function blend(a: ArrayLike<number>, b: ArrayLike<number>, t: number, out?: Float64Array): Float64Array {
  const result = out ?? new Float64Array(a.length);
  for (let k = 0; k < a.length; k++) result[k] = (1 - t) * a[k] + t * b[k];
  return result;
}

/** Moves plane points (x0, y0, x1, y1, …) onto the page: bilinear in each cell; points outside go to the border. */
export function moveOntoPage(mesh: Mesh, points: ArrayLike<number>, out = new Float64Array(points.length)): Float64Array {
  const [x0, x1, y0, y1] = mesh.extent;
  const [rows, columns] = mesh.shape;
  const stride = 2 * (columns + 1);
  const c = mesh.corners;
  for (let k = 0; k < points.length; k += 2) {
    const s = Math.min(Math.max(((points[k] - x0) / (x1 - x0)) * columns, 0), columns);
    const t = Math.min(Math.max(((points[k + 1] - y0) / (y1 - y0)) * rows, 0), rows);
    const j = Math.min(Math.floor(s), columns - 1);
    const i = Math.min(Math.floor(t), rows - 1);
    const [u, v] = [s - j, t - i];
    const a = i * stride + 2 * j;
    for (let axis = 0; axis < 2; axis++) {
      const low = (1 - u) * c[a + axis] + u * c[a + 2 + axis];
      const high = (1 - u) * c[a + stride + axis] + u * c[a + stride + 2 + axis];
      out[k + axis] = (1 - v) * low + v * high;
    }
  }
  return out;
}

/** Brings a point of the page back to the plane; points off the map are first moved to its border. */
export type Finder = (x: number, y: number) => Point;

/** A cell of a mesh, by row and column, with the fractions (u, v) of a point in it. */
interface Place {
  i: number;
  j: number;
  uv: Point;
}

/** Round-off by which a point may stick out of the cell that holds it. */
const SLACK = 1e-9;

/** Makes the inverse of a mesh. It remembers the last cell, so that neighbouring queries take a few steps. */
export function createFinder(mesh: Mesh): Finder {
  const [x0, x1, y0, y1] = mesh.extent;
  const [rows, columns] = mesh.shape;
  let [row, column] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return (px, py) => {
    const x = Math.min(Math.max(px, x0), x1);
    const y = Math.min(Math.max(py, y0), y1);
    const { i, j, uv } = searchFrom(mesh, row, column, x, y) ?? searchAll(mesh, x, y);
    [row, column] = [i, j];
    return [x0 + ((x1 - x0) * (j + uv[0])) / columns, y0 + ((y1 - y0) * (i + uv[1])) / rows];
  };
}

/** Searches from cell to cell across whichever edge separates the point from it. */
function searchFrom(mesh: Mesh, row: number, column: number, x: number, y: number): Place | null {
  const [rows, columns] = mesh.shape;
  let [i, j] = [row, column];
  for (let hop = 0; hop < 4 * (rows + columns); hop++) {
    const a = 2 * (i * (columns + 1) + j);
    const b = a + 2 * (columns + 1);
    let di = beyond(mesh, a, a + 2, x, y) && i > 0 ? -1 : beyond(mesh, b + 2, b, x, y) && i < rows - 1 ? 1 : 0;
    let dj = beyond(mesh, b, a, x, y) && j > 0 ? -1 : beyond(mesh, a + 2, b + 2, x, y) && j < columns - 1 ? 1 : 0;
    // alternate between the two directions: a diagonal step could jump past the cell
    if (di !== 0 && dj !== 0) [di, dj] = hop % 2 === 0 ? [0, dj] : [di, 0];
    const here = di === 0 && dj === 0;
    // round-off can bounce a point on an edge between two cells: either may claim it
    if (here || hop > rows + columns) {
      const uv = invertBilinear(mesh, i, j, x, y);
      if (excess(uv) <= SLACK) return { i, j, uv: clampToUnit(uv) };
      if (here) return null;
    }
    i += di;
    j += dj;
  }
  return null;
}

/** Whether a point lies to the right of the edge from one corner to another. */
function beyond({ corners: c }: Mesh, from: number, to: number, x: number, y: number): boolean {
  return (c[to] - c[from]) * (y - c[from + 1]) - (c[to + 1] - c[from + 1]) * (x - c[from]) < 0;
}

/** Looks at every cell, and takes the one from which the point sticks out least. */
function searchAll(mesh: Mesh, x: number, y: number): Place {
  const [rows, columns] = mesh.shape;
  let best = Infinity;
  let found: Place = { i: 0, j: 0, uv: [0.5, 0.5] };
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const uv = invertBilinear(mesh, i, j, x, y);
      const out = excess(uv);
      if (out >= best) continue;
      best = out;
      found = { i, j, uv: clampToUnit(uv) };
      if (out <= 0) return found;
    }
  }
  return found;
}

function clampToUnit([u, v]: Point): Point {
  return [Math.min(Math.max(u, 0), 1), Math.min(Math.max(v, 0), 1)];
}

function excess([u, v]: Point): number {
  return Math.max(-u, u - 1, -v, v - 1);
}

/** Solves the bilinear map of cell (i, j) for the fractions (u, v) of a page point; mirrors latent_widget/maps/cartograms/quads/point_location.py. */
function invertBilinear(mesh: Mesh, i: number, j: number, x: number, y: number): Point {
  const stride = 2 * (mesh.shape[1] + 1);
  const c = mesh.corners;
  const a = i * stride + 2 * j;
  const [ax, ay] = [c[a], c[a + 1]];
  const [ex, ey] = [c[a + 2] - ax, c[a + 3] - ay];
  const [fx, fy] = [c[a + stride] - ax, c[a + stride + 1] - ay];
  const [gx, gy] = [c[a + stride + 2] - ax - ex - fx, c[a + stride + 3] - ay - ey - fy];
  const [qx, qy] = [x - ax, y - ay];
  // (q − v f) × (e + v g) = 0 is quadratic in v; the root with positive Jacobian, in the stable form
  const square = gx * fy - gy * fx;
  const linear = qx * gy - qy * gx + (ex * fy - ey * fx);
  const constant = qx * ey - qy * ex;
  const root = Math.sqrt(Math.max(linear * linear - 4 * square * constant, 0));
  let v = linear >= 0 ? (-2 * constant) / (linear + root) : (root - linear) / (2 * square);
  const [hx, hy] = [ex + v * gx, ey + v * gy];
  let u = ((qx - v * fx) * hx + (qy - v * fy) * hy) / (hx * hx + hy * hy);
  // one Newton step takes away what the cancellation in the quadratic left
  const rx = qx - u * ex - v * fx - u * v * gx;
  const ry = qy - u * ey - v * fy - u * v * gy;
  const [mx, my] = [fx + u * gx, fy + u * gy];
  const jacobian = hx * my - hy * mx;
  if (jacobian > 0) {
    u += (rx * my - ry * mx) / jacobian;
    v += (hx * ry - hy * rx) / jacobian;
  }
  return [u, v];
}

/** Points as fractions of the extent, x and y in 0 … 1. */
export function toFractions(points: ArrayLike<number>, { extent: [x0, x1, y0, y1] }: Pick<Mesh, "extent">): Float64Array {
  return Float64Array.from(points, (v, k) => (k % 2 === 0 ? (v - x0) / (x1 - x0) : (v - y0) / (y1 - y0)));
}
