/**
 * Anisotropic fast marching on Selling-reduced stencils (Mirebeau, SIAM J. Numer. Anal. 57, 2019): distances from a point to all nodes.
 *
 * The eikonal equation ∇uᵀ G⁻¹ ∇u = 1 is solved in one pass, from the nearest node to the farthest; differences are of second order
 * where two accepted neighbours are in line. Points are in index coordinates of the lattice that is marched. Mirrors
 * latent_widget/geodesics/kernels/fast_marching.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import { AFTER, BEFORE, FAR_AFTER, FAR_BEFORE, type Stencils } from "./selling";
import { NODES_PER_STEP, type Steps } from "./steps";

/** Nodes this near to the source, in the maximum norm, get the length of the straight line. */
const CORE = constants.core;
/** Within so many nodes of the source, differences leave out the cone of distances around it. */
const CONE = constants.cone;

/** Distances from a source, steps (u, v) towards it, and the node each value came from (-1 around the source). */
export interface Marched {
  u: Float64Array;
  flow: Float64Array;
  parent: Int32Array;
}

/** Where a march begins. */
export interface Source {
  /** (u, v) in indices of the lattice. */
  at: readonly [number, number];
  /** E, F, G there, in index coordinates. */
  metric: ArrayLike<number>;
  /** The length of the straight line to node (i, j), for the exact start around the source. */
  lengthTo(i: number, j: number): number;
}

/** A march under way: the nodes that wait, the one nearest to the source on top of the heap. */
interface Front {
  /** The best value so far. */
  u: Float64Array;
  /** The accepted one. */
  known: Float64Array;
  /** Accepted, or with a value that stays. */
  held: Uint8Array;
  flow: Float64Array;
  parent: Int32Array;
  heap: Int32Array;
  where: Int32Array;
  size: number;
  cone: Float64Array;
  slope: Float64Array;
}

/** Marches from a source over all nodes. */
export function* march(stencils: Stencils, source: Source): Steps<Marched> {
  const count = stencils.height * stencils.width;
  const front: Front = {
    u: new Float64Array(count).fill(Infinity),
    known: new Float64Array(count).fill(Infinity),
    held: new Uint8Array(count),
    flow: new Float64Array(2 * count),
    parent: new Int32Array(count).fill(-1),
    heap: new Int32Array(count),
    where: new Int32Array(count),
    size: 0,
    ...cone(stencils, source),
  };
  start(front, stencils, source);
  while (advance(stencils, front)) yield;
  return { u: front.known, flow: front.flow, parent: front.parent };
}

/** Gives the nodes around the source their values. */
function start(front: Front, { height, width }: Stencils, { at, lengthTo }: Source): void {
  const { u, held, flow, heap, where } = front;
  const row = Math.floor(at[1] + 0.5);
  const column = Math.floor(at[0] + 0.5);
  for (let i = Math.max(row - CORE, 0); i <= Math.min(row + CORE, height - 1); i++) {
    for (let j = Math.max(column - CORE, 0); j <= Math.min(column + CORE, width - 1); j++) {
      const n = i * width + j;
      u[n] = lengthTo(i, j);
      flow[2 * n] = at[0] - j;
      flow[2 * n + 1] = at[1] - i;
      held[n] = 1;
      heap[front.size] = n;
      rise(heap, where, u, front.size++);
    }
  }
}

// of the three offsets of a node: the level from which it is seen to rise, with what gain, and the side of the neighbour
const level = new Float64Array(3);
const gain = new Float64Array(3);
const side = new Int8Array(3);

/** Accepts some nodes; whether there are more. */
function advance(stencils: Stencils, front: Front): boolean {
  const { offsets, first, readers } = stencils;
  const { u, known, held, flow, parent, heap, where } = front;
  let size = front.size;
  for (let taken = 0; taken < NODES_PER_STEP && size > 0; taken++) {
    const node = pop(heap, where, u, size--);
    known[node] = u[node];
    held[node] = 1;
    for (let r = first[node]; r < first[node + 1]; r++) {
      const n = readers[r];
      if (held[n]) continue;
      upwind(stencils, front, n);
      const value = solve(level[0], level[1], level[2], gain[0], gain[1], gain[2]);
      // where the metric changes much from node to node, second differences may ask for less than the last value
      if (!(value >= known[node] && value < u[n])) continue;
      let du = 0;
      let dv = 0;
      for (let m = 3 * n, k = 0; k < 3; k++, m++) {
        if (value > level[k]) {
          const strength = gain[k] * (value - level[k]) * side[k];
          du += strength * offsets[2 * m + 1];
          dv += strength * offsets[2 * m];
        }
      }
      flow[2 * n] = du;
      flow[2 * n + 1] = dv;
      parent[n] = node;
      if (u[n] === Infinity) {
        heap[size] = n;
        where[n] = size++;
      }
      u[n] = value;
      rise(heap, where, u, where[n]);
    }
  }
  front.size = size;
  return size > 0;
}

