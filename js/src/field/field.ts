/** The field that is drawn: measures mixed by weight, tempered, and its density. */

import type { MetricField, Shape } from "../types";
import { smooth } from "./smoothing";

/**
 * The weights by which fields are added so that equal ones mean equal parts: wᵢ / mean density of Gᵢ. A single measure
 * that is on keeps its weight, and its unit.
 */
export function normaliseWeights(weights: number[], meanDensities: number[]): number[] {
  if (weights.filter((weight) => weight > 0).length < 2) return weights;
  return weights.map((weight, k) => (weight > 0 ? weight / meanDensities[k] : weight));
}

/** Σ wᵢ Gᵢ, smoothed over `smoothing` cells and raised to the matrix power `temper`; null where no weight is above 0. */
export function mix(
  fields: Float32Array[],
  weights: number[],
  temper: number,
  shape: Shape = [1, 1],
  smoothing = 0,
): Float32Array | null {
  const on = fields.map((field, k) => [field, weights[k] ?? 0] as const).filter(([, w]) => w > 0);
  if (on.length === 0) return null;
  let sum = new Float32Array(on[0][0].length);
  for (const [field, weight] of on) {
    for (let k = 0; k < sum.length; k++) sum[k] += weight * field[k];
  }
  sum = smooth(sum, shape, smoothing);
  if (temper !== 1) {
    for (let k = 0; k < sum.length; k += 3) raiseToPower(sum, k, temper);
  }
  return sum;
}

/** Raises the symmetric tensor at offset k to a power, by its eigenvalues. */
function raiseToPower(metric: Float32Array, k: number, exponent: number): void {
  const [e, f, g] = [metric[k], metric[k + 1], metric[k + 2]];
  const mean = (e + g) / 2;
  const radius = Math.hypot((e - g) / 2, f);
  const high = mean + radius;
  // det / high, because mean − radius cancels for stretched tensors
  const low = Math.max((e * g - f * f) / high, Number.MIN_VALUE);
  const [a, b] = [high ** exponent, low ** exponent];
  // G^t = a P + b (1 − P), with P the projector on the first eigenvector
  const px = radius > 0 ? 0.5 + (e - g) / (4 * radius) : 0.5;
  const pxy = radius > 0 ? f / (2 * radius) : 0;
  metric[k] = b + (a - b) * px;
  metric[k + 1] = (a - b) * pxy;
  metric[k + 2] = a - (a - b) * px;
}

/** √det G for each cell. */
export function density(metric: Float32Array): Float32Array {
  const rho = new Float32Array(metric.length / 3);
  for (let k = 0; k < rho.length; k++) {
    const [e, f, g] = [metric[3 * k], metric[3 * k + 1], metric[3 * k + 2]];
    rho[k] = Math.sqrt(Math.max(e * g - f * f, 0));
  }
  return rho;
}

/** The mean of √det G over the cells, summed in double precision. */
export function meanDensity(metric: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < metric.length; k += 3) sum += Math.sqrt(Math.max(metric[k] * metric[k + 2] - metric[k + 1] ** 2, 0));
  return (3 * sum) / metric.length;
}

/** Each measure's part in the mixture, by the weights with which it is added: its share of Σ wᵢ · mean density; sums to 1. */
export function shares(weights: number[], meanDensities: number[]): number[] {
  const parts = weights.map((weight, k) => weight * meanDensities[k]);
  const total = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => (total > 0 ? part / total : 0));
}

/** Values of cells averaged onto the (H + 1) × (W + 1) corners, for smooth shading. */
export function averageOntoCorners(cells: Float32Array, [rows, columns]: Shape): Float32Array {
  const corners = new Float32Array((rows + 1) * (columns + 1));
  for (let i = 0; i <= rows; i++) {
    const [i0, i1] = [Math.max(i - 1, 0), Math.min(i, rows - 1)];
    for (let j = 0; j <= columns; j++) {
      const [j0, j1] = [Math.max(j - 1, 0), Math.min(j, columns - 1)];
      corners[i * (columns + 1) + j] =
        (cells[i0 * columns + j0] + cells[i0 * columns + j1] + cells[i1 * columns + j0] + cells[i1 * columns + j1]) / 4;
    }
  }
  return corners;
}

/** The metric between the centres of cells, bilinear. */
export function tensorAt({ shape: [rows, columns], extent: [x0, x1, y0, y1], metric }: MetricField, x: number, y: number): [number, number, number] {
  const s = Math.min(Math.max(((x - x0) / (x1 - x0)) * columns - 0.5, 0), columns - 1);
  const t = Math.min(Math.max(((y - y0) / (y1 - y0)) * rows - 0.5, 0), rows - 1);
  const [j, i] = [Math.min(Math.floor(s), Math.max(columns - 2, 0)), Math.min(Math.floor(t), Math.max(rows - 2, 0))];
  const [dj, di] = [columns > 1 ? 3 : 0, rows > 1 ? 3 * columns : 0];
  const [u, v] = [s - j, t - i];
  const k = 3 * (i * columns + j);
  const mean = (c: number): number => {
    const low = (1 - u) * metric[k + c] + u * metric[k + dj + c];
    const high = (1 - u) * metric[k + di + c] + u * metric[k + di + dj + c];
    return (1 - v) * low + v * high;
  };
  return [mean(0), mean(1), mean(2)];
}
