/** Smoothing of a field over its lattice, the same as Field.smooth in Python. */

import type { Shape } from "../types";

/** Standard deviations at which the kernel ends. */
const REACH = 4;

/** Weights of a Gaussian of `cells` standard deviation at whole steps from −r to r, summing to 1. */
export function gaussian(cells: number): Float64Array {
  const reach = Math.floor(REACH * cells + 0.5);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * cells * cells)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Averages the tensors E, F, G of each cell over its neighbours, weighted by a Gaussian of `cells` standard deviation and mirrored at
 * the border, so that every entry keeps its sum and the tensors stay positive definite.
 */
export function smooth(metric: Float32Array, [rows, columns]: Shape, cells: number): Float32Array {
  if (!(cells > 0)) return metric;
  const weights = gaussian(cells);
  const across = new Float32Array(metric.length);
  const out = new Float32Array(metric.length);
  for (let i = 0; i < rows; i++) blurLine(metric, across, 3 * i * columns, 3, columns, weights);
  for (let j = 0; j < columns; j++) blurLine(across, out, 3 * j, 3 * columns, rows, weights);
  return out;
}

/** Blurs one line of `count` tensors that lie `stride` numbers apart. */
function blurLine(from: Float32Array, to: Float32Array, start: number, stride: number, count: number, weights: Float64Array): void {
  const reach = (weights.length - 1) / 2;
  for (let k = 0; k < count; k++) {
    let [e, f, g] = [0, 0, 0];
    for (let m = -reach; m <= reach; m++) {
      const at = start + stride * mirrorIndex(k + m, count);
      const weight = weights[m + reach];
      e += weight * from[at];
      f += weight * from[at + 1];
      g += weight * from[at + 2];
    }
    const at = start + stride * k;
    to[at] = e;
    to[at + 1] = f;
    to[at + 2] = g;
  }
}

/** The place of a cell beyond the border, … 1 0 | 0 1 … n−1 | n−1 n−2 … */
function mirrorIndex(k: number, count: number): number {
  if (k >= 0 && k < count) return k;
  const turn = ((k % (2 * count)) + 2 * count) % (2 * count);
  return turn < count ? turn : 2 * count - 1 - turn;
}
