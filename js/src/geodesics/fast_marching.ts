/**
 * Anisotropic fast marching: the distance from one point to every node, and the way back.
 *
 * The mirror of latent_widget/marching.py: Selling's decomposition of the inverse metric gives three integer offsets per
 * node (Mirebeau, SIAM J. Numer. Anal. 52, 2014), on which the eikonal equation is causal however anisotropic the metric.
 */

/** Selling's offsets and weights per node, and for every node the nodes that look at it. */
export interface Stencils {
  height: number;
  width: number;
  offsets: Int16Array; // 6 per node: (row, column) three times
  jumps: Int32Array; // 3 per node: the same in numbers of nodes
  weights: Float64Array; // 3 per node
  sides: Uint8Array; // 3 per node: 1 and 2 where the neighbour against and along an offset lies on the lattice, 4 and 8 the next
  first: Int32Array; // readers[first[n] .. first[n + 1]) look at node n
  readers: Int32Array;
}

/** Distances from a source, steps (u, v) towards it, and the node each value came from (-1 around the source). */
export interface Marched {
  u: Float64Array;
  flow: Float64Array;
  parent: Int32Array;
}

/** A computation that may be put aside between its steps. */
export type Steps<T> = Generator<void, T, void>;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Nodes that are worked on in one step: about a millisecond. */
const STEP = 1024;
const ANISOTROPY = 1e4;
/** Nodes this near to the source, in the maximum norm, get the length of the straight line. */
const CORE = 3;
/** Within so many nodes of the source, differences leave out the cone of distances around it. */
const CONE = 24;

/** Decompose the inverse of tensors (height * width * 3: E, F, G in index coordinates). */
export function* stencils(metric: Float64Array, height: number, width: number): Steps<Stencils> {
  const count = height * width;
  const offsets = new Int16Array(6 * count);
  const jumps = new Int32Array(3 * count);
  const weights = new Float64Array(3 * count);
  const sides = new Uint8Array(3 * count);
  const first = new Int32Array(count + 1);
  const bx = new Float64Array(3);
  const by = new Float64Array(3);
  for (let n = 0; n < count; n++) {
    if (n % STEP === 0) yield;
    let e = metric[3 * n];
    const f = metric[3 * n + 1];
    let g = metric[3 * n + 2];
    const high = 0.5 * (e + g) + Math.sqrt(0.25 * (e - g) * (e - g) + f * f);
    if ((e * g - f * f) / high < high / ANISOTROPY) {
      e += high / ANISOTROPY;
      g += high / ANISOTROPY;
    }
    const determinant = e * g - f * f;
    const a = g / determinant;
    const b = -f / determinant;
    const c = e / determinant;
    bx[0] = by[1] = 1;
    by[0] = bx[1] = 0;
    bx[2] = by[2] = -1;
    const product = (p: number, q: number): number =>
      a * bx[p] * bx[q] + b * (bx[p] * by[q] + by[p] * bx[q]) + c * by[p] * by[q];
    for (let round = 0; round < 400; round++) {
      let changed = false;
      for (let k = 0; k < 3; k++) {
        const p = (k + 1) % 3;
        const q = (k + 2) % 3;
        if (product(p, q) > 1e-12 * (a + c)) {
          bx[k] = bx[p] - bx[q];
          by[k] = by[p] - by[q];
          bx[p] = -bx[p];
          by[p] = -by[p];
          changed = true;
          break;
        }
      }
      if (!changed) break;
    }
    for (let k = 0; k < 3; k++) {
      weights[3 * n + k] = Math.max(-product((k + 1) % 3, (k + 2) % 3), 0);
      // the offset is the base vector turned by a right angle, (x, y) -> (-y, x)
      offsets[6 * n + 2 * k] = bx[k];
      offsets[6 * n + 2 * k + 1] = -by[k];
      jumps[3 * n + k] = bx[k] * width - by[k];
      if (weights[3 * n + k] <= 0) continue;
      const i = Math.floor(n / width);
      const j = n - i * width;
      [-1, 1, -2, 2].forEach((reach, bit) => {
        const r = i + reach * bx[k];
        const s = j - reach * by[k];
        if (r >= 0 && r < height && s >= 0 && s < width) sides[3 * n + k] |= 1 << bit;
      });
    }
  }
  yield;
  for (let m = 0; m < 3 * count; m++) {
    const n = Math.floor(m / 3);
    if (sides[m] & 1) first[n - jumps[m] + 1]++;
    if (sides[m] & 2) first[n + jumps[m] + 1]++;
  }
  yield;
  for (let n = 0; n < count; n++) first[n + 1] += first[n];
  const readers = new Int32Array(first[count]);
  const fill = first.slice();
  for (let m = 0; m < 3 * count; m++) {
    const n = Math.floor(m / 3);
    if (sides[m] & 1) readers[fill[n - jumps[m]]++] = n;
    if (sides[m] & 2) readers[fill[n + jumps[m]]++] = n;
  }
  return { height, width, offsets, jumps, weights, sides, first, readers };
}

