/** The two lines between the handles: walked at once in the browser, from a march that is kept while one end moves. */

import { march, samplesAlong, samplesByLength, straight, trace, type March, type MetricField, type Path } from "./geodesic";
import type { End } from "./scene";
import type { PathKind, Point } from "./types";

export interface Lines {
  geodesic: Path;
  straight: Path;
}

export interface Walker {
  /** Both lines; `resting` is the end that does not move, from which the march is reused. */
  lines(field: MetricField, start: Point, end: Point, resting: End): Lines;
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
    lines(given, start, end, resting) {
      if (field !== given) {
        field = given;
        delete marches.start;
        delete marches.end;
      }
      const line = straight(field, start, end);
      if (start[0] === end[0] && start[1] === end[1]) return { geodesic: line, straight: line };
      const walked =
        resting === "start"
          ? trace(field, from("start", start), end)
          : backwards(trace(field, from("end", end), start));
      return { geodesic: walked, straight: line };
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

/** Where a line is sampled: the geodesic in equal steps of the measure, the straight line in equal steps of the latent. */
export function sampled(field: MetricField, kind: PathKind, path: Path, count: number): Float64Array {
  return kind === "geodesic" ? samplesByLength(field, path.points, count) : samplesAlong(path.points, count);
}
