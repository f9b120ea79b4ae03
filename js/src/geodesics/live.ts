/** The geodesic between the handles: at once in the browser, from a march that is kept while one end moves, settled afterwards. */

import type { By } from "../model/path_kinds";
import type { End, MetricField, Point } from "../types";
import { createSettler } from "./background";
import { bent, samplesAlong, samplesByLength, samplesByNode, straight, trace, type Path } from "./geodesic";

/** Steps of Newton's method in a frame: enough for a path that the eye cannot tell from the settled one. */
const ROUNDS = 6;

export interface Walker {
  /**
   * The geodesic as it can be told at once; `resting` is the end that does not move, null where none does. Then the path
   * is settled too, and `settled` says whether this is it.
   */
  geodesic(field: MetricField, start: Point, end: Point, resting: End | null): { path: Path; settled: boolean };
  close(): void;
}

/** Calls `arrived` when a path has been settled. */
export function walker(arrived: () => void): Walker {
  const settler = createSettler(arrived);
  let last: Float64Array | null = null;

  function atOnce(field: MetricField, start: Point, end: Point, resting: End | null): Path {
    const there = resting !== "end" ? settler.march(field, start) : null;
    if (there) return trace(field, there, end, { rounds: ROUNDS });
    const back = resting !== "start" ? settler.march(field, end) : null;
    if (back) return backwards(trace(field, back, start, { rounds: ROUNDS }));
    return bent(field, last, start, end, ROUNDS);
  }

  return {
    geodesic(field, start, end, resting) {
      if (start[0] === end[0] && start[1] === end[1]) return { path: straight(field, start, end), settled: true };
      const settled = settler.settled(field, start, end);
      if (!settled && resting === null) settler.settle(field, start, end);
      const path = settled?.path ?? atOnce(field, start, end, resting);
      last = path.points;
      return { path, settled: settled !== null };
    },
    close: () => settler.close(),
  };
}

function backwards(path: Path): Path {
  const points = new Float64Array(path.points.length);
  for (let k = 0, n = points.length; k < n; k += 2) {
    points[k] = path.points[n - 2 - k]!;
    points[k + 1] = path.points[n - 1 - k]!;
  }
  return { ...path, points };
}

/** `count` points of a path, both ends included. */
export function sampled(field: MetricField, by: By, path: Path, count: number): Float64Array {
  if (by === "measure") return samplesByLength(field, path.points, count);
  return by === "latent" ? samplesAlong(path.points, count) : samplesByNode(path.points, count);
}
