/**
 * Shortest paths that follow the pointer: march once from the end that rests, then trace to wherever the other one is.
 *
 * Public points are plane coordinates (x, y); inside, everything is in index coordinates (see spline.ts).
 */

import type { MetricField } from "../types";
import { resample, shorten } from "./energy";
import { complete, finish, march, stencils, trace, type Marched, type Stencils, type Steps } from "./fast_marching";
import { measure, segmentLength, spline, tensor, type Spline } from "./spline";

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

/** Cells along the longer side of the lattice that is marched. */
const MARCHED = 128;
/** Newton stops where the next step promises to lower the energy by less than this fraction. */
const TOLERANCE = 1e-11;
/** A path has converged where one more step promises less than this. */
const CONVERGED = 1e-8;
export const STRAIGHT_NODES = 129;

/** A field made ready: its spline, and, for marches, the stencils of the lattice that is marched. */
export interface EikonalProblem {
  spline: Spline;
  height: number;
  width: number;
  marched: { metric: Float64Array; stencils: Stencils } | null;
}

const prepared = new WeakMap<MetricField, EikonalProblem>();

export function prepare(field: MetricField): EikonalProblem {
  const known = prepared.get(field);
  if (known) return known;
  const [height, width] = field.shape;
  if (field.metric.length !== 3 * height * width) {
    throw new RangeError(`metric holds ${field.metric.length} numbers, a ${height} x ${width} field needs ${3 * height * width}`);
  }
  const scale = MARCHED / Math.max(height, width);
  const h = Math.max(Math.round(height * scale), 2);
  const w = Math.max(Math.round(width * scale), 2);
  const made = { spline: spline(field), height: h, width: w, marched: null };
  prepared.set(field, made);
  return made;
}

function* prepareMarch(field: MetricField): Steps<NonNullable<EikonalProblem["marched"]>> {
  const ground = prepare(field);
  if (ground.marched) return ground.marched;
  yield;
  const { height: h, width: w } = ground;
  const metric = Math.max(...field.shape) > MARCHED ? average(field, h, w) : interpolate(ground.spline, h, w);
  return (ground.marched = { metric, stencils: yield* stencils(metric, h, w) });
}

/** Tensors of a coarser lattice over the same extent, in its index coordinates: means over the cells' areas. */
function average(field: MetricField, h: number, w: number): Float64Array {
  const [height, width] = field.shape;
  const [x0, x1, y0, y1] = field.extent;
  const unit = [((x1 - x0) / w) ** 2, ((x1 - x0) * (y1 - y0)) / (w * h), ((y1 - y0) / h) ** 2];
  const rows = overlaps(height, h);
  const columns = overlaps(width, w);
  const out = new Float64Array(3 * h * w);
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      for (const [r, weightY] of rows[i]) {
        for (const [s, weightX] of columns[j]) {
          for (let c = 0; c < 3; c++) {
            out[3 * (i * w + j) + c] += unit[c] * weightY * weightX * field.metric[3 * (r * width + s) + c];
          }
        }
      }
    }
  }
  return out;
}

/** For every one of `blocks` equal parts of a row of cells: which cells lie under it, with what share. */
function overlaps(cells: number, blocks: number): [number, number][][] {
  const size = cells / blocks;
  return Array.from({ length: blocks }, (_, block) => {
    const low = block * size;
    const high = low + size;
    const shares: [number, number][] = [];
    for (let cell = Math.floor(low); cell < Math.min(Math.ceil(high), cells); cell++) {
      const share = (Math.min(high, cell + 1) - Math.max(low, cell)) / size;
      if (share > 1e-12) shares.push([cell, share]);
    }
    return shares;
  });
}

/** Tensors of a finer lattice over the same extent, in its index coordinates: values of the spline. */
function interpolate(s: Spline, h: number, w: number): Float64Array {
  const out = new Float64Array(3 * h * w);
  const here = new Float64Array(3);
  const rx = s.width / w;
  const ry = s.height / h;
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      tensor(s, (j + 0.5) * rx - 0.5, (i + 0.5) * ry - 0.5, here);
      out.set([here[0] * rx * rx, here[1] * rx * ry, here[2] * ry * ry], 3 * (i * w + j));
    }
  }
  return out;
}

/** Plane points to index coordinates of a lattice over the extent; points outside go to the nearest edge. */
export function toIndex(extent: MetricField["extent"], h: number, w: number, points: ArrayLike<number>): Float64Array {
  const [x0, x1, y0, y1] = extent;
  const out = new Float64Array(points.length);
  for (let k = 0; k < points.length; k += 2) {
    out[k] = Math.min(Math.max(((points[k] - x0) / (x1 - x0)) * w, 0), w) - 0.5;
    out[k + 1] = Math.min(Math.max(((points[k + 1] - y0) / (y1 - y0)) * h, 0), h) - 0.5;
  }
  return out;
}

function toPlane(extent: MetricField["extent"], h: number, w: number, points: Float64Array): Float64Array {
  const [x0, x1, y0, y1] = extent;
  const out = new Float64Array(points.length);
  for (let k = 0; k < points.length; k += 2) {
    out[k] = x0 + ((points[k] + 0.5) * (x1 - x0)) / w;
    out[k + 1] = y0 + ((points[k + 1] + 0.5) * (y1 - y0)) / h;
  }
  return out;
}