/** What the accepted neighbours along its three offsets say of node n, into `level`, `gain` and `side`. */
function upwind({ offsets, jumps, weights, sides }: Stencils, { known, cone, slope }: Front, n: number): void {
  const su = slope[2 * n];
  const sv = slope[2 * n + 1];
  const inside = su !== 0 || sv !== 0;
  for (let m = 3 * n, k = 0; k < 3; k++, m++) {
    const bits = sides[m];
    const before = bits & BEFORE ? known[n - jumps[m]] : Infinity;
    const after = bits & AFTER ? known[n + jumps[m]] : Infinity;
    const against = before <= after;
    const best = against ? before : after;
    level[k] = best;
    gain[k] = weights[m];
    side[k] = against ? -1 : 1;
    if (best === Infinity) continue;
    const beside = against ? n - jumps[m] : n + jumps[m];
    const far = 2 * beside - n;
    const second = (bits & (against ? FAR_BEFORE : FAR_AFTER)) !== 0 && known[far] <= best;
    if (second) {
      // two in line: of second order
      level[k] = (4 * best - known[far]) / 3;
      gain[k] *= 2.25;
    }
    if (inside) {
      const climb = (against ? 1 : -1) * (su * offsets[2 * m + 1] + sv * offsets[2 * m]);
      level[k] += second ? cone[n] + (cone[far] - 4 * cone[beside] - 2 * climb) / 3 : cone[n] - cone[beside] - climb;
    }
  }
}

/**
 * The cone of distances in the metric at the source, and its slope near it, 0 elsewhere.
 *
 * u is singular at the source: near it, differences are taken of u less the cone, so that what remains is smooth. The cone is
 * filled as far as the stencils of the nodes near the source reach.
 */
function cone(
  { height, width, offsets }: Stencils,
  { at: source, metric }: Source,
): { cone: Float64Array; slope: Float64Array } {
  const cone = new Float64Array(height * width);
  const slope = new Float64Array(2 * height * width);
  const [i0, i1] = [Math.max(Math.ceil(source[1] - CONE), 0), Math.min(Math.floor(source[1] + CONE), height - 1)];
  const [j0, j1] = [Math.max(Math.ceil(source[0] - CONE), 0), Math.min(Math.floor(source[0] + CONE), width - 1)];
  let rows = 0;
  let columns = 0;
  for (let i = i0; i <= i1; i++) {
    for (let m = 6 * (i * width + j0); m < 6 * (i * width + j1 + 1); m += 2) {
      rows = Math.max(rows, 2 * Math.abs(offsets[m]));
      columns = Math.max(columns, 2 * Math.abs(offsets[m + 1]));
    }
  }
  for (let i = Math.max(i0 - rows, 0); i <= Math.min(i1 + rows, height - 1); i++) {
    for (let j = Math.max(j0 - columns, 0); j <= Math.min(j1 + columns, width - 1); j++) {
      const n = i * width + j;
      const x = j - source[0];
      const y = i - source[1];
      const p = metric[0] * x + metric[1] * y;
      const q = metric[1] * x + metric[2] * y;
      cone[n] = Math.sqrt(Math.max(p * x + q * y, 0));
      if (cone[n] > 0 && Math.max(Math.abs(x), Math.abs(y)) < CONE) {
        slope[2 * n] = p / cone[n];
        slope[2 * n + 1] = q / cone[n];
      }
    }
  }
  return { cone, slope };
}

/** The value with p (value - a)_+^2 + q (value - b)_+^2 + r (value - c)_+^2 = 1; levels may be infinite, but not all. */
function solve(a: number, b: number, c: number, p: number, q: number, r: number): number {
  if (b < a) return solve(b, a, c, q, p, r);
  if (c < b) return solve(a, c, b, p, r, q);
  // counted from the lowest level; one after the other comes in
  let value = 1 / Math.sqrt(p);
  if (a + value > b) {
    let s0 = p + q;
    let s1 = q * (b - a);
    let s2 = s1 * (b - a);
    value = (s1 + Math.sqrt(Math.max(s1 * s1 - s0 * (s2 - 1), 0))) / s0;
    if (a + value > c) {
      s0 += r;
      s1 += r * (c - a);
      s2 += r * (c - a) * (c - a);
      value = (s1 + Math.sqrt(Math.max(s1 * s1 - s0 * (s2 - 1), 0))) / s0;
    }
  }
  return a + value;
}

function rise(heap: Int32Array, where: Int32Array, u: Float64Array, start: number): void {
  let position = start;
  const node = heap[position];
  const value = u[node];
  while (position > 0) {
    const next = (position - 1) >> 1;
    const above = heap[next];
    if (u[above] <= value) break;
    heap[position] = above;
    where[above] = position;
    position = next;
  }
  heap[position] = node;
  where[node] = position;
}

/** Takes the top off a heap of `size` nodes, of which one less is left. */
function pop(heap: Int32Array, where: Int32Array, u: Float64Array, size: number): number {
  const top = heap[0];
  const node = heap[size - 1];
  const value = u[node];
  let position = 0;
  for (let child = 1; child < size - 1; child = 2 * position + 1) {
    if (child + 1 < size - 1 && u[heap[child + 1]] < u[heap[child]]) child++;
    const below = heap[child];
    if (u[below] >= value) break;
    heap[position] = below;
    where[below] = position;
    position = child;
  }
  heap[position] = node;
  where[node] = position;
  return top;
}