/** A march under way: the nodes that wait, the one nearest to the source on top of the heap. */
interface Front {
  u: Float64Array; // the best value so far
  known: Float64Array; // the accepted one
  held: Uint8Array; // accepted, or with a value that stays
  flow: Float64Array;
  parent: Int32Array;
  heap: Int32Array;
  where: Int32Array;
  size: number;
  cone: Float64Array;
  slope: Float64Array;
}

/**
 * March from a source (u, v) over all nodes.
 *
 * `near(i, j)` is the length of the straight line from the source to a node, for the exact start around it; `metric` the
 * tensor E, F, G at the source, in indices of the marched lattice.
 */
export function* march(
  st: Stencils,
  source: readonly [number, number],
  near: (i: number, j: number) => number,
  metric: ArrayLike<number>,
): Steps<Marched> {
  const { height, width } = st;
  const count = height * width;
  const front: Front = {
    u: new Float64Array(count).fill(Infinity),
    known: new Float64Array(count).fill(Infinity),
    held: new Uint8Array(count),
    flow: new Float64Array(2 * count),
    parent: new Int32Array(count).fill(-1),
    heap: new Int32Array(count),
    where: new Int32Array(count),
    size: 0,
    ...cone(st, source, metric),
  };
  const { u, known, held, flow, parent, heap, where } = front;
  const row = Math.floor(source[1] + 0.5);
  const column = Math.floor(source[0] + 0.5);
  for (let i = Math.max(row - CORE, 0); i <= Math.min(row + CORE, height - 1); i++) {
    for (let j = Math.max(column - CORE, 0); j <= Math.min(column + CORE, width - 1); j++) {
      const n = i * width + j;
      u[n] = near(i, j);
      flow[2 * n] = source[0] - j;
      flow[2 * n + 1] = source[1] - i;
      held[n] = 1;
      heap[front.size] = n;
      rise(heap, where, u, front.size++);
    }
  }
  while (advance(st, front)) yield;
  return { u: known, flow, parent };
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

// of the three offsets of a node: the level from which it is seen to rise, with what gain, and the side of the neighbour
const level = new Float64Array(3);
const gain = new Float64Array(3);
const side = new Int8Array(3);

/** Accepts some nodes; whether there are more. */
function advance(st: Stencils, front: Front): boolean {
  const { offsets, jumps, weights, sides, first, readers } = st;
  const { u, known, held, flow, parent, heap, where, cone, slope } = front;
  let size = front.size;
  for (let taken = 0; taken < STEP && size > 0; taken++) {
    const node = pop(heap, where, u, size--);
    known[node] = u[node];
    held[node] = 1;
    for (let r = first[node]; r < first[node + 1]; r++) {
      const n = readers[r];
      if (held[n]) continue;
      const inside = slope[2 * n] !== 0 || slope[2 * n + 1] !== 0;
      for (let m = 3 * n, k = 0; k < 3; k++, m++) {
        const bits = sides[m];
        const before = bits & 1 ? known[n - jumps[m]] : Infinity;
        const after = bits & 2 ? known[n + jumps[m]] : Infinity;
        const against = before <= after;
        const best = against ? before : after;
        level[k] = best;
        gain[k] = weights[m];
        side[k] = against ? -1 : 1;
        if (best === Infinity) continue;
        const beside = against ? n - jumps[m] : n + jumps[m];
        const far = 2 * beside - n;
        const second = (bits & (against ? 4 : 8)) !== 0 && known[far] <= best;
        if (second) {
          // two in line: of second order
          level[k] = (4 * best - known[far]) / 3;
          gain[k] *= 2.25;
        }
        if (inside) {
          const climb = -side[k] * (slope[2 * n] * offsets[2 * m + 1] + slope[2 * n + 1] * offsets[2 * m]);
          level[k] += second ? cone[n] + (cone[far] - 4 * cone[beside] - 2 * climb) / 3 : cone[n] - cone[beside] - climb;
        }
      }
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

/**
 * The cone of distances in the metric at the source, and its slope near it, 0 elsewhere.
 *
 * u is singular at the source: near it, differences are taken of u less the cone, so that what remains is smooth. The cone is
 * filled as far as the stencils of the nodes near the source reach.
 */
function cone(
  { height, width, offsets }: Stencils,
  source: readonly [number, number],
  metric: ArrayLike<number>,
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

/** Give nodes that a fully anisotropic stencil left out (in corners) a value over their eight neighbours. */
export function complete(found: Marched, metric: Float64Array, height: number, width: number): void {
  const { u, flow, parent } = found;
  for (let round = 0; round < height + width; round++) {
    let missing = false;
    let changed = false;
    for (let n = 0; n < u.length; n++) {
      if (u[n] < Infinity) continue;
      missing = true;
      const i = Math.floor(n / width);
      const j = n - i * width;
      for (let r = Math.max(i - 1, 0); r <= Math.min(i + 1, height - 1); r++) {
        for (let s = Math.max(j - 1, 0); s <= Math.min(j + 1, width - 1); s++) {
          const m = r * width + s;
          if (m === n || u[m] === Infinity) continue;
          const x = s - j;
          const y = r - i;
          const e = 0.5 * (metric[3 * n] + metric[3 * m]);
          const f = 0.5 * (metric[3 * n + 1] + metric[3 * m + 1]);
          const g = 0.5 * (metric[3 * n + 2] + metric[3 * m + 2]);
          const value = u[m] + Math.sqrt(Math.max(e * x * x + 2 * f * x * y + g * y * y, 0));
          if (value < u[n]) {
            u[n] = value;
            parent[n] = m;
            flow[2 * n] = x;
            flow[2 * n + 1] = y;
            changed = true;
          }
        }
      }
    }
    if (!missing || !changed) return;
  }
}

/** Walk from a target down the flow to the source; where the walk stalls it goes on over the parents of the nodes. */
export function trace(
  st: { height: number; width: number },
  found: Marched,
  source: readonly [number, number],
  target: readonly [number, number],
): Float64Array {
  const { height, width } = st;
  const { u, flow, parent } = found;
  const path: number[] = [target[0], target[1]];
  let [x, y] = target;
  let lowest = Infinity;
  let stalled = 0;
  const arrived = (): boolean => Math.max(Math.abs(x - source[0]), Math.abs(y - source[1])) <= 1;
  for (let step = 0; step < 8 * (height + width) && !arrived(); step++) {
    const j = Math.min(Math.max(Math.floor(x), 0), Math.max(width - 2, 0));
    const i = Math.min(Math.max(Math.floor(y), 0), Math.max(height - 2, 0));
    const p = Math.min(Math.max(x - j, 0), 1);
    const q = Math.min(Math.max(y - i, 0), 1);
    let du = 0;
    let dv = 0;
    let here = 0;
    let total = 0;
    for (let r = 0; r < 2; r++) {
      for (let s = 0; s < 2; s++) {
        if (i + r >= height || j + s >= width) continue;
        const n = (i + r) * width + j + s;
        const norm = Math.sqrt(flow[2 * n] * flow[2 * n] + flow[2 * n + 1] * flow[2 * n + 1]);
        if (u[n] === Infinity || norm === 0) continue;
        const weight = (r === 1 ? q : 1 - q) * (s === 1 ? p : 1 - p);
        du += (weight * flow[2 * n]) / norm;
        dv += (weight * flow[2 * n + 1]) / norm;
        here += weight * u[n];
        total += weight;
      }
    }
    const norm = Math.sqrt(du * du + dv * dv);
    if (total < 0.5 || norm < 0.2 * total) break;
    here /= total;
    stalled = here < lowest ? 0 : stalled + 1;
    lowest = Math.min(lowest, here);
    if (stalled > 6) break;
    x = Math.min(Math.max(x + (0.5 * du) / norm, -0.5), width - 0.5);
    y = Math.min(Math.max(y + (0.5 * dv) / norm, -0.5), height - 0.5);
    path.push(x, y);
  }
  if (!arrived()) {
    let node = -1;
    let best = Infinity;
    for (let r = Math.max(Math.floor(y), 0); r < Math.min(Math.floor(y) + 2, height); r++) {
      for (let s = Math.max(Math.floor(x), 0); s < Math.min(Math.floor(x) + 2, width); s++) {
        if (u[r * width + s] < best) {
          best = u[r * width + s];
          node = r * width + s;
        }
      }
    }
    while (node >= 0) {
      path.push(node % width, Math.floor(node / width));
      node = parent[node];
    }
  }
  path.push(source[0], source[1]);
  return Float64Array.from(path);
}