/** Distances from a source to everywhere. Reusable for any number of targets, as long as the field stays. */
export function marchFrom(field: MetricField, source: readonly [number, number]): March {
  return finish(marchInSteps(field, source));
}

/** The same in steps, between which a frame may be drawn. */
export function* marchInSteps(field: MetricField, source: readonly [number, number]): Steps<March> {
  const { metric: coarse, stencils: around } = yield* prepareMarch(field);
  const { spline: s, height: h, width: w } = prepare(field);
  const [height, width] = field.shape;
  const from = toIndex(field.extent, height, width, source);
  const start = toIndex(field.extent, h, w, source);
  const rx = width / w;
  const ry = height / h;
  const metric = new Float64Array(3);
  tensor(s, from[0], from[1], metric);
  const found = yield* march(
    around,
    [start[0], start[1]],
    (i, j) => segmentLength(s, from[0], from[1], (j + 0.5) * rx - 0.5, (i + 0.5) * ry - 0.5),
    [metric[0] * rx * rx, metric[1] * rx * ry, metric[2] * ry * ry],
  );
  complete(found, coarse, h, w);
  return { source: [source[0], source[1]], found };
}

export interface Candidate {
  points: Float64Array;
  along: Float64Array;
  length: number;
  promised: number;
}

export function measureCandidate(s: Spline, points: Float64Array, promised = Infinity): Candidate {
  const along = measure(s, points);
  return { points, along, length: along[along.length - 1], promised };
}

/** Length of a polyline in cells (maximum norm): in all, and of its longest step. */
function reach(points: Float64Array): [number, number] {
  let total = 0;
  let longest = 0;
  for (let k = 2; k < points.length; k += 2) {
    const step = Math.max(Math.abs(points[k] - points[k - 2]), Math.abs(points[k + 1] - points[k - 1]));
    total += step;
    longest = Math.max(longest, step);
  }
  return [total, longest];
}

/** The geodesic near a guess; `rounds` steps of Newton at most on each level. */
export function relax(s: Spline, guess: Candidate, nodes?: number, rounds = 60): Candidate {
  let count = nodes ?? Math.floor(Math.min(Math.max(reach(guess.points)[0], 96), 512)) + 1;
  let best = guess;
  // fewer nodes first: they find in a few cheap steps how long the path runs along a wall of the extent
  for (const fewer of [Math.floor(count / 9), Math.floor(count / 3)]) {
    if (fewer < 20) continue;
    const coarse = measureCandidate(s, shorten(s, resample(best.points, best.along, fewer), rounds, 1e-6).points);
    // on a rough field they may step over what they do not see
    if (coarse.length <= best.length) best = coarse;
  }
  for (;;) {
    const { points, promised } = shorten(s, resample(best.points, best.along, count), rounds, TOLERANCE);
    best = measureCandidate(s, points, promised);
    // nodes are even by the measure: where it is small they may lie too far apart to see the cells between them
    const longest = reach(points)[1];
    if (rounds < 60) return best;
    if (nodes !== undefined || count > 512 || longest < 3) return best;
    count = Math.min(Math.floor((count * longest) / 1.5), 1024) + 1;
  }
}

/**
 * The shortest path from the source of a march to a target, never longer than the straight line.
 *
 * Newton's method starts from the way back through the march, or from the straight line where that is shorter, and from
 * the other one where it does not converge; the shortest of all wins. With few `rounds` it stops early, for a frame's sake.
 */
export function findPath(
  field: MetricField,
  from: March,
  target: readonly [number, number],
  options: { nodes?: number; rounds?: number } = {},
): Path {
  const ends = endsToIndex(field, from.source, target);
  if (ends[0] === ends[2] && ends[1] === ends[3]) return pathOfNoLength(field, ends);
  const s = prepare(field).spline;
  const { nodes } = options;
  const line = measureCandidate(s, interpolateLine(ends, nodes ?? STRAIGHT_NODES));
  const way = traceFrom(field, from, target);
  way.set(ends.subarray(2), way.length - 2);
  const walked = measureCandidate(s, nodes ? resample(way, measure(s, way), nodes) : way);
  return choosePath(field, ends, relaxBoth(s, line, walked, options), line.length);
}

/** A path that was known between other ends or over another field, bent to these; what can be had before a march is ready. */
export function bend(
  field: MetricField,
  known: Float64Array | null,
  start: readonly [number, number],
  end: readonly [number, number],
  rounds: number,
): Path {
  const ends = endsToIndex(field, start, end);
  if (ends[0] === ends[2] && ends[1] === ends[3]) return pathOfNoLength(field, ends);
  const s = prepare(field).spline;
  const line = measureCandidate(s, interpolateLine(ends, STRAIGHT_NODES));
  const [height, width] = field.shape;
  const guess = known ? toIndex(field.extent, height, width, known) : line.points.slice();
  const last = guess.length - 2;
  const off = [ends[0] - guess[0], ends[1] - guess[1], ends[2] - guess[last], ends[3] - guess[last + 1]];
  for (let k = 0; k <= last; k += 2) {
    const t = k / last;
    guess[k] = Math.min(Math.max(guess[k] + (1 - t) * off[0] + t * off[2], -0.5), width - 0.5);
    guess[k + 1] = Math.min(Math.max(guess[k + 1] + (1 - t) * off[1] + t * off[3], -0.5), height - 0.5);
  }
  return choosePath(field, ends, relaxBoth(s, line, measureCandidate(s, guess), { rounds }), line.length);
}

