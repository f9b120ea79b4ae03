/** The outline of a mesh: its border on the page, a closed polygon of any shape; and the page that holds it. */

import type { Extent, Shape } from "../types";
import type { Mesh } from "./mesh";

/** Parts of a side, or of a coordinate in single precision, by which a border may miss the wall on which it lies. */
const SLACK = 1e-6;

/** Indices of the corners along the border, anticlockwise on the plane from its lower left corner, each once. */
export function borderOf([rows, columns]: Shape): Int32Array {
  const stride = columns + 1;
  const border = new Int32Array(2 * (rows + columns));
  let n = 0;
  for (let j = 0; j < columns; j++) border[n++] = j;
  for (let i = 0; i < rows; i++) border[n++] = i * stride + columns;
  for (let j = columns; j > 0; j--) border[n++] = rows * stride + j;
  for (let i = rows; i > 0; i--) border[n++] = i * stride;
  return border;
}

/** x, y of the border's corners on the page. */
export function outlineOf({ shape, corners }: Mesh): Float64Array {
  const border = borderOf(shape);
  const outline = new Float64Array(2 * border.length);
  border.forEach((corner, k) => outline.set([corners[2 * corner], corners[2 * corner + 1]], 2 * k));
  return outline;
}

/** Whether each side of the border lies on its own wall of the extent, as on the plane and on every cartogram. */
export function fillsExtent({ extent: [x0, x1, y0, y1], shape: [rows, columns], corners: c }: Mesh): boolean {
  const [dx, dy] = [slack(x0, x1), slack(y0, y1)];
  const stride = 2 * (columns + 1);
  for (let j = 0, low = 0, high = rows * stride; j <= columns; j++, low += 2, high += 2) {
    if (!(Math.abs(c[low + 1] - y0) <= dy && Math.abs(c[high + 1] - y1) <= dy)) return false;
  }
  for (let i = 0, left = 0; i <= rows; i++, left += stride) {
    if (!(Math.abs(c[left] - x0) <= dx && Math.abs(c[left + stride - 2] - x1) <= dx)) return false;
  }
  return true;
}

function slack(low: number, high: number): number {
  return SLACK * Math.max(high - low, Math.abs(low), Math.abs(high));
}

/** Whether a polygon winds around a point (its winding number is not 0). */
export function encloses(polygon: Float64Array, x: number, y: number): boolean {
  let winding = 0;
  let [ax, ay] = [polygon[polygon.length - 2], polygon[polygon.length - 1]];
  for (let k = 0; k < polygon.length; k += 2) {
    const [bx, by] = [polygon[k], polygon[k + 1]];
    const below = ay <= y;
    if (below !== by <= y) {
      const left = (bx - ax) * (y - ay) - (x - ax) * (by - ay);
      if (below && left > 0) winding++;
      else if (!below && left < 0) winding--;
    }
    [ax, ay] = [bx, by];
  }
  return winding !== 0;
}

/** The edge of a polygon that is nearest to a point, by its first corner, and the part of it at which it is. */
export function nearestOnOutline(polygon: Float64Array, x: number, y: number): { edge: number; part: number } {
  const count = polygon.length / 2;
  let nearest = { edge: 0, part: 0 };
  let least = Infinity;
  for (let k = 0; k < count; k++) {
    const next = 2 * ((k + 1) % count);
    const [ax, ay] = [polygon[2 * k], polygon[2 * k + 1]];
    const [ex, ey] = [polygon[next] - ax, polygon[next + 1] - ay];
    const length = ex * ex + ey * ey;
    const part = length > 0 ? Math.min(Math.max(((x - ax) * ex + (y - ay) * ey) / length, 0), 1) : 0;
    const apart = (ax + part * ex - x) ** 2 + (ay + part * ey - y) ** 2;
    if (apart < least) [least, nearest] = [apart, { edge: k, part }];
  }
  return nearest;
}

/** The least rectangle that holds all points. */
export function boundsOf(points: ArrayLike<number>): Extent {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let k = 0; k < points.length; k += 2) {
    x0 = Math.min(x0, points[k]);
    x1 = Math.max(x1, points[k]);
    y0 = Math.min(y0, points[k + 1]);
    y1 = Math.max(y1, points[k + 1]);
  }
  return [x0, x1, y0, y1];
}

/** The least rectangle that holds all points and is `aspect` times as high as it is wide, with its middle in theirs. */
export function frameOf(points: ArrayLike<number>, aspect: number): Extent {
  const [x0, x1, y0, y1] = boundsOf(points);
  const half = Math.max(x1 - x0, (y1 - y0) / aspect) / 2;
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return [x - half, x + half, y - half * aspect, y + half * aspect];
}
