/**
 * Candidates for the shortest path: marches from both ends see every way around an obstacle, where one march sees only the best.
 *
 * Their sum is the length of the shortest path through each node, and has a local minimum across each way. Mirrors
 * latent_widget/geodesics/kernels/candidates.py and solver/candidates.py.
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import { measureCandidate, relax, type Candidate } from "./energy";
import type { Marched } from "./fast_marching";
import {
  choosePath,
  coincide,
  endsToIndex,
  interpolateLine,
  marchFrom,
  pathOfNoLength,
  relaxBoth,
  STRAIGHT_NODES,
  traceFrom,
  type At,
  type March,
  type Path,
} from "./geodesic";
import type { EikonalProblem, MarchLattice } from "./problem";
import type { Steps } from "./steps";

/** Ways that the marches find longer than the best by less than this, their own error, are relaxed too. */
const DOUBT = constants.doubt;
/** So many ways between two points are followed at most. */
const MOST = constants.most_candidates;
/** A pass is the lowest of so many nodes around it. */
const WINDOW = constants.pass_window;

/** What is known of two ends: the marches from both, and the shortest path between them. */
export interface Refined {
  there: March;
  back: March;
  path: Path;
}

/** Marches from both ends where they are not `known`, and takes the shortest of all the candidates that they show. */
export function* refine(
  problem: EikonalProblem,
  lattice: MarchLattice,
  ends: { start: At; end: At },
  known: March[] = [],
): Steps<Refined> {
  const from = (source: At) => known.find((march) => march.source[0] === source[0] && march.source[1] === source[1]);
  const there = from(ends.start) ?? (yield* marchFrom(problem, lattice, ends.start));
  const back = from(ends.end) ?? (yield* marchFrom(problem, lattice, ends.end));
  yield;
  const places = endsToIndex(problem, ends.start, ends.end);
  if (coincide(places)) return { there, back, path: pathOfNoLength(problem, places) };
  const { spline } = problem;
  const line = measureCandidate(spline, interpolateLine(places, STRAIGHT_NODES));
  const ways = candidates(problem, there, back, places).map((way) => measureCandidate(spline, way));
  yield;
  const found: Candidate[] = relaxBoth(problem, line, ways[0], {});
  for (const way of ways.slice(1)) {
    yield;
    found.push(relax(spline, way));
  }
  return { there, back, path: choosePath(problem, places, found, line.length) };
}

/** The way to the end of the march from the start, and other ways through minima of the sum of both marches. */
function candidates(problem: EikonalProblem, there: March, back: March, ends: Float64Array): Float64Array[] {
  const { field, height, width } = problem;
  const [x0, x1, y0, y1] = field.extent;
  const ways = [putEnd(traceFrom(problem, there, back.source), ends)];
  const scale: [number, number] = [field.shape[1] / width, field.shape[0] / height];
  for (const node of findPasses(there.found, back.found, height, width)) {
    const [i, j] = [Math.floor(node / width), node % width];
    const [u, v] = [(j + 0.5) * scale[0] - 0.5, (i + 0.5) * scale[1] - 0.5];
    if (ways.length === MOST || ways.some((way) => near(way, u, v, scale))) continue;
    const middle: At = [x0 + ((j + 0.5) * (x1 - x0)) / width, y0 + ((i + 0.5) * (y1 - y0)) / height];
    ways.push(putEnd(join(traceFrom(problem, there, middle), traceFrom(problem, back, middle)), ends));
  }
  return ways;
}

/** One way there and another one, which ends at the same point, back from it. */
function join(first: Float64Array, second: Float64Array): Float64Array {
  const way = new Float64Array(first.length + second.length - 2);
  way.set(first);
  for (let k = 0; k < second.length - 2; k += 2) way.set(second.subarray(second.length - 4 - k, second.length - 2 - k), first.length + k);
  return way;
}

function putEnd(way: Float64Array, ends: Float64Array): Float64Array {
  way.set(ends.subarray(2), way.length - 2);
  return way;
}

/** Whether a way comes within one node of the march. */
function near(way: Float64Array, u: number, v: number, [wide, high]: [number, number]): boolean {
  for (let k = 0; k < way.length; k += 2) {
    if (Math.max(Math.abs(way[k] - u) / wide, Math.abs(way[k + 1] - v) / high) <= 1) return true;
  }
  return false;
}

/** Nodes where the sum of both marches is least across the way, at some parts along it; the best first. */
export function findPasses(there: Marched, back: Marched, height: number, width: number): number[] {
  const count = height * width;
  const total = new Float64Array(count);
  const part = new Int8Array(count);
  let least = Infinity;
  for (let n = 0; n < count; n++) {
    total[n] = there.u[n] + back.u[n];
    if (total[n] === Infinity) continue;
    least = Math.min(least, total[n]);
    part[n] = total[n] > 0 ? Math.trunc((constants.shares * there.u[n]) / total[n]) : 0;
  }
  const on = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    if (!(total[n] <= (1 + DOUBT) * least)) continue;
    const right = n % width < width - 1 && part[n + 1] !== part[n];
    const up = n + width < count && part[n + width] !== part[n];
    if (right || up) on[n] = 1;
  }
  const found: number[] = [];
  for (let n = 0; n < count; n++) if (on[n] && lowest(n)) found.push(n);
  return found.sort((a, b) => total[a] - total[b]);

  function lowest(n: number): boolean {
    const [i, j] = [Math.floor(n / width), n % width];
    for (let r = Math.max(i - WINDOW, 0); r <= Math.min(i + WINDOW, height - 1); r++) {
      for (let s = Math.max(j - WINDOW, 0); s <= Math.min(j + WINDOW, width - 1); s++) {
        const m = r * width + s;
        if (on[m] && (total[m] < total[n] || (total[m] === total[n] && m < n))) return false;
      }
    }
    return true;
  }
}