/** The way from the source of a march to a target, in index coordinates. */
export function traceFrom(field: MetricField, from: March, target: readonly [number, number]): Float64Array {
  const { height: h, width: w } = prepare(field);
  const [height, width] = field.shape;
  const coarse = toIndex(field.extent, h, w, [...from.source, ...target]);
  const back = trace({ height: h, width: w }, from.found, [coarse[0], coarse[1]], [coarse[2], coarse[3]]);
  const way = new Float64Array(back.length);
  for (let k = 0; k < back.length; k += 2) {
    way[k] = ((back[back.length - 2 - k] + 0.5) * width) / w - 0.5;
    way[k + 1] = ((back[back.length - 1 - k] + 0.5) * height) / h - 0.5;
  }
  way.set(toIndex(field.extent, height, width, from.source));
  return way;
}

export function endsToIndex(field: MetricField, a: readonly [number, number], b: readonly [number, number]): Float64Array {
  return toIndex(field.extent, ...field.shape, [...a, ...b]);
}

/** The path of somebody who stays. */
export function pathOfNoLength(field: MetricField, ends: Float64Array): Path {
  return { points: toPlane(field.extent, ...field.shape, ends), length: 0, straightLength: 0, converged: true };
}

export function relaxBoth(
  s: Spline,
  line: Candidate,
  walked: Candidate,
  { nodes, rounds }: { nodes?: number; rounds?: number },
): Candidate[] {
  const found: Candidate[] = [];
  for (const guess of walked.length <= line.length ? [walked, line] : [line, walked]) {
    found.push(relax(s, guess, nodes, rounds));
    if (found[found.length - 1].promised < CONVERGED || rounds !== undefined) break;
  }
  return [...found, walked, line];
}

/** The shortest of the candidates as a path between exact ends. */
export function choosePath(field: MetricField, ends: Float64Array, found: Candidate[], straightLength: number): Path {
  const best = found.reduce((a, b) => (b.length < a.length ? b : a));
  const points = toPlane(field.extent, ...field.shape, best.points);
  const exact = toPlane(field.extent, ...field.shape, ends);
  points.set(exact.subarray(0, 2));
  points.set(exact.subarray(2), points.length - 2);
  const converged = found.some((c) => c.promised < CONVERGED && c.length <= best.length * (1 + 1e-4));
  return { points, length: best.length, straightLength, converged };
}

export function interpolateLine(ends: Float64Array, nodes: number): Float64Array {
  const out = new Float64Array(2 * nodes);
  for (let k = 0; k < nodes; k++) {
    const t = k / (nodes - 1);
    out[2 * k] = ends[0] + t * (ends[2] - ends[0]);
    out[2 * k + 1] = ends[1] + t * (ends[3] - ends[1]);
  }
  return out;
}

/** The straight line between two points of the plane, with its measured length. */
export function straight(
  field: MetricField,
  a: [number, number],
  b: [number, number],
  nodes: number = STRAIGHT_NODES,
): Path {
  const [height, width] = field.shape;
  const line = measureCandidate(prepare(field).spline, interpolateLine(toIndex(field.extent, height, width, [...a, ...b]), nodes));
  const points = toPlane(field.extent, height, width, line.points);
  return { points, length: line.length, straightLength: line.length, converged: true };
}

/** A line through plane points, with its measured length and that of the straight line between its ends. */
export function measureLine(field: MetricField, points: Float64Array, straightLength: number): Path {
  const [height, width] = field.shape;
  const { length } = measureCandidate(prepare(field).spline, toIndex(field.extent, height, width, points));
  return { points, length, straightLength, converged: true };
}

/** `n` points of a polyline, evenly spaced by the numbers of its nodes. */
export function sampleByNode(points: Float64Array, n: number): Float64Array {
  return resample(points, Float64Array.from({ length: points.length / 2 }, (_, k) => k), n);
}

/** `n` points of a polyline, evenly spaced by distance in the plane. */
export function sampleByDistance(points: Float64Array, n: number): Float64Array {
  const along = new Float64Array(points.length / 2);
  for (let k = 1; k < along.length; k++) {
    along[k] = along[k - 1] + Math.hypot(points[2 * k] - points[2 * k - 2], points[2 * k + 1] - points[2 * k - 1]);
  }
  return resample(points, along, n);
}

/** `n` points of a polyline, evenly spaced by the length that the field measures. */
export function sampleByLength(field: MetricField, points: Float64Array, n: number): Float64Array {
  const [height, width] = field.shape;
  return resample(points, measure(prepare(field).spline, toIndex(field.extent, height, width, points)), n);
}
