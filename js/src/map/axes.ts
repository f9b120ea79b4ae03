/** The frame of the map: ticks in latent coordinates along its lower and left edge. */

import { scaleLinear } from "d3-scale";
import { createFinder, moveOntoPage } from "../field/mesh";
import type { Palette } from "../style/colour";
import { svg } from "../style/dom";
import { MARGIN, toPage, toPixels, type Scene } from "./scene";
import { closeness } from "./zoom";

/** Ticks stand where the lines of the plane meet the edge of the plot, so they stay true on the stretched map. */
export function drawAxes(group: SVGGElement, scene: Scene, palette: Palette): void {
  group.replaceChildren();
  const { width, height } = scene;
  svg("rect", { class: "lw-frame", x: MARGIN.left, y: MARGIN.top, width, height, fill: "none", stroke: palette.line }, group);
  const along = (axis: 0 | 1): void => {
    const edge = edgeOf(scene, axis);
    const [low, high] = edge.range;
    const scale = scaleLinear([low, high], [0, 1]);
    const wanted = Math.max(3, Math.round((axis === 0 ? width : height) / 80));
    const ticks = scale.ticks(wanted);
    const size = Math.max(Math.abs(low), Math.abs(high));
    const step = Math.abs((ticks[1] ?? high) - (ticks[0] ?? low));
    const text = size >= 1e6 || size < 1e-3 ? (tick: number) => powerOfTen(tick, step) : scale.tickFormat(wanted);
    const longest = Math.max(...ticks.map((tick) => text(tick).length));
    const room = axis === 0 ? Math.max(30, 6.5 * longest + 8) : 16;
    let last = -Infinity;
    for (const tick of ticks) {
      const place = edge.place(tick);
      if (place === null || place - last < room) continue;
      last = place;
      if (axis === 0) {
        const x = MARGIN.left + place;
        svg("line", { x1: x, x2: x, y1: MARGIN.top + height, y2: MARGIN.top + height + 5, stroke: palette.faint }, group);
        svg("text", { x, y: MARGIN.top + height + 17, "text-anchor": "middle", fill: palette.faint, text: text(tick) }, group);
      } else {
        const y = MARGIN.top + height - place;
        svg("line", { x1: MARGIN.left - 5, x2: MARGIN.left, y1: y, y2: y, stroke: palette.faint }, group);
        svg("text", { x: MARGIN.left - 8, y, dy: "0.33em", "text-anchor": "end", fill: palette.faint, text: text(tick) }, group);
      }
    }
  };
  along(0);
  along(1);
  const name = (axis: 0 | 1) => `latent ${scene.axes[axis]}`;
  svg("text", { x: MARGIN.left + width / 2, y: MARGIN.top + height + 34, "text-anchor": "middle", fill: palette.ink, text: name(0) }, group);
  svg(
    "text",
    { transform: `translate(11 ${MARGIN.top + height / 2}) rotate(-90)`, "text-anchor": "middle", fill: palette.ink, text: name(1) },
    group,
  );
}

/** A tick in powers of ten, with the digits that tell it from its neighbours. */
function powerOfTen(tick: number, step: number): string {
  if (Math.abs(tick) < step / 1e6) return "0";
  const digits = Math.floor(Math.log10(Math.abs(tick)) + 1e-9) - Math.floor(Math.log10(step) + 1e-9);
  const text = tick.toExponential(Math.max(digits, 0));
  return text.replace(/\.0+e/, "e").replace("e+", "e").replace("-", "−").replace("e-", "e−");
}

interface Edge {
  /** The latent coordinates at which the edge begins and ends. */
  range: [number, number];
  /** Pixels from the edge's beginning to where a coordinate is met first, or null. */
  place(value: number): number | null;
}

/** Pixels between places of an edge at which the plane is looked up. */
const STRIDE = 4;

function edgeOf(scene: Scene, axis: 0 | 1): Edge {
  const [x0, x1, y0, y1] = scene.mesh.extent;
  const { width, height } = scene;
  if (closeness(scene.pane, scene.mesh.extent) === 1) {
    // the border of the map is the border of the plane
    const place = (value: number) => {
      const [px, py] = toPixels(scene, moveOntoPage(scene.mesh, axis === 0 ? [value, y0] : [x0, value]));
      return axis === 0 ? px : height - py;
    };
    return { range: axis === 0 ? [x0, x1] : [y0, y1], place };
  }
  const long = axis === 0 ? width : height;
  const count = Math.ceil(long / STRIDE);
  const find = createFinder(scene.mesh);
  const met = Array.from({ length: count + 1 }, (_, k) => {
    const along = (k / count) * long;
    return find(...(axis === 0 ? toPage(scene, along, height) : toPage(scene, 0, height - along)))[axis];
  });
  const place = (value: number) => {
    for (let k = 0; k < count; k++) {
      const [a, b] = [met[k], met[k + 1]];
      if (a !== b && (value - a) * (value - b) <= 0) return ((k + (value - a) / (b - a)) / count) * long;
    }
    return null;
  };
  return { range: [Math.min(...met), Math.max(...met)], place };
}
