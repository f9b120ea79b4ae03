/**
 * Newton's method on the discrete path energy Σ dₖᵀ G(mₖ) dₖ / 2 of a polyline with fixed ends: from a rough path to a geodesic.
 *
 * dₖ are the steps, mₖ their midpoints, and the Hessian is block-tridiagonal. Points are in index coordinates u0, v0, u1, v1, …; they
 * stay inside the extent by an active set on its four walls. Mirrors latent_widget/geodesics/kernels/energy.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import { jet, segmentLengths, tensor, type Spline } from "./spline";

/** Newton steps at most. */
const STEPS = constants.steps;
/** Newton stops where the next step promises to lower the energy by less than this fraction: on few nodes, and on all. */
const COARSE_TOLERANCE = constants.coarse_tolerance;
const TOLERANCE = constants.tolerance;
/** A level of fewer nodes than these helps nobody. */
const FEWEST = constants.fewest_nodes;
/** About one node per cell is relaxed, within these bounds. */
const NODES = { least: constants.least_nodes, most: constants.most_nodes, refined: constants.most_refined_nodes };
/** Nodes farther apart than this many cells may miss what lies between them; they are then put this far apart. */
const APART = { most: constants.widest_gap, wanted: constants.wanted_gap };

/** `count` points of a polyline, evenly spaced in the given cumulative measure. */
export function resample(points: Float64Array, cumulative: Float64Array, count: number): Float64Array {
  const out = new Float64Array(2 * count);
  const n = cumulative.length;
  let segment = 0;
  for (let k = 0; k < count; k++) {
    const goal = (cumulative[n - 1] * k) / (count - 1);
    while (segment < n - 2 && cumulative[segment + 1] < goal) segment++;
    const width = cumulative[segment + 1] - cumulative[segment];
    const part = width > 0 ? Math.min(Math.max((goal - cumulative[segment]) / width, 0), 1) : 0;
    for (let c = 0; c < 2; c++) {
      const from = points[2 * segment + c];
      out[2 * k + c] = from + part * (points[2 * segment + 2 + c] - from);
    }
  }
  out.set(points.subarray(0, 2));
  out.set(points.subarray(2 * n - 2), 2 * count - 2);
  return out;
}

const at = new Float64Array(18);

function energy(s: Spline, x: Float64Array): number {
  let total = 0;
  for (let k = 0; k + 3 < x.length; k += 2) {
    const du = x[k + 2] - x[k];
    const dv = x[k + 3] - x[k + 1];
    tensor(s, 0.5 * (x[k] + x[k + 2]), 0.5 * (x[k + 1] + x[k + 3]), at);
    total += 0.5 * (at[0] * du * du + 2 * at[1] * du * dv + at[2] * dv * dv);
  }
  return total;
}

/** Energy, gradient and Hessian of a polyline; per node 2, 3 (xx, xy, yy), 4 (block to the next node) and 3 numbers. */
interface System {
  gradient: Float64Array;
  diagonal: Float64Array;
  upper: Float64Array;
  weight: Float64Array; // the part of the diagonal that is positive-definite whatever the curvature
  pivot: Float64Array;
  step: Float64Array;
  free: Uint8Array;
}

function createSystem(count: number): System {
  return {
    gradient: new Float64Array(2 * count),
    diagonal: new Float64Array(3 * count),
    upper: new Float64Array(4 * count),
    weight: new Float64Array(3 * count),
    pivot: new Float64Array(3 * count),
    step: new Float64Array(2 * count),
    free: new Uint8Array(2 * count),
  };
}

function expand(s: Spline, x: Float64Array, { gradient, diagonal, upper, weight }: System): number {
  gradient.fill(0);
  diagonal.fill(0);
  weight.fill(0);
  let value = 0;
  for (let k = 0; 2 * k + 3 < x.length; k++) {
    const n = 2 * k;
    const du = x[n + 2] - x[n];
    const dv = x[n + 3] - x[n + 1];
    jet(s, 0.5 * (x[n] + x[n + 2]), 0.5 * (x[n + 1] + x[n + 3]), at);
    const e = at[0];
    const f = at[1];
    const g = at[2];
    const p0 = e * du + f * dv;
    const p1 = f * du + g * dv;
    value += 0.5 * (p0 * du + p1 * dv);
    // w_ij = (G_j d)_i, s_j = d^T G_j d / 2, t_ij = d^T G_ij d / 8
    const w00 = at[3] * du + at[4] * dv;
    const w10 = at[4] * du + at[5] * dv;
    const w01 = at[6] * du + at[7] * dv;
    const w11 = at[7] * du + at[8] * dv;
    const s0 = 0.25 * (w00 * du + w10 * dv);
    const s1 = 0.25 * (w01 * du + w11 * dv);
    const uu = 0.125 * du * du;
    const uv = 0.25 * du * dv;
    const vv = 0.125 * dv * dv;
    const t00 = at[9] * uu + at[10] * uv + at[11] * vv;
    const t01 = at[12] * uu + at[13] * uv + at[14] * vv;
    const t11 = at[15] * uu + at[16] * uv + at[17] * vv;
    gradient[n] += s0 - p0;
    gradient[n + 1] += s1 - p1;
    gradient[n + 2] += s0 + p0;
    gradient[n + 3] += s1 + p1;
    const cross = 0.5 * (w01 + w10);
    const skew = 0.5 * (w10 - w01);
    const d = 3 * k;
    diagonal[d] += e - w00 + t00;
    diagonal[d + 1] += f - cross + t01;
    diagonal[d + 2] += g - w11 + t11;
    diagonal[d + 3] += e + w00 + t00;
    diagonal[d + 4] += f + cross + t01;
    diagonal[d + 5] += g + w11 + t11;
    const b = 4 * k;
    upper[b] = t00 - e;
    upper[b + 1] = t01 - f + skew;
    upper[b + 2] = t01 - f - skew;
    upper[b + 3] = t11 - g;
    for (let m = d; m <= d + 3; m += 3) {
      weight[m] += e;
      weight[m + 1] += f;
      weight[m + 2] += g;
    }
  }
  return value;
}

