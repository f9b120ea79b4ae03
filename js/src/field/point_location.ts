/**
 * From the page back to the plane: a walk from cell to cell and the exact inverse of the cell, as in
 * latent_widget/maps/cartograms/quads/point_location.py. The outline of the map may have any shape.
 */

import type { Point } from "../types";
import type { Mesh } from "./mesh";
import { borderOf, encloses, fillsExtent, nearestOnOutline, outlineOf } from "./outline";

/** Brings a point of the page back to the plane; points off the map are first moved to the nearest place of its outline. */
export interface Finder {
  (x: number, y: number): Point;
  /** Whether a point of the page lies on the map. */
  holds(x: number, y: number): boolean;
}


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
  return fillsExtent(mesh) ? findBetweenWalls(mesh) : findWithinOutline(mesh);
}

/** On a page that is the extent itself, the nearest place is found by either coordinate alone. */
function findBetweenWalls(mesh: Mesh): Finder {
  const [x0, x1, y0, y1] = mesh.extent;
  const search = createSearch(mesh);
  const find = (px: number, py: number): Point => search(Math.min(Math.max(px, x0), x1), Math.min(Math.max(py, y0), y1));
  return Object.assign(find, { holds: (x: number, y: number) => x >= x0 && x <= x1 && y >= y0 && y <= y1 });
}

function findWithinOutline(mesh: Mesh): Finder {
  const [x0, x1, y0, y1] = mesh.extent;
  const [rows, columns] = mesh.shape;
  const border = borderOf(mesh.shape);
  const outline = outlineOf(mesh);
  const search = createSearch(mesh);
  /** The plane's coordinates of a border corner. */
  const plane = (corner: number): Point => [
    x0 + ((x1 - x0) * (corner % (columns + 1))) / columns,
    y0 + ((y1 - y0) * Math.floor(corner / (columns + 1))) / rows,
  ];
  const find = (x: number, y: number): Point => {
    if (encloses(outline, x, y)) return search(x, y);
    const { edge, part } = nearestOnOutline(outline, x, y);
    const [a, b] = [plane(border[edge]), plane(border[(edge + 1) % border.length])];
    return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
  };
  return Object.assign(find, { holds: (x: number, y: number) => encloses(outline, x, y) });
}

/** The search for a point that lies on the map: from the last cell, else from one near by, else everywhere. */
function createSearch(mesh: Mesh): (x: number, y: number) => Point {
  const [x0, x1, y0, y1] = mesh.extent;
  const [rows, columns] = mesh.shape;
  let [row, column] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return (x, y) => {
    const found = searchFrom(mesh, row, column, x, y) ?? searchFrom(mesh, ...nearbyCell(mesh, x, y), x, y) ?? searchAll(mesh, x, y);
    [row, column] = [found.i, found.j];
    const { i, j, uv } = found;
    return [x0 + ((x1 - x0) * (j + uv[0])) / columns, y0 + ((y1 - y0) * (i + uv[1])) / rows];
  };
}

/** Cells looked at along each side for one that is near a point: a bay of the outline may bar the way from the last cell. */
const PROBES = 16;

function nearbyCell({ shape: [rows, columns], corners: c }: Mesh, x: number, y: number): [number, number] {
  const [down, across] = [Math.max(1, Math.floor(rows / PROBES)), Math.max(1, Math.floor(columns / PROBES))];
  let best: [number, number] = [0, 0];
  let least = Infinity;
  for (let i = down >> 1; i < rows; i += down) {
    for (let j = across >> 1; j < columns; j += across) {
      const k = 2 * (i * (columns + 1) + j);
      const apart = (c[k] - x) ** 2 + (c[k + 1] - y) ** 2;
      if (apart < least) [least, best] = [apart, [i, j]];
    }
  }
  return best;
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
