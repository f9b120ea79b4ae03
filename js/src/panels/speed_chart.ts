import { TALL } from "../geodesics/speed";
import { polyline, set, svg } from "../style/dom";

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