/** Damped Newton step by block elimination; returns gᵀ H⁻¹ g, or -1 where H is not positive-definite. */
function solve(sys: System, count: number, damping: number): number {
  return eliminate(sys, count, damping) ? substitute(sys, count) : -1;
}

/** Forward elimination: fills `pivot` and the right-hand sides in `step`; false where H is not positive-definite. */
function eliminate({ gradient, diagonal, upper, weight, pivot, step, free }: System, count: number, damping: number): boolean {
  for (let k = 1; k < count - 1; k++) {
    const d3 = 3 * k;
    let a = diagonal[d3] + damping * weight[d3];
    let b = diagonal[d3 + 1] + damping * weight[d3 + 1];
    let d = diagonal[d3 + 2] + damping * weight[d3 + 2];
    let r0 = -gradient[2 * k];
    let r1 = -gradient[2 * k + 1];
    if (k > 1) {
      const above = 4 * k - 4;
      const u00 = upper[above];
      const u01 = upper[above + 1];
      const u10 = upper[above + 2];
      const u11 = upper[above + 3];
      const i0 = pivot[d3 - 3];
      const i1 = pivot[d3 - 2];
      const i2 = pivot[d3 - 1];
      const m00 = i0 * u00 + i1 * u10;
      const m01 = i0 * u01 + i1 * u11;
      const m10 = i1 * u00 + i2 * u10;
      const m11 = i1 * u01 + i2 * u11;
      a -= u00 * m00 + u10 * m10;
      b -= u00 * m01 + u10 * m11;
      d -= u01 * m01 + u11 * m11;
      r0 -= m00 * step[2 * k - 2] + m10 * step[2 * k - 1];
      r1 -= m01 * step[2 * k - 2] + m11 * step[2 * k - 1];
    }
    if (free[2 * k] && free[2 * k + 1]) {
      const determinant = a * d - b * b;
      if (!(a > 0 && determinant > 1e-10 * a * d)) return false;
      pivot[d3] = d / determinant;
      pivot[d3 + 1] = -b / determinant;
      pivot[d3 + 2] = a / determinant;
    } else {
      // a coordinate that stays has no pivot, and so drops out of all that follows
      if ((free[2 * k] && !(a > 0)) || (free[2 * k + 1] && !(d > 0))) return false;
      pivot[d3] = free[2 * k] ? 1 / a : 0;
      pivot[d3 + 1] = 0;
      pivot[d3 + 2] = free[2 * k + 1] ? 1 / d : 0;
    }
    step[2 * k] = r0;
    step[2 * k + 1] = r1;
  }
  return true;
}

/** Back substitution: leaves the Newton step in `step`, and returns what it promises. */
function substitute({ upper, pivot, step }: System, count: number): number {
  let decrease = 0;
  for (let k = count - 2; k >= 1; k--) {
    const d3 = 3 * k;
    let r0 = step[2 * k];
    let r1 = step[2 * k + 1];
    decrease += pivot[d3] * r0 * r0 + 2 * pivot[d3 + 1] * r0 * r1 + pivot[d3 + 2] * r1 * r1;
    if (k < count - 2) {
      const next0 = step[2 * k + 2];
      const next1 = step[2 * k + 3];
      r0 -= upper[4 * k] * next0 + upper[4 * k + 1] * next1;
      r1 -= upper[4 * k + 2] * next0 + upper[4 * k + 3] * next1;
    }
    step[2 * k] = pivot[d3] * r0 + pivot[d3 + 1] * r1;
    step[2 * k + 1] = pivot[d3 + 1] * r0 + pivot[d3 + 2] * r1;
  }
  return decrease;
}

