/**
 * The geodesic between the two handles, as it follows the pointer: traced back through a march that is kept while one
 * end moves, and improved by a few steps of Newton's method. Once both ends rest, background.ts refines it.
 */

import type { End, Point } from "../types";
import { createRefiner } from "./background";
import { bend, findPath, type Path } from "./geodesic";
import { straight } from "./lines";
import type { EikonalProblem } from "./problem";

/** Steps of Newton's method in a frame: enough for a path that the eye cannot tell from the refined one. */
const ROUNDS = 6;

export interface LiveGeodesic {
  /**
   * The geodesic as it can be told at once; `resting` is the end that does not move, null where none does. Then the path
   * is refined in the background too, and `final` says whether this is it.
   */
  find(problem: EikonalProblem, start: Point, end: Point, resting: End | null): { path: Path; final: boolean };
  close(): void;
}

/** Calls `arrived` when a path has been refined. */
export function createLiveGeodesic(arrived: () => void): LiveGeodesic {
  const refiner = createRefiner(arrived);
  let last: Float64Array | null = null;

  function findAtOnce(problem: EikonalProblem, start: Point, end: Point, resting: End | null): Path {
    const there = resting !== "end" ? refiner.march(problem, start) : null;
    if (there) return findPath(problem, there, end, { rounds: ROUNDS });
    const back = resting !== "start" ? refiner.march(problem, end) : null;
    if (back) return reverse(findPath(problem, back, start, { rounds: ROUNDS }));
    return bend(problem, last, start, end, ROUNDS);
  }

  return {
    find(problem, start, end, resting) {
      if (start[0] === end[0] && start[1] === end[1]) return { path: straight(problem, start, end), final: true };
      const wanted = { problem, start, end };
      const refined = refiner.refined(wanted);
      if (!refined && resting === null) refiner.refine(wanted);
      const path = refined?.path ?? findAtOnce(problem, start, end, resting);
      last = path.points;
      return { path, final: refined !== null };
    },
    close: () => refiner.close(),
  };
}

function reverse(path: Path): Path {
  const points = new Float64Array(path.points.length);
  for (let k = 0, n = points.length; k < n; k += 2) {
    points[k] = path.points[n - 2 - k];
    points[k + 1] = path.points[n - 1 - k];
  }
  return { ...path, points };
}
