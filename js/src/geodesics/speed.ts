/** How fast the decoded output changes along a line that is walked as it is sampled, and the small chart of that. */

import { tensorAt } from "../map/indicatrices";
import { polyline } from "../map/overlay";
import { set, svg } from "../style/dom";
import type { Point } from "../types";
import type { MetricField } from "./spline";

/** Pieces in which a walk is measured. */
export const BEATS = 120;
const TALL = 24;

/** The length of each piece between `points` x0, y0, x1, y1, … in the measure, over the mean of all; all 1 for no length. */
export function pace(field: MetricField, points: ArrayLike<number>): Float64Array {
  const lengths = new Float64Array(Math.max(points.length / 2 - 1, 0));
  for (let n = 0; n < lengths.length; n++) {
    const [ax, ay, bx, by] = [points[2 * n]!, points[2 * n + 1]!, points[2 * n + 2]!, points[2 * n + 3]!];
    const [e, f, g] = tensorAt(field, (ax + bx) / 2, (ay + by) / 2) as [number, number, number];
    const [dx, dy] = [bx - ax, by - ay];
    lengths[n] = Math.sqrt(Math.max(e * dx * dx + 2 * f * dx * dy + g * dy * dy, 0));
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return mean > 0 ? lengths.map((length) => length / mean) : lengths.fill(1);
}

/** The place at fraction t of a walk. */
export function placeAt(points: ArrayLike<number>, t: number): Point {
  const last = points.length / 2 - 1;
  const s = Math.min(Math.max(t, 0), 1) * last;
  const k = 2 * Math.min(Math.floor(s), Math.max(last - 1, 0));
  const u = s - k / 2;
  return [(1 - u) * points[k]! + u * points[k + 2]!, (1 - u) * points[k + 1]! + u * points[k + 3]!];
}

export function paceAt(paces: Float64Array, t: number): number {
  return paces[Math.min(Math.floor(t * paces.length), paces.length - 1)] ?? 1;
}

export interface PaceChart {
  element: SVGSVGElement;
  /** `top` is the pace at the upper end, one for all charts; `samples` pictures stand above, the ends at their centres. */
  draw(paces: Float64Array, top: number, samples: number): void;
  now(t: number | null): void;
}

export function createPaceChart(parent: Element): PaceChart {
  const element = svg("svg", { class: "lw-pace", role: "img", preserveAspectRatio: "none", height: TALL }, parent);
  const area = svg("path", { fill: "currentColor", "fill-opacity": 0.3, stroke: "none" }, element);
  const even = svg("line", { class: "lw-pace-even", "vector-effect": "non-scaling-stroke", "stroke-dasharray": "3 3" }, element);
  const mark = svg("line", { stroke: "currentColor", "stroke-width": 2, "vector-effect": "non-scaling-stroke", visibility: "hidden" }, element);
  return {
    element,
    draw(paces, top, samples) {
      const margin = paces.length / 2 / Math.max(samples - 1, 1);
      set(element, { viewBox: `${-margin} 0 ${paces.length + 2 * margin} ${TALL}` });
      const corners = [0, TALL];
      paces.forEach((speed, n) => corners.push(n, TALL * (1 - speed / top), n + 1, TALL * (1 - speed / top)));
      corners.push(paces.length, TALL);
      set(area, { d: `${polyline(corners)}Z` });
      set(even, { x1: 0, x2: paces.length, y1: TALL * (1 - 1 / top), y2: TALL * (1 - 1 / top) });
      set(mark, { y1: 0, y2: TALL });
      const [low, high] = [Math.min(...paces), Math.max(...paces)].map((speed) => speed.toFixed(1));
      const words = `speed of change along the line: ${low} to ${high} times its mean`;
      set(element, { "aria-label": words });
      element.dataset.length = String(paces.length);
    },
    now(t) {
      const x = (t ?? 0) * Number(element.dataset.length ?? 0);
      set(mark, { x1: x, x2: x, visibility: t === null ? "hidden" : "visible" });
    },
  };
}
