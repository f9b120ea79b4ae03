/** The mesh of the map, bilinear in each cell between the lattice's corners; the way back is that of point_location.ts. */

import type { Extent, Shape } from "../types";

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

/** How many cells are folded: those of which any of the four corner triangles is not positive. */
export function countFolds({ shape: [rows, columns], corners: c }: Mesh): number {
  const up = 2 * (columns + 1);
  let folds = 0;
  for (let i = 0; i < rows; i++) {
    let a = i * up;
    // sides of the cell: left, right, and below and above between them
    let leftX = c[a + up] - c[a];
    let leftY = c[a + up + 1] - c[a + 1];
    for (let j = 0; j < columns; j++, a += 2) {
      const lowX = c[a + 2] - c[a];
      const lowY = c[a + 3] - c[a + 1];
      const highX = c[a + up + 2] - c[a + up];
      const highY = c[a + up + 3] - c[a + up + 1];
      const rightX = c[a + up + 2] - c[a + 2];
      const rightY = c[a + up + 3] - c[a + 3];
      const low = Math.min(lowX * leftY - lowY * leftX, lowX * rightY - lowY * rightX);
      const high = Math.min(highX * leftY - highY * leftX, highX * rightY - highY * rightX);
      if (!(low > 0 && high > 0)) folds++;
      leftX = rightX;
      leftY = rightY;
    }
  }
  return folds;
}

/** Points as fractions of the extent, x and y in 0 … 1. */
export function toFractions(points: ArrayLike<number>, { extent: [x0, x1, y0, y1] }: Pick<Mesh, "extent">): Float64Array {
  return Float64Array.from(points, (v, k) => (k % 2 === 0 ? (v - x0) / (x1 - x0) : (v - y0) / (y1 - y0)));
}
