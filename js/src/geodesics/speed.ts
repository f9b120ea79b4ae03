/** How fast the decoded output changes along a line that is passed as it is sampled. */

import { tensorAt } from "../field/field";
import type { MetricField, Point } from "../types";

/** Pieces in which a path is measured. */
export const PIECES = 120;

/** The length of each piece between `points` x0, y0, x1, y1, … in the measure, over the mean of all; all 1 for no length. */
export function speedsAlong(field: MetricField, points: ArrayLike<number>): Float64Array {
  const lengths = new Float64Array(Math.max(points.length / 2 - 1, 0));
  for (let n = 0; n < lengths.length; n++) {
    const [ax, ay, bx, by] = [points[2 * n], points[2 * n + 1], points[2 * n + 2], points[2 * n + 3]];
    const [e, f, g] = tensorAt(field, (ax + bx) / 2, (ay + by) / 2);
    const [dx, dy] = [bx - ax, by - ay];
    lengths[n] = Math.sqrt(Math.max(e * dx * dx + 2 * f * dx * dy + g * dy * dy, 0));
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return mean > 0 ? lengths.map((length) => length / mean) : lengths.fill(1);
}

/** The place at fraction t of a path. */
export function placeAt(points: ArrayLike<number>, t: number): Point {
  const last = points.length / 2 - 1;
  const s = Math.min(Math.max(t, 0), 1) * last;
  const k = 2 * Math.min(Math.floor(s), Math.max(last - 1, 0));
  const u = s - k / 2;
  return [(1 - u) * points[k] + u * points[k + 2], (1 - u) * points[k + 1] + u * points[k + 3]];
}

export function speedAt(speeds: Float64Array, t: number): number {
  return speeds[Math.min(Math.floor(t * speeds.length), speeds.length - 1)] ?? 1;
}
