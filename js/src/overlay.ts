/**
 * The vector part of the map: axes, lattice lines, paths and the two handles. Used for the screen and for exported figures,
 * so everything is styled by attributes.
 *
 * Hooks for tests: data-lw = "path-geodesic", "path-straight", "handle-start", "handle-end".
 */

import { scaleLinear } from "d3-scale";
import type { DensityScale, Palette } from "./colour";
import { set, svg } from "./dom";
import { onPage, type Mesh } from "./geometry";
import type { MetricField } from "./spline";
import type { PathKind, Point, Shown } from "./types";

export const MARGIN = { left: 46, right: 12, top: 10, bottom: 40 };
const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/** All that the map shows, in plane coordinates; `width` and `height` are the plot's pixels. */
export interface Scene {
  width: number;
  height: number;
  mesh: Mesh;
  axes: [string, string];
  shown: Shown;
  start: Point;
  end: Point;
  paths: Partial<Record<PathKind, Float64Array>>;
  samples: Partial<Record<PathKind, Float64Array>>;
}

/** The mixture of measures that is drawn, and its colours. */
export interface Ground {
  field: MetricField;
  scale: DensityScale;
  density: Float32Array;
  /** Positions of the corners on the ramp, 0 to 1. */
  places: Float32Array;
}

export type End = "start" | "end";

export interface Overlay {
  element: SVGSVGElement;
  handles: Record<End, SVGGElement>;
  update(scene: Scene, palette: Palette): void;
  /** Only the paths and the handles, over the axes and lattice as they stand. */
  updateLines(scene: Scene, palette: Palette): void;
}

/** Plane units of the page to pixels of the plot, y up. */
export function toPixels(scene: Pick<Scene, "mesh" | "width" | "height">, page: ArrayLike<number>): Float64Array {
  const [x0, x1, y0, y1] = scene.mesh.extent;
  const out = new Float64Array(page.length);
  for (let k = 0; k < page.length; k += 2) {
    out[k] = ((page[k]! - x0) / (x1 - x0)) * scene.width;
    out[k + 1] = ((y1 - page[k + 1]!) / (y1 - y0)) * scene.height;
  }
  return out;
}

export function toPage(scene: Pick<Scene, "mesh" | "width" | "height">, px: number, py: number): Point {
  const [x0, x1, y0, y1] = scene.mesh.extent;
  return [x0 + (px / scene.width) * (x1 - x0), y1 - (py / scene.height) * (y1 - y0)];
}

