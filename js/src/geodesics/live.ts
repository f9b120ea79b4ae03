/** The geodesic between the handles: at once in the browser, from a march that is kept while one end moves, refined afterwards. */

import type { By } from "../model/path_kinds";
import type { End, MetricField, Point } from "../types";
import { createRefiner } from "./background";
import { bend, findPath, sampleByDistance, sampleByLength, sampleByNode, straight, type Path } from "./geodesic";

/** Steps of Newton's method in a frame: enough for a path that the eye cannot tell from the refined one. */
const ROUNDS = 6;

export interface LiveGeodesic {
  /**
   * The geodesic as it can be told at once; `resting` is the end that does not move, null where none does. Then the path
   * is refined in the background too, and `final` says whether this is it.
   */
  geodesic(field: MetricField, start: Point, end: Point, resting: End | null): { path: Path; final: boolean };
  close(): void;
}

/** Calls `arrived` when a path has been refined. */
export function createLiveGeodesic(arrived: () => void): LiveGeodesic {
  const refiner = createRefiner(arrived);
  let last: Float64Array | null = null;

  function atOnce(field: MetricField, start: Point, end: Point, resting: End | null): Path {
    const there = resting !== "end" ? refiner.march(field, start) : null;
    if (there) return findPath(field, there, end, { rounds: ROUNDS });
    const back = resting !== "start" ? refiner.march(field, end) : null;
    if (back) return reverse(findPath(field, back, start, { rounds: ROUNDS }));
    return bend(field, last, start, end, ROUNDS);
  }

  return {
    geodesic(field, start, end, resting) {
      if (start[0] === end[0] && start[1] === end[1]) return { path: straight(field, start, end), final: true };
      const refined = refiner.refined(field, start, end);
      if (!refined && resting === null) refiner.refine(field, start, end);
      const path = refined?.path ?? atOnce(field, start, end, resting);
      last = path.points;
      return { path, final: refined !== null };
    },
    close: () => refiner.close(),
  };
}

function reverse(path: Path): Path {
  const points = new Float64Array(path.points.length);
  for (let k = 0, n = points.length; k < n; k += 2) {
    points[k] = path.points[n - 2 - k]!;
    points[k + 1] = path.points[n - 1 - k]!;
  }
  return { ...path, points };
}

/** `count` points of a path, both ends included. */
export function samplePath(field: MetricField, by: By, path: Path, count: number): Float64Array {
  if (by === "measure") return sampleByLength(field, path.points, count);
  return by === "latent" ? sampleByDistance(path.points, count) : sampleByNode(path.points, count);
}
