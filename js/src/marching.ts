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
  weights: Float64Array; // 3 per node
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
export function finished<T>(steps: Steps<T>): T {
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
  const weights = new Float64Array(3 * count);
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
    }
  }
  const visit = (see: (node: number, reader: number) => void): void => {
    for (let n = 0; n < count; n++) {
      const i = Math.floor(n / width);
      const j = n - i * width;
      for (let k = 0; k < 3; k++) {
        if (weights[3 * n + k] <= 0) continue;
        for (let sign = -1; sign <= 1; sign += 2) {
          const r = i + sign * offsets[6 * n + 2 * k];
          const s = j + sign * offsets[6 * n + 2 * k + 1];
          if (r >= 0 && r < height && s >= 0 && s < width) see(r * width + s, n);
        }
      }
    }
  };
  yield;
  visit((node) => first[node + 1]++);
  yield;
  for (let n = 0; n < count; n++) first[n + 1] += first[n];
  const readers = new Int32Array(first[count]);
  const fill = first.slice();
  visit((node, reader) => {
    readers[fill[node]++] = reader;
  });
  return { height, width, offsets, weights, first, readers };
}

/**
 * March from a source (u, v) over all nodes.
 *
 * `near(i, j)` is the length of the straight line from the source to a node, for the exact start around it; `metric` the
 * tensor E, F, G at the source, in indices of the marched lattice.
 */
export function* fastMarch(
  st: Stencils,
  source: readonly [number, number],
  near: (i: number, j: number) => number,
  metric: ArrayLike<number>,
): Steps<Marched> {
  const { height, width, offsets, weights, first, readers } = st;
  const count = height * width;
  const u = new Float64Array(count).fill(Infinity);
  const flow = new Float64Array(2 * count);
  const parent = new Int32Array(count).fill(-1);
  const state = new Uint8Array(count); // 0 far, 1 trial, 2 accepted, 3 trial and fixed
  const heap = new Int32Array(count);
  const where = new Int32Array(count);
  let size = 0;

  const rise = (start: number): void => {
    let position = start;
    const node = heap[position];
    while (position > 0) {
      const above = (position - 1) >> 1;
      if (u[heap[above]] <= u[node]) break;
      heap[position] = heap[above];
      where[heap[position]] = position;
      position = above;
    }
    heap[position] = node;
    where[node] = position;
  };
  const pop = (): number => {
    const top = heap[0];
    const node = heap[--size];
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= size) break;
      if (child + 1 < size && u[heap[child + 1]] < u[heap[child]]) child++;
      if (u[heap[child]] >= u[node]) break;
      heap[position] = heap[child];
      where[heap[position]] = position;
      position = child;
    }
    heap[position] = node;
    where[node] = position;
    return top;
  };

  const row = Math.floor(source[1] + 0.5);
  const column = Math.floor(source[0] + 0.5);
  for (let i = Math.max(row - CORE, 0); i <= Math.min(row + CORE, height - 1); i++) {
    for (let j = Math.max(column - CORE, 0); j <= Math.min(column + CORE, width - 1); j++) {
      const n = i * width + j;
      u[n] = near(i, j);
      flow[2 * n] = source[0] - j;
      flow[2 * n + 1] = source[1] - i;
      state[n] = 3;
      heap[size] = n;
      rise(size++);
    }
  }

  // u is singular at the source: near it, differences are taken of u less the cone of distances in the metric at the
  // source, whose gradient is known, so that what remains is smooth
  const cone = new Float64Array(count);
  const inside = new Uint8Array(count);
  const slope = new Float64Array(2 * count);
  for (let n = 0; n < count; n++) {
    const x = (n % width) - source[0];
    const y = Math.floor(n / width) - source[1];
    // offsets reach beyond the nodes where the cone is used
    const p = metric[0] * x + metric[1] * y;
    const q = metric[1] * x + metric[2] * y;
    cone[n] = Math.sqrt(Math.max(p * x + q * y, 0));
    if (cone[n] > 0 && Math.max(Math.abs(x), Math.abs(y)) < CONE) {
      inside[n] = 1;
      slope[2 * n] = p / cone[n];
      slope[2 * n + 1] = q / cone[n];
    }
  }

  const low = new Float64Array(3);
  const gain = new Float64Array(3);
  const side = new Int8Array(3);
  const order = new Uint8Array(3);
  for (let taken = 1; size > 0; taken++) {
    if (taken % STEP === 0) yield;
    const node = pop();
    state[node] = 2;
    for (let r = first[node]; r < first[node + 1]; r++) {
      const n = readers[r];
      if (state[n] >= 2) continue;
      const i = Math.floor(n / width);
      const j = n - i * width;
      let used = 0;
      for (let k = 0; k < 3; k++) {
        const weight = weights[3 * n + k];
        if (weight <= 0) continue;
        const oi = offsets[6 * n + 2 * k];
        const oj = offsets[6 * n + 2 * k + 1];
        let best = Infinity;
        for (let sign = -1; sign <= 1; sign += 2) {
          const y = i + sign * oi;
          const x = j + sign * oj;
          if (y >= 0 && y < height && x >= 0 && x < width) {
            const m = y * width + x;
            if (state[m] === 2 && u[m] < best) {
              best = u[m];
              side[k] = sign;
            }
          }
        }
        if (best === Infinity) continue;
        const m = (i + side[k] * oi) * width + j + side[k] * oj;
        const climb = -side[k] * (slope[2 * n] * oj + slope[2 * n + 1] * oi);
        low[k] = inside[n] ? best + cone[n] - cone[m] - climb : best;
        gain[k] = weight;
        const y = i + 2 * side[k] * oi;
        const x = j + 2 * side[k] * oj;
        if (y >= 0 && y < height && x >= 0 && x < width) {
          const far = y * width + x;
          if (state[far] === 2 && u[far] <= best) {
            low[k] = (4 * best - u[far]) / 3;
            if (inside[n]) low[k] += cone[n] + (cone[far] - 4 * cone[m] - 2 * climb) / 3;
            gain[k] = 2.25 * weight;
          }
        }
        let place = used;
        while (place > 0 && low[order[place - 1]] > low[k]) {
          order[place] = order[place - 1];
          place--;
        }
        order[place] = k;
        used++;
      }
      // solve sum gain (value - low)_+^2 = 1, taking in one neighbour after the other
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let value = Infinity;
      for (let p = 0; p < used; p++) {
        const k = order[p];
        if (value <= low[k]) break;
        s0 += gain[k];
        s1 += gain[k] * low[k];
        s2 += gain[k] * low[k] * low[k];
        value = (s1 + Math.sqrt(Math.max(s1 * s1 - s0 * (s2 - 1), 0))) / s0;
      }
      if (value >= u[n]) continue;
      u[n] = value;
      let du = 0;
      let dv = 0;
      for (let p = 0; p < used; p++) {
        const k = order[p];
        if (value > low[k]) {
          const pull = gain[k] * (value - low[k]) * side[k];
          du += pull * offsets[6 * n + 2 * k + 1];
          dv += pull * offsets[6 * n + 2 * k];
        }
      }
      flow[2 * n] = du;
      flow[2 * n + 1] = dv;
      parent[n] = node;
      if (state[n] === 0) {
        state[n] = 1;
        heap[size] = n;
        rise(size++);
      } else {
        rise(where[n]);
      }
    }
  }
  return { u, flow, parent };
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
export function walk(
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
