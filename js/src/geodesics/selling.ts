/**
 * Selling's decomposition of the inverse metric on a lattice (Mirebeau, SIAM J. Numer. Anal. 57, 2019).
 *
 * D = G⁻¹ is written as Σ wₖ eₖ eₖᵀ with three integer offsets eₖ and weights wₖ ≥ 0 for every node: the stencil on which the eikonal
 * equation is causal however anisotropic the metric. Mirrors latent_widget/geodesics/kernels/selling.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import { NODES_PER_STEP, type Steps } from "./steps";

/** Largest ratio of eigenvalues that the stencil follows: offsets stay below about 100 cells. */
const ANISOTROPY = constants.anisotropy;
/** More rounds of Selling's algorithm than any metric of at most that anisotropy needs. */
const MOST_ROUNDS = constants.most_rounds;

/** Which neighbours along an offset lie on the lattice: against it and along it, one step and two steps away. */
export const BEFORE = 1;
export const AFTER = 2;
export const FAR_BEFORE = 4;
export const FAR_AFTER = 8;
const REACHES = [
  [-1, BEFORE],
  [1, AFTER],
  [-2, FAR_BEFORE],
  [2, FAR_AFTER],
] as const;

/** Offsets and weights of height × width nodes, and for every node the nodes that look at it. */
export interface Stencils {
  height: number;
  width: number;
  /** 6 per node: (row, column) three times. */
  offsets: Int16Array;
  /** 3 per node: the same in numbers of nodes. */
  jumps: Int32Array;
  /** 3 per node. */
  weights: Float64Array;
  /** 3 per node: the sum of BEFORE, AFTER, FAR_BEFORE, FAR_AFTER for an offset of positive weight. */
  sides: Uint8Array;
  /** readers[first[n] .. first[n + 1]) are the nodes whose stencil holds node n. */
  first: Int32Array;
  readers: Int32Array;
}

/** Three base vectors (x, y) that sum to zero. */
interface Superbase {
  x: Float64Array;
  y: Float64Array;
}

/** Decomposes the inverses of tensors (height · width · 3 numbers: E, F, G in index coordinates). */
export function* stencils(metric: Float64Array, height: number, width: number): Steps<Stencils> {
  const count = height * width;
  const offsets = new Int16Array(6 * count);
  const jumps = new Int32Array(3 * count);
  const weights = new Float64Array(3 * count);
  const sides = new Uint8Array(3 * count);
  const base: Superbase = { x: new Float64Array(3), y: new Float64Array(3) };
  const found = new Float64Array(3);
  for (let n = 0; n < count; n++) {
    if (n % NODES_PER_STEP === 0) yield;
    decompose(metric[3 * n], metric[3 * n + 1], metric[3 * n + 2], base, found);
    const i = Math.floor(n / width);
    const j = n - i * width;
    for (let k = 0; k < 3; k++) {
      // the offset is the base vector turned by a right angle, (x, y) -> (-y, x)
      const [dr, ds] = [base.x[k], -base.y[k]];
      weights[3 * n + k] = found[k];
      offsets[6 * n + 2 * k] = dr;
      offsets[6 * n + 2 * k + 1] = ds;
      jumps[3 * n + k] = dr * width + ds;
      if (found[k] <= 0) continue;
      for (const [reach, side] of REACHES) {
        const [r, s] = [i + reach * dr, j + reach * ds];
        if (r >= 0 && r < height && s >= 0 && s < width) sides[3 * n + k] |= side;
      }
    }
  }
  yield;
  const first = countReaders(jumps, sides, count);
  yield;
  return { height, width, offsets, jumps, weights, sides, first, readers: listReaders(jumps, sides, first) };
}

/** Selling's algorithm: turns the base until no two of its vectors point the same way in D, and gives the weights. */
function decompose(e: number, f: number, g: number, { x, y }: Superbase, weights: Float64Array): void {
  const high = 0.5 * (e + g) + Math.sqrt(0.25 * (e - g) * (e - g) + f * f);
  if ((e * g - f * f) / high < high / ANISOTROPY) {
    e += high / ANISOTROPY;
    g += high / ANISOTROPY;
  }
  const determinant = e * g - f * f;
  const [a, b, c] = [g / determinant, -f / determinant, e / determinant];
  x[0] = y[1] = 1;
  y[0] = x[1] = 0;
  x[2] = y[2] = -1;
  const product = (p: number, q: number): number => a * x[p] * x[q] + b * (x[p] * y[q] + y[p] * x[q]) + c * y[p] * y[q];
  for (let round = 0, obtuse = 0; round < MOST_ROUNDS && obtuse < 3; round++) {
    for (obtuse = 0; obtuse < 3; obtuse++) {
      const p = (obtuse + 1) % 3;
      const q = (obtuse + 2) % 3;
      if (product(p, q) <= constants.obtuse * (a + c)) continue;
      x[obtuse] = x[p] - x[q];
      y[obtuse] = y[p] - y[q];
      x[p] = -x[p];
      y[p] = -y[p];
      break;
    }
  }
  for (let k = 0; k < 3; k++) weights[k] = Math.max(-product((k + 1) % 3, (k + 2) % 3), 0);
}

/** How many nodes look at each node, summed up: where each node's readers begin. */
function countReaders(jumps: Int32Array, sides: Uint8Array, count: number): Int32Array {
  const first = new Int32Array(count + 1);
  for (let m = 0; m < 3 * count; m++) {
    const n = Math.floor(m / 3);
    if (sides[m] & BEFORE) first[n - jumps[m] + 1]++;
    if (sides[m] & AFTER) first[n + jumps[m] + 1]++;
  }
  for (let n = 0; n < count; n++) first[n + 1] += first[n];
  return first;
}

function listReaders(jumps: Int32Array, sides: Uint8Array, first: Int32Array): Int32Array {
  const readers = new Int32Array(first[first.length - 1]);
  const next = first.slice();
  for (let m = 0; m < jumps.length; m++) {
    const n = Math.floor(m / 3);
    if (sides[m] & BEFORE) readers[next[n - jumps[m]]++] = n;
    if (sides[m] & AFTER) readers[next[n + jumps[m]]++] = n;
  }
  return readers;
}
