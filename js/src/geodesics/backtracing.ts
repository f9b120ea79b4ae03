/**
 * What follows a march: values for the nodes it left out, and the way back to its source by descent along the flow.
 *
 * Points are in indices of the lattice that was marched. Mirrors latent_widget/geodesics/kernels/backtracing.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import type { Marched } from "./fast_marching";

/** A walk that comes no nearer for more than so many steps stands still. */
const STALLED = constants.stalled;
/** Flows around a point that cancel to less than this part of their size point nowhere. */
const FAINT = constants.faint;

type At = readonly [number, number];

/** Gives nodes that a fully anisotropic stencil left out (in corners) a value over their eight neighbours. */
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

/** The size of a lattice. */
interface Lattice {
  height: number;
  width: number;
}

/** Goes from a target down the flow to the source; where the descent stalls it goes on over the parents of the nodes. */
export function trace({ height, width }: Lattice, found: Marched, source: At, target: At): Float64Array {
  const path: number[] = [target[0], target[1]];
  const mean = new Float64Array(4);
  let [x, y] = target;
  let lowest = Infinity;
  let stalled = 0;
  const arrived = (): boolean => Math.max(Math.abs(x - source[0]), Math.abs(y - source[1])) <= 1;
  for (let step = 0; step < 8 * (height + width) && !arrived(); step++) {
    meanFlow({ height, width }, found, x, y, mean);
    const [du, dv, total] = mean;
    const norm = Math.sqrt(du * du + dv * dv);
    if (total < 0.5 || norm < FAINT * total) break;
    const here = mean[3] / total;
    stalled = here < lowest ? 0 : stalled + 1;
    lowest = Math.min(lowest, here);
    if (stalled > STALLED) break;
    x = Math.min(Math.max(x + (0.5 * du) / norm, -0.5), width - 0.5);
    y = Math.min(Math.max(y + (0.5 * dv) / norm, -0.5), height - 0.5);
    path.push(x, y);
  }
  if (!arrived()) {
    for (let node = lowestAround({ height, width }, found, x, y); node >= 0; node = found.parent[node]) {
      path.push(node % width, Math.floor(node / width));
    }
  }
  path.push(source[0], source[1]);
  return Float64Array.from(path);
}

/** Bilinear mean of the flow's directions around a point: du, dv, the weight of the nodes that have one, and u times that, into `out`. */
function meanFlow({ height, width }: Lattice, { u, flow }: Marched, x: number, y: number, out: Float64Array): void {
  const j = Math.min(Math.max(Math.floor(x), 0), Math.max(width - 2, 0));
  const i = Math.min(Math.max(Math.floor(y), 0), Math.max(height - 2, 0));
  const p = Math.min(Math.max(x - j, 0), 1);
  const q = Math.min(Math.max(y - i, 0), 1);
  out.fill(0);
  for (let r = 0; r < 2; r++) {
    for (let s = 0; s < 2; s++) {
      if (i + r >= height || j + s >= width) continue;
      const n = (i + r) * width + j + s;
      const norm = Math.sqrt(flow[2 * n] * flow[2 * n] + flow[2 * n + 1] * flow[2 * n + 1]);
      if (u[n] === Infinity || norm === 0) continue;
      const weight = (r === 1 ? q : 1 - q) * (s === 1 ? p : 1 - p);
      out[0] += (weight * flow[2 * n]) / norm;
      out[1] += (weight * flow[2 * n + 1]) / norm;
      out[2] += weight;
      out[3] += weight * u[n];
    }
  }
}

/** The node nearest to the source among the four around a point; -1 where none was reached. */
function lowestAround({ height, width }: Lattice, { u }: Marched, x: number, y: number): number {
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
  return node;
}
