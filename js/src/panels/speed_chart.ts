/** The small chart of how fast the decoded output changes along a path. */

import { polyline, set, svg } from "../style/dom";

/** Pixels. */
const TALL = 24;

export interface SpeedChart {
  element: SVGSVGElement;
  /** `top` is the speed at the upper end, one for all charts; `samples` pictures stand above, the ends at their centres. */
  draw(speeds: Float64Array, top: number, samples: number): void;
  now(t: number | null): void;
}

export function createSpeedChart(parent: Element): SpeedChart {
  const element = svg("svg", { class: "lw-pace", role: "img", preserveAspectRatio: "none", height: TALL }, parent);
  const area = svg("path", { fill: "currentColor", "fill-opacity": 0.3, stroke: "none" }, element);
  const even = svg("line", { class: "lw-pace-even", "vector-effect": "non-scaling-stroke", "stroke-dasharray": "3 3" }, element);
  const mark = svg("line", { stroke: "currentColor", "stroke-width": 2, "vector-effect": "non-scaling-stroke", visibility: "hidden" }, element);
  return {
    element,
    draw(speeds, top, samples) {
      const margin = speeds.length / 2 / Math.max(samples - 1, 1);
      set(element, { viewBox: `${-margin} 0 ${speeds.length + 2 * margin} ${TALL}` });
      const corners = [0, TALL];
      speeds.forEach((speed, n) => corners.push(n, TALL * (1 - speed / top), n + 1, TALL * (1 - speed / top)));
      corners.push(speeds.length, TALL);
      set(area, { d: `${polyline(corners)}Z` });
      set(even, { x1: 0, x2: speeds.length, y1: TALL * (1 - 1 / top), y2: TALL * (1 - 1 / top) });
      set(mark, { y1: 0, y2: TALL });
      const [low, high] = [Math.min(...speeds), Math.max(...speeds)].map((speed) => speed.toFixed(1));
      const words = `speed of change along the line: ${low} to ${high} times its mean`;
      set(element, { "aria-label": words });
      element.dataset.length = String(speeds.length);
    },
    now(t) {
      const x = (t ?? 0) * Number(element.dataset.length ?? 0);
      set(mark, { x1: x, x2: x, visibility: t === null ? "hidden" : "visible" });
    },
  };
}
