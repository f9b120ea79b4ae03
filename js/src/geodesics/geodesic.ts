/**
 * Shortest paths that follow the pointer: march once from the end that rests, then trace to wherever the other one is.
 *
 * Public points are plane coordinates (x, y); inside, everything is in index coordinates (see spline.ts).
 */

import constants from "../../../latent_widget/geodesics/constants.json";
import { complete, trace } from "./backtracing";
import { measure, measureCandidate, relax, resample, type Candidate } from "./energy";
import { march, type Marched } from "./fast_marching";
import { toCells, toIndex, toPlane, type EikonalProblem, type MarchLattice } from "./problem";
import { segmentLength, tensor } from "./spline";
import type { Steps } from "./steps";

/** A path from start to end: points x0, y0, x1, y1, …; lengths as the field measures them. */
export interface Path {
  points: Float64Array;
  length: number;
  straightLength: number;
  converged: boolean;
}

/** Distances from a source, to trace from while the other end moves. */
export interface March {
  source: [number, number];
  found: Marched;
}

/** A point of the plane. */
export type At = readonly [number, number];

/** How paths are relaxed: to how many nodes, and with at most how many Newton steps on each level. */
export interface Effort {
  nodes?: number | undefined;
  rounds?: number | undefined;
}

/** A path has converged where one more Newton step promises to lower its energy by less than this fraction. */
const CONVERGED = constants.converged;
/** Points of the lines that are not relaxed. */
export const STRAIGHT_NODES = constants.straight_nodes;

/** Distances from a source to everywhere, for any number of targets. */
export function* marchFrom(problem: EikonalProblem, lattice: MarchLattice, source: At): Steps<March> {
  const { field, spline, height, width } = problem;
  const from = toCells(problem, source);
  const at = toIndex(field.extent, height, width, source);
  const rx = field.shape[1] / width;
  const ry = field.shape[0] / height;
  const metric = new Float64Array(3);
  tensor(spline, from[0], from[1], metric);
  const found = yield* march(lattice.stencils, {
    at: [at[0], at[1]],
    metric: [metric[0] * rx * rx, metric[1] * rx * ry, metric[2] * ry * ry],
    lengthTo: (i, j) => segmentLength(spline, from[0], from[1], (j + 0.5) * rx - 0.5, (i + 0.5) * ry - 0.5),
  });
  complete(found, lattice.metric, height, width);
  return { source: [source[0], source[1]], found };
}

/**
 * The shortest path from the source of a march to a target, never longer than the straight line.
 *
 * Newton's method starts from the way back through the march, or from the straight line where that is shorter, and from
 * the other one where it does not converge; the shortest of all wins. With few `rounds` it stops early, for a frame's sake.
 */
export function findPath(problem: EikonalProblem, from: March, target: At, effort: Effort = {}): Path {
  const ends = endsToIndex(problem, from.source, target);
  if (coincide(ends)) return pathOfNoLength(problem, ends);
  const { spline } = problem;
  const { nodes } = effort;
  const line = measureCandidate(spline, interpolateLine(ends, nodes ?? STRAIGHT_NODES));
  const way = traceFrom(problem, from, target);
  way.set(ends.subarray(2), way.length - 2);
  const traced = measureCandidate(spline, nodes ? resample(way, measure(spline, way), nodes) : way);
  return choosePath(problem, ends, relaxBoth(problem, line, traced, effort), line.length);
}

/** A path that was known between other ends or over another field, bent to these; what can be had before a march is ready. */
export function bend(problem: EikonalProblem, known: Float64Array | null, start: At, end: At, rounds: number): Path {
  const ends = endsToIndex(problem, start, end);
  if (coincide(ends)) return pathOfNoLength(problem, ends);
  const { spline } = problem;
  const line = measureCandidate(spline, interpolateLine(ends, STRAIGHT_NODES));
  const guess = known ? toCells(problem, known) : line.points.slice();
  const last = guess.length - 2;
  const off = [ends[0] - guess[0], ends[1] - guess[1], ends[2] - guess[last], ends[3] - guess[last + 1]];
  for (let k = 0; k <= last; k += 2) {
    const t = k / last;
    guess[k] = Math.min(Math.max(guess[k] + (1 - t) * off[0] + t * off[2], -0.5), spline.width - 0.5);
    guess[k + 1] = Math.min(Math.max(guess[k + 1] + (1 - t) * off[1] + t * off[3], -0.5), spline.height - 0.5);
  }
  return choosePath(problem, ends, relaxBoth(problem, line, measureCandidate(spline, guess), { rounds }), line.length);
}

/** The way from the source of a march to a target, in index coordinates of the field. */
export function traceFrom(problem: EikonalProblem, { source, found }: March, target: At): Float64Array {
  const { field, height, width } = problem;
  const ends = toIndex(field.extent, height, width, [...source, ...target]);
  const back = trace({ height, width }, found, [ends[0], ends[1]], [ends[2], ends[3]]);
  const way = new Float64Array(back.length);
  for (let k = 0; k < back.length; k += 2) {
    way[k] = ((back[back.length - 2 - k] + 0.5) * field.shape[1]) / width - 0.5;
    way[k + 1] = ((back[back.length - 1 - k] + 0.5) * field.shape[0]) / height - 0.5;
  }
  way.set(toCells(problem, source));
  return way;
}

export function endsToIndex(problem: EikonalProblem, a: At, b: At): Float64Array {
  return toCells(problem, [...a, ...b]);
}

export function coincide(ends: Float64Array): boolean {
  return ends[0] === ends[2] && ends[1] === ends[3];
}

/** The path between two ends that are one. */
export function pathOfNoLength(problem: EikonalProblem, ends: Float64Array): Path {
  return { points: toPlane(problem, ends), length: 0, straightLength: 0, converged: true };
}

/** Relaxes the shorter of two guesses, and the other one too where that does not converge; the guesses follow. */
export function relaxBoth({ spline }: EikonalProblem, line: Candidate, traced: Candidate, effort: Effort): Candidate[] {
  const { nodes, rounds } = effort;
  const found: Candidate[] = [];
  for (const guess of traced.length <= line.length ? [traced, line] : [line, traced]) {
    found.push(relax(spline, guess, nodes, rounds));
    if (found[found.length - 1].promised < CONVERGED || rounds !== undefined) break;
  }
  return [...found, traced, line];
}

/** The shortest of the candidates as a path between exact ends. */
export function choosePath(problem: EikonalProblem, ends: Float64Array, found: Candidate[], straightLength: number): Path {
  const best = found.reduce((a, b) => (b.length < a.length ? b : a));
  const points = toPlane(problem, best.points);
  const exact = toPlane(problem, ends);
  points.set(exact.subarray(0, 2));
  points.set(exact.subarray(2), points.length - 2);
  const converged = found.some((c) => c.promised < CONVERGED && c.length <= best.length * (1 + 1e-4));
  return { points, length: best.length, straightLength, converged };
}

/** So many points evenly on the straight line between two ends. */
export function interpolateLine(ends: Float64Array, nodes: number): Float64Array {
  const out = new Float64Array(2 * nodes);
  for (let k = 0; k < nodes; k++) {
    const t = k / (nodes - 1);
    out[2 * k] = ends[0] + t * (ends[2] - ends[0]);
    out[2 * k + 1] = ends[1] + t * (ends[3] - ends[1]);
  }
  return out;
}