/** Tells which coordinates may move: not those at a wall that the energy would fall beyond. */
function findFree({ gradient, free }: System, s: Spline, x: Float64Array): void {
  for (let n = 2; n < x.length - 2; n++) {
    const top = (n % 2 === 0 ? s.width : s.height) - 0.5;
    free[n] = (x[n] <= -0.5 && gradient[n] > 0) || (x[n] >= top && gradient[n] < 0) ? 0 : 1;
  }
}

/** Moves x by a share of the step, as far as the walls, into `trial`. */
function move(s: Spline, x: Float64Array, step: Float64Array, share: number, trial: Float64Array): void {
  for (let n = 2; n < x.length - 2; n++) {
    const top = (n % 2 === 0 ? s.width : s.height) - 0.5;
    trial[n] = Math.min(Math.max(x[n] + share * step[n], -0.5), top);
  }
}

/** Newton's method with Levenberg damping and a line search; `promised` is the relative decrease one more step offers. */
export function shorten(
  s: Spline,
  start: Float64Array,
  iterations: number,
  tolerance: number,
): { points: Float64Array; promised: number } {
  const x = start.slice();
  const trial = start.slice();
  const count = x.length / 2;
  const sys = createSystem(count);
  let damping = 0;
  let promised = Infinity;
  for (let taken = 0; ; taken++) {
    const value = expand(s, x, sys);
    if (value <= 0) return { points: x, promised: 0 };
    findFree(sys, s, x);
    for (let improved = false; !improved; ) {
      const decrease = solve(sys, count, damping);
      if (decrease >= 0) {
        promised = (0.5 * decrease) / value;
        if ((promised < tolerance && damping < 1e-3) || taken === iterations) return { points: x, promised };
        let share = 1;
        for (; share > constants.least_share && !improved; share = improved ? share : 0.4 * share) {
          move(s, x, sys.step, share, trial);
          improved = energy(s, trial) < value - 1e-4 * share * decrease;
        }
        if (improved) {
          x.set(trial);
          if (share === 1) damping = damping > 1e-5 ? 0.2 * damping : 0;
        }
      }
      if (!improved) {
        damping = Math.max(4 * damping, 1e-4);
        if (damping > 1e6) return { points: x, promised };
      }
    }
  }
}

/** Measured length from the first point to every point of a polyline. */
export function measure(s: Spline, points: Float64Array): Float64Array {
  const lengths = segmentLengths(s, points);
  const out = new Float64Array(points.length / 2);
  for (let k = 0; k < lengths.length; k++) out[k + 1] = out[k] + lengths[k];
  return out;
}

/** A path in index coordinates with its cumulative length, and the relative decrease of the energy that one more Newton step promises. */
export interface Candidate {
  points: Float64Array;
  cumulative: Float64Array;
  length: number;
  promised: number;
}

export function measureCandidate(s: Spline, points: Float64Array, promised = Infinity): Candidate {
  const cumulative = measure(s, points);
  return { points, cumulative, length: cumulative[cumulative.length - 1], promised };
}

/** The geodesic near a guess; at most `rounds` Newton steps on each level, and fewer than STEPS for the sake of a frame. */
export function relax(s: Spline, guess: Candidate, nodes?: number, rounds = STEPS): Candidate {
  let count = nodes ?? Math.floor(Math.min(Math.max(extentInCells(guess.points).total, NODES.least), NODES.most)) + 1;
  let best = guess;
  // fewer nodes first: they find in a few cheap steps how long the path runs along a wall of the extent
  for (const fewer of [Math.floor(count / 9), Math.floor(count / 3)]) {
    if (fewer < FEWEST) continue;
    const coarse = measureCandidate(s, shorten(s, resample(best.points, best.cumulative, fewer), rounds, COARSE_TOLERANCE).points);
    // on a rough field they may step over what they do not see
    if (coarse.length <= best.length) best = coarse;
  }
  for (;;) {
    const { points, promised } = shorten(s, resample(best.points, best.cumulative, count), rounds, TOLERANCE);
    best = measureCandidate(s, points, promised);
    // nodes are even by the measure: where it is small they may lie too far apart to see the cells between them
    const { longest } = extentInCells(points);
    if (rounds < STEPS || nodes !== undefined || count > NODES.most || longest < APART.most) return best;
    count = Math.min(Math.floor((count * longest) / APART.wanted), NODES.refined) + 1;
  }
}

/** Length of a polyline in cells (maximum norm): in all, and of its longest step. */
function extentInCells(points: Float64Array): { total: number; longest: number } {
  let total = 0;
  let longest = 0;
  for (let k = 2; k < points.length; k += 2) {
    const step = Math.max(Math.abs(points[k] - points[k - 2]), Math.abs(points[k + 1] - points[k - 1]));
    total += step;
    longest = Math.max(longest, step);
  }
  return { total, longest };
}
