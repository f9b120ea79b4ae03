/** Lines that are laid without a search: straight, along a great circle, and straight on the stretched map. Mirrors latent_widget/geodesics/lines.py. */

import { moveOntoPage, type Mesh } from "../field/mesh";
import { createFinder, type Finder } from "../field/point_location";
import type { Around, Extent, Point } from "../types";
import { measureCandidate } from "./energy";
import { interpolateLine, STRAIGHT_NODES, type Path } from "./geodesic";
import { toCells, toPlane, type EikonalProblem } from "./problem";

/** A part of the extent's width by which a line may miss the map by round-off. */
const OFF_MAP = 1e-6;

/** A stretched map and the way back from it. */
export interface StretchedMap {
  mesh: Mesh;
  back: Finder;
}

export function invertMap(mesh: Mesh): StretchedMap {
  return { mesh, back: createFinder(mesh) };
}

/**
 * Spherical linear interpolation of the latents of two plane points, brought back to the plane; or why there is none.
 *
 * A latent is foot + p + h n with p in the plane and n across it: the products of latents are those of p by `gram`, plus h².
 */
export function slerp({ foot, gram, height }: Around, extent: Extent, a: Point, b: Point): Float64Array | string {
  const [e, f, g] = gram;
  const norm = (x: number, y: number, h: number): number => Math.sqrt(e * x * x + 2 * f * x * y + g * y * y + h * h);
  const [px, py, qx, qy] = [a[0] - foot[0], a[1] - foot[1], b[0] - foot[0], b[1] - foot[1]];
  const [p, q] = [norm(px, py, height), norm(qx, qy, height)];
  let angle = 0;
  if (Math.min(p, q) > 0) {
    const gap = norm(px / p - qx / q, py / p - qy / q, height / p - height / q);
    const span = norm(px / p + qx / q, py / p + qy / q, height / p + height / q);
    angle = 2 * Math.atan2(gap, span);
  }
  if (angle > Math.PI - 1e-6) return "no one great circle joins opposite directions from the latent origin";
  const points = new Float64Array(2 * STRAIGHT_NODES);
  for (let k = 0; k < STRAIGHT_NODES; k++) {
    const t = k / (STRAIGHT_NODES - 1);
    const from = angle < 1e-9 ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
    const to = angle < 1e-9 ? t : Math.sin(t * angle) / Math.sin(angle);
    points[2 * k] = foot[0] + from * px + to * qx;
    points[2 * k + 1] = foot[1] + from * py + to * qy;
  }
  putEnds(points, a, b);
  const [x0, x1, y0, y1] = extent;
  for (let k = 0; k < points.length; k += 2) {
    const [x, y] = [points[k], points[k + 1]];
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) return "leaves the map, beyond which the measure is not known";
  }
  return points;
}

/**
 * The straight line between the images of two plane points on the stretched map, brought back by the map's inverse; or why there
 * is none.
 */
export function stretched({ mesh, back }: StretchedMap, a: Point, b: Point): Float64Array | string {
  const [px, py, qx, qy] = moveOntoPage(mesh, [...a, ...b]);
  const page = new Float64Array(2 * STRAIGHT_NODES);
  const points = new Float64Array(2 * STRAIGHT_NODES);
  for (let k = 0; k < STRAIGHT_NODES; k++) {
    const t = k / (STRAIGHT_NODES - 1);
    page.set([px + t * (qx - px), py + t * (qy - py)], 2 * k);
    points.set(back(page[2 * k], page[2 * k + 1]), 2 * k);
  }
  // a place off the map is brought back to its outline, and comes out elsewhere
  const [x0, x1] = mesh.extent;
  const again = moveOntoPage(mesh, points);
  if (again.some((value, k) => Math.abs(value - page[k]) > OFF_MAP * (x1 - x0))) return "leaves the stretched map, whose outline is not convex";
  return putEnds(points, a, b);
}

function putEnds(points: Float64Array, a: Point, b: Point): Float64Array {
  points.set(a, 0);
  points.set(b, points.length - 2);
  return points;
}

/** The straight line between two points of the plane, with its measured length. */
export function straight(problem: EikonalProblem, a: Point, b: Point, nodes: number = STRAIGHT_NODES): Path {
  const { points, length } = measureCandidate(problem.spline, interpolateLine(toCells(problem, [...a, ...b]), nodes));
  return { points: toPlane(problem, points), length, straightLength: length, converged: true };
}

/** A line through plane points, with its measured length and that of the straight line between its ends. */
export function measureLine(problem: EikonalProblem, points: Float64Array, straightLength: number): Path {
  const { length } = measureCandidate(problem.spline, toCells(problem, points));
  return { points, length, straightLength, converged: true };
}
