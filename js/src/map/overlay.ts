/**
 * The vector part of the map: axes, lattice lines, paths and the two handles. Used for the screen and for exported figures,
 * so everything is styled by attributes.
 *
 * Hooks for tests: data-lw = "path-geodesic" and so on for each kind of path, "marker-geodesic" likewise, "handle-start", "handle-end",
 * "contours", "ellipses", "outline".
 */

import { moveOntoPage } from "../field/mesh";
import { outlineOf } from "../field/outline";
import { DASHES, KINDS } from "../model/path_kinds";
import type { Palette } from "../style/colour";
import { fixed, polyline, set, svg } from "../style/dom";
import type { End, PathKind, Point } from "../types";
import { drawAxes } from "./axes";
import { SIDES } from "./indicatrices";
import { MARGIN, toPixels, type Scene } from "./scene";
import { closeness } from "./zoom";

const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

export interface Overlay {
  element: SVGSVGElement;
  handles: Record<End, SVGGElement>;
  update(scene: Scene, palette: Palette): void;
  /** Only the paths and the handles, over the axes and lattice as they stand. */
  updateLines(scene: Scene, palette: Palette): void;
}

export function createOverlay(): Overlay {
  const element = svg("svg", { class: "lw-overlay", "font-family": FONT, "font-size": 11 });
  const axes = svg("g", { "pointer-events": "none" }, element);
  const plot = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top})` }, element);
  // a nested picture clips without an id, which would have to be unique on the host's page
  const clipped = svg("svg", {}, plot);
  const lattice = svg("path", { fill: "none", "stroke-width": 0.6, "pointer-events": "none" }, clipped);
  const contours = svg("path", { fill: "none", "stroke-width": 0.9, "pointer-events": "none", "data-lw": "contours" }, clipped);
  const ellipses = svg("path", { "stroke-width": 1, "pointer-events": "none", "data-lw": "ellipses" }, clipped);
  const outline = svg("path", { fill: "none", "stroke-width": 1, "pointer-events": "none", "data-lw": "outline" }, clipped);
  const lines = svg("g", { fill: "none", "pointer-events": "none", "stroke-linejoin": "round", "stroke-linecap": "round" }, clipped);
  // the geodesic comes last, on top
  const paths = [...KINDS].reverse().map((kind) => createLine(kind, lines));
  const handles = { start: createHandle("start", "A", plot), end: createHandle("end", "B", plot) };

  function update(scene: Scene, palette: Palette): void {
    set(element, {
      width: scene.width + MARGIN.left + MARGIN.right,
      height: scene.height + MARGIN.top + MARGIN.bottom,
    });
    const close = closeness(scene.pane, scene.page) > 1;
    // on the whole map nothing leaves the plot but half a line's width at its border
    set(clipped, { width: scene.width, height: scene.height, overflow: close ? "hidden" : "visible" });
    drawAxes(axes, scene, palette);
    // between walls the frame of the plot is the outline
    set(outline, { d: scene.free ? `${polyline(toPixels(scene, outlineOf(scene.mesh)))}Z` : "", stroke: palette.faint });
    set(lattice, {
      d: scene.shown.grid ? latticeLines(scene) : "",
      stroke: palette.lattice,
      "stroke-opacity": 0.28,
    });
    const drawn = scene.contours?.map((line) => polyline(toPixels(scene, moveOntoPage(scene.mesh, line)))) ?? [];
    set(contours, { d: drawn.join(""), stroke: palette.lattice, "stroke-opacity": 0.5 });
    set(ellipses, {
      d: scene.ellipses ? polygons(toPixels(scene, moveOntoPage(scene.mesh, scene.ellipses))) : "",
      stroke: palette.ink,
      "stroke-opacity": 0.85,
      fill: palette.casing,
      "fill-opacity": 0.35,
    });
    updateLines(scene, palette);
  }

  function updateLines(scene: Scene, palette: Palette): void {
    for (const path of paths) path(scene, palette);
    placeHandle(handles.start, scene, scene.start, palette);
    placeHandle(handles.end, scene, scene.end, palette);
  }

  return { element, handles, update, updateLines };
}

function createLine(kind: PathKind, parent: SVGElement): (scene: Scene, palette: Palette) => void {
  const group = svg("g", {}, parent);
  const casing = svg("path", { "stroke-width": 5, "stroke-opacity": 0.75 }, group);
  const line = svg("path", { "stroke-width": 2.25, "data-lw": `path-${kind}` }, group);
  set(line, { "stroke-dasharray": DASHES[kind] });
  const dots = svg("g", { "stroke-width": 1.25 }, group);
  const marker = svg("circle", { r: 6.5, "stroke-width": 2.5, "data-lw": `marker-${kind}` });
  return (scene, palette) => {
    const path = scene.paths[kind];
    const visible = scene.shown[kind] && path !== undefined;
    set(group, { visibility: visible ? "visible" : "hidden" });
    if (!visible) return;
    const d = polyline(toPixels(scene, moveOntoPage(scene.mesh, path)));
    set(casing, { d, stroke: palette.casing });
    set(line, { d, stroke: palette[kind] });
    const at = scene.markers[kind];
    if (at) {
      const [cx, cy] = toPixels(scene, moveOntoPage(scene.mesh, at));
      set(marker, { fill: palette.casing, stroke: palette[kind], cx: fixed(cx), cy: fixed(cy) });
      group.append(marker);
    } else marker.remove();
    const marks = toPixels(scene, moveOntoPage(scene.mesh, scene.samples[kind] ?? []));
    while (dots.childElementCount > marks.length / 2) dots.lastChild?.remove();
    while (dots.childElementCount < marks.length / 2) svg("circle", { r: 2.6 }, dots);
    Array.from(dots.children).forEach((dot, k) =>
      set(dot, { cx: fixed(marks[2 * k]), cy: fixed(marks[2 * k + 1]), fill: palette[kind], stroke: palette.casing }),
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
  const [px, py] = toPixels(scene, moveOntoPage(scene.mesh, at)) as unknown as Point;
  const [x0, x1] = scene.mesh.extent;
  // a handle off the plot waits at its border, faint, and can be fetched from there
  const [left, top] = [Math.min(Math.max(px, 0), scene.width), Math.min(Math.max(py, 0), scene.height)];
  const away = Math.max(Math.abs(px - left), Math.abs(py - top)) > 0.5;
  set(handle, {
    transform: `translate(${fixed(left)} ${fixed(top)})`,
    opacity: away ? 0.5 : 1,
    "aria-valuemin": x0,
    "aria-valuemax": x1,
    "aria-valuenow": at[0],
    "aria-valuetext": `${scene.axes[0]} ${at[0].toPrecision(3)}, ${scene.axes[1]} ${at[1].toPrecision(3)}`,
  });
  const [, ring, disc, letter] = Array.from(handle.children);
  set(ring, { class: "lw-handle-ring" });
  set(disc, { fill: palette.ink, stroke: palette.casing });
  set(letter, { fill: palette.dark ? "#14181f" : "#ffffff" });
}

function latticeLines(scene: Scene): string {
  const [rows, columns] = scene.mesh.shape;
  const pixels = toPixels(scene, scene.mesh.corners);
  const every = Math.max(1, Math.round(Math.max(rows, columns) / 20 / closeness(scene.pane, scene.page)));
  const parts: string[] = [];
  const line = (count: number, index: (k: number) => number): void => {
    const points: number[] = [];
    for (let k = 0; k < count; k++) points.push(pixels[2 * index(k)], pixels[2 * index(k) + 1]);
    parts.push(polyline(points));
  };
  for (let i = every; i < rows; i += every) line(columns + 1, (j) => i * (columns + 1) + j);
  for (let j = every; j < columns; j += every) line(rows + 1, (i) => i * (columns + 1) + j);
  return parts.join("");
}

function polygons(pixels: Float64Array): string {
  let d = "";
  for (let k = 0; k < pixels.length; k += 2 * SIDES) d += `${polyline(pixels.subarray(k, k + 2 * SIDES))}Z`;
  return d;
}
