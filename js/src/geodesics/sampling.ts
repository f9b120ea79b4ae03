/** Points along a path, spaced evenly in one of three ways. */

import type { By } from "../model/path_kinds";
import { measure, resample } from "./energy";
import { toCells, type EikonalProblem } from "./problem";

/** `count` points of a polyline x0, y0, x1, y1, …, both ends included. */
export function samplePath(problem: EikonalProblem, by: By, points: Float64Array, count: number): Float64Array {
  if (by === "measure") return sampleByLength(problem, points, count);
  return by === "latent" ? sampleByDistance(points, count) : sampleByNode(points, count);
}

/** Evenly spaced by the length that the field measures. */
export function sampleByLength(problem: EikonalProblem, points: Float64Array, count: number): Float64Array {
  return resample(points, measure(problem.spline, toCells(problem, points)), count);
}

/** Evenly spaced by distance in the plane. */
export function sampleByDistance(points: Float64Array, count: number): Float64Array {
  const along = new Float64Array(points.length / 2);
  for (let k = 1; k < along.length; k++) {
    along[k] = along[k - 1] + Math.hypot(points[2 * k] - points[2 * k - 2], points[2 * k + 1] - points[2 * k - 1]);
  }
  return resample(points, along, count);
}

/** Evenly spaced by the numbers of the nodes. */
function sampleByNode(points: Float64Array, count: number): Float64Array {
  return resample(points, Float64Array.from({ length: points.length / 2 }, (_, k) => k), count);
}