export function createOverlay(): Overlay {
  const element = svg("svg", { class: "lw-overlay", "font-family": FONT, "font-size": 11 });
  const axes = svg("g", { "pointer-events": "none" }, element);
  const plot = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top})` }, element);
  const lattice = svg("path", { fill: "none", "stroke-width": 0.6, "pointer-events": "none" }, plot);
  const lines = svg("g", { fill: "none", "pointer-events": "none", "stroke-linejoin": "round", "stroke-linecap": "round" }, plot);
  const straight = createLine("straight", lines);
  const geodesic = createLine("geodesic", lines);
  const handles = { start: createHandle("start", "A", plot), end: createHandle("end", "B", plot) };

  function update(scene: Scene, palette: Palette): void {
    set(element, {
      width: scene.width + MARGIN.left + MARGIN.right,
      height: scene.height + MARGIN.top + MARGIN.bottom,
    });
    drawAxes(axes, scene, palette);
    set(lattice, {
      d: scene.shown.grid ? latticeLines(scene) : "",
      stroke: palette.dark ? "#ffffff" : "#17284a",
      "stroke-opacity": 0.28,
    });
    updateLines(scene, palette);
  }

  function updateLines(scene: Scene, palette: Palette): void {
    straight(scene, palette);
    geodesic(scene, palette);
    placeHandle(handles.start, scene, scene.start, palette);
    placeHandle(handles.end, scene, scene.end, palette);
  }

  return { element, handles, update, updateLines };
}

function createLine(kind: PathKind, parent: SVGElement): (scene: Scene, palette: Palette) => void {
  const group = svg("g", {}, parent);
  const casing = svg("path", { "stroke-width": 5, "stroke-opacity": 0.75 }, group);
  const line = svg("path", { "stroke-width": 2.25, "data-lw": `path-${kind}` }, group);
  if (kind === "straight") set(line, { "stroke-dasharray": "6 5" });
  const dots = svg("g", { "stroke-width": 1.25 }, group);
  return (scene, palette) => {
    const path = scene.paths[kind];
    const visible = scene.shown[kind] && path !== undefined;
    set(group, { visibility: visible ? "visible" : "hidden" });
    if (!visible) return;
    const d = polyline(toPixels(scene, onPage(scene.mesh, path)));
    set(casing, { d, stroke: palette.casing });
    set(line, { d, stroke: palette[kind] });
    const marks = toPixels(scene, onPage(scene.mesh, scene.samples[kind] ?? []));
    while (dots.childElementCount > marks.length / 2) dots.lastChild?.remove();
    while (dots.childElementCount < marks.length / 2) svg("circle", { r: 2.6 }, dots);
    Array.from(dots.children).forEach((dot, k) =>
      set(dot, { cx: fixed(marks[2 * k]!), cy: fixed(marks[2 * k + 1]!), fill: palette[kind], stroke: palette.casing }),
    );
  };
}

function createHandle(end: End, letter: string, parent: SVGElement): SVGGElement {
  const group = svg(
    "g",
    { "data-lw": `handle-${end}`, class: "lw-handle", role: "slider", tabindex: 0, "aria-label": `${end} point` },
    parent,
  );
  svg("circle", { r: 18, fill: "transparent" }, group);
  svg("circle", { class: "lw-handle-ring", r: 13, fill: "none", "stroke-width": 2, stroke: "transparent" }, group);
  svg("circle", { r: 9, "stroke-width": 2 }, group);
  svg("text", { text: letter, "text-anchor": "middle", dy: "0.36em", "font-weight": 700, "font-size": 11 }, group);
  return group;
}

function placeHandle(handle: SVGGElement, scene: Scene, at: Point, palette: Palette): void {
  const [px, py] = toPixels(scene, onPage(scene.mesh, at));
  const [x0, x1] = scene.mesh.extent;
  set(handle, {
    transform: `translate(${fixed(px!)} ${fixed(py!)})`,
    "aria-valuemin": x0,
    "aria-valuemax": x1,
    "aria-valuenow": at[0],
    "aria-valuetext": `${scene.axes[0]} ${at[0].toPrecision(3)}, ${scene.axes[1]} ${at[1].toPrecision(3)}`,
  });
  const [, ring, disc, letter] = Array.from(handle.children);
  set(ring!, { class: "lw-handle-ring" });
  set(disc!, { fill: palette.ink, stroke: palette.casing });
  set(letter!, { fill: palette.dark ? "#14181f" : "#ffffff" });
}

/** Ticks stand where the border of the plane has gone, so they stay true on the stretched map. */
function drawAxes(group: SVGGElement, scene: Scene, palette: Palette): void {
  group.replaceChildren();
  const [x0, x1, y0, y1] = scene.mesh.extent;
  const { width, height } = scene;
  svg("rect", { x: MARGIN.left, y: MARGIN.top, width, height, fill: "none", stroke: palette.line }, group);
  const along = (axis: 0 | 1): void => {
    const [low, high] = axis === 0 ? [x0, x1] : [y0, y1];
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
      const border: Point = axis === 0 ? [tick, y0] : [x0, tick];
      const [px, py] = toPixels(scene, onPage(scene.mesh, border));
      const place = axis === 0 ? px! : height - py!;
      if (place - last < room) continue;
      last = place;
      if (axis === 0) {
        const x = MARGIN.left + px!;
        svg("line", { x1: x, x2: x, y1: MARGIN.top + height, y2: MARGIN.top + height + 5, stroke: palette.faint }, group);
        svg("text", { x, y: MARGIN.top + height + 17, "text-anchor": "middle", fill: palette.faint, text: text(tick) }, group);
      } else {
        const y = MARGIN.top + py!;
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

function latticeLines(scene: Scene): string {
  const [rows, columns] = scene.mesh.shape;
  const pixels = toPixels(scene, scene.mesh.corners);
  const every = Math.max(1, Math.round(Math.max(rows, columns) / 20));
  const parts: string[] = [];
  const line = (count: number, index: (k: number) => number): void => {
    const points: number[] = [];
    for (let k = 0; k < count; k++) points.push(pixels[2 * index(k)]!, pixels[2 * index(k) + 1]!);
    parts.push(polyline(points));
  };
  for (let i = every; i < rows; i += every) line(columns + 1, (j) => i * (columns + 1) + j);
  for (let j = every; j < columns; j += every) line(rows + 1, (i) => i * (columns + 1) + j);
  return parts.join("");
}

export function polyline(pixels: ArrayLike<number>): string {
  let d = "";
  for (let k = 0; k < pixels.length; k += 2) d += `${k === 0 ? "M" : "L"}${fixed(pixels[k]!)} ${fixed(pixels[k + 1]!)}`;
  return d;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
