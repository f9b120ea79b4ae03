/** The geodesic between the handles: found at once in the browser, from a march that is kept while one end moves. */

import {
  march,
  samplesAlong,
  samplesByLength,
  samplesByNode,
  straight,
  trace,
  type March,
  type MetricField,
  type Path,
} from "./geodesic";
import type { By } from "./kinds";
import type { End } from "./scene";
import type { Point } from "./types";

export interface Walker {
  /** The geodesic; `resting` is the end that does not move, from which the march is reused. */
  geodesic(field: MetricField, start: Point, end: Point, resting: End): Path;
}

export function walker(): Walker {
  let field: MetricField | null = null;
  const marches: Partial<Record<End, March>> = {};

  function from(resting: End, source: Point): March {
    const known = marches[resting];
    if (known && known.source[0] === source[0] && known.source[1] === source[1]) return known;
    return (marches[resting] = march(field!, source));
  }

  return {
    geodesic(given, start, end, resting) {
      if (field !== given) {
        field = given;
        delete marches.start;
        delete marches.end;
      }
      if (start[0] === end[0] && start[1] === end[1]) return straight(field, start, end);
      if (resting === "start") return trace(field, from("start", start), end);
      return backwards(trace(field, from("end", end), start));
    },
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
