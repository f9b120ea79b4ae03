/** The frame of the map: ticks in latent coordinates along its lower and left border. */

import { scaleLinear } from "d3-scale";
import { moveOntoPage } from "../field/mesh";
import { encloses, outlineOf } from "../field/outline";
import { createFinder } from "../field/point_location";
import type { Palette } from "../style/colour";
import { svg } from "../style/dom";
import type { Point } from "../types";
import { MARGIN, toPage, toPixels, type Scene } from "./scene";
import { closeness } from "./zoom";

/** Where a tick stands, in pixels of the plot, and the way from the map to its label. */
interface Place {
  at: Point;
  way: Point;
}

/** The coordinates that meet a border, and where each is met; null where it is not. */
interface Border {
  range: [number, number];
  place(value: number): Place | null;
}

/** Pixels from a border to the end of a tick, and to the edge of its label. */
const TICK = 5;
const LABEL = 8;
/** The horizontal part of a way from which on a label stands beside its tick. */
const BESIDE = 0.7;
/** Pixels of the least room for a label. */
const NARROWEST = 30;

/**
 * Ticks stand where the lines of the plane meet the edge of the plot, or the outline of a map that does not fill it, so they stay
 * true on the stretched map.
 */
export function drawAxes(group: SVGGElement, scene: Scene, palette: Palette): void {
  group.replaceChildren();
  const { width, height } = scene;
  const stroke = scene.free ? { stroke: palette.line, "stroke-dasharray": "2 3" } : { stroke: palette.line };
  svg("rect", { class: "lw-frame", x: MARGIN.left, y: MARGIN.top, width, height, fill: "none", ...stroke }, group);
  const close = closeness(scene.pane, scene.page) > 1;
  const taken: Box[] = [];
  for (const axis of [0, 1] as const) {
    const borders = scene.free ? [outlineAt(scene, axis)] : [];
    if (close || !scene.free) borders.push(close ? edgeOf(scene, axis) : wallOf(scene, axis));
    for (const border of borders) drawTicks(group, border, axis, scene, palette, taken);
  }
  const name = (axis: 0 | 1) => `latent ${scene.axes[axis]}`;
  svg("text", { x: MARGIN.left + width / 2, y: MARGIN.top + height + 34, "text-anchor": "middle", fill: palette.ink, text: name(0) }, group);
  svg(
    "text",
    { transform: `translate(11 ${MARGIN.top + height / 2}) rotate(-90)`, "text-anchor": "middle", fill: palette.ink, text: name(1) },
    group,
  );
}

/** Left, right, top and bottom, in pixels. */
type Box = [number, number, number, number];

/** Draws the ticks whose labels find room beside those that are `taken`. */
function drawTicks(group: SVGGElement, { range: [low, high], place }: Border, axis: 0 | 1, scene: Scene, palette: Palette, taken: Box[]): void {
  if (!(high > low)) return;
  const wanted = Math.max(3, Math.round((axis === 0 ? scene.width : scene.height) / 80));
  const scale = scaleLinear([low, high], [0, 1]);
  const ticks = scale.ticks(wanted);
  const size = Math.max(Math.abs(low), Math.abs(high));
  const step = Math.abs((ticks[1] ?? high) - (ticks[0] ?? low));
  const text = size >= 1e6 || size < 1e-3 ? (tick: number) => powerOfTen(tick, step) : scale.tickFormat(wanted);
  for (const tick of ticks) {
    const found = place(tick);
    if (!found) continue;
    const label = text(tick);
    const [x, y] = [found.at[0] + MARGIN.left, found.at[1] + MARGIN.top];
    const [u, v] = found.way;
    const wide = 6.5 * label.length;
    // beside the map labels begin or end at their ticks, below and above it they have them in their middle
    const anchor = u < -BESIDE ? "end" : u > BESIDE ? "start" : "middle";
    const [left, top] = [x + LABEL * u - (anchor === "end" ? wide : anchor === "start" ? 0 : wide / 2), y + v * (LABEL + 5)];
    const spare = Math.max(NARROWEST - wide, 8) / 2;
    const box: Box = [left - spare, left + wide + spare, top - 8, top + 8];
    if (taken.some((other) => box[0] < other[1] && other[0] < box[1] && box[2] < other[3] && other[2] < box[3])) continue;
    taken.push(box);
    svg("line", { x1: x, y1: y, x2: x + TICK * u, y2: y + TICK * v, stroke: palette.faint }, group);
    svg("text", { x: x + LABEL * u, y: top, dy: "0.33em", "text-anchor": anchor, fill: palette.faint, text: label }, group);
  }
}

/** A tick in powers of ten, with the digits that tell it from its neighbours. */
function powerOfTen(tick: number, step: number): string {
  if (Math.abs(tick) < step / 1e6) return "0";
  const digits = Math.floor(Math.log10(Math.abs(tick)) + 1e-9) - Math.floor(Math.log10(step) + 1e-9);
  const text = tick.toExponential(Math.max(digits, 0));
  return text.replace(/\.0+e/, "e").replace("e+", "e").replace("-", "−").replace("e-", "e−");
}

/** Ways from the lower and from the left edge of the plot. */
const OUTWARD: [Point, Point] = [
  [0, 1],
  [-1, 0],
];

/** The lower or left edge of a plot that shows the whole of a map between walls: its border is the border of the plane. */
function wallOf(scene: Scene, axis: 0 | 1): Border {
  const [x0, x1, y0, y1] = scene.mesh.extent;
  const place = (value: number): Place => {
    const [px, py] = toPixels(scene, moveOntoPage(scene.mesh, axis === 0 ? [value, y0] : [x0, value]));
    return { at: axis === 0 ? [px, scene.height] : [0, py], way: OUTWARD[axis] };
  };
  return { range: axis === 0 ? [x0, x1] : [y0, y1], place };
}

/** Parts of a side of the plane over which the direction of its outline is taken. */
const CHORD = 0.01;

/** The part of a free outline to which the plane's lower or left border has gone. */
function outlineAt(scene: Scene, axis: 0 | 1): Border {
  const [x0, x1, y0, y1] = scene.mesh.extent;
  const [low, high] = axis === 0 ? [x0, x1] : [y0, y1];
  const pixels = (value: number): Point =>
    toPixels(scene, moveOntoPage(scene.mesh, axis === 0 ? [value, y0] : [x0, value])) as unknown as Point;
  const outline = outlineOf(scene.mesh);
  const place = (value: number): Place | null => {
    const at = pixels(value);
    if (at[0] < 0 || at[1] < 0 || at[0] > scene.width || at[1] > scene.height) return null;
    const [from, to] = [pixels(value - CHORD * (high - low)), pixels(value + CHORD * (high - low))];
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const [tx, ty] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
    // the map lies to the left of its lower border and to the right of its left one
    const way: Point = axis === 0 ? [-ty, tx] : [ty, -tx];
    const beside = toPage(scene, at[0] + 2 * LABEL * way[0], at[1] + 2 * LABEL * way[1]);
    return encloses(outline, ...beside) ? null : { at, way };
  };
  return { range: [low, high], place };
}

/** Pixels between places of an edge at which the plane is looked up. */
const STRIDE = 4;

/** The lower or left edge of the plot, as far as it lies on the map. */
function edgeOf(scene: Scene, axis: 0 | 1): Border {
  const { width, height } = scene;
  const long = axis === 0 ? width : height;
  const count = Math.ceil(long / STRIDE);
  const find = createFinder(scene.mesh);
  const met = Array.from({ length: count + 1 }, (_, k) => {
    const along = (k / count) * long;
    const page = axis === 0 ? toPage(scene, along, height) : toPage(scene, 0, height - along);
    return scene.free && !find.holds(...page) ? NaN : find(...page)[axis];
  });
  const known = met.filter((value) => !Number.isNaN(value));
  const place = (value: number): Place | null => {
    for (let k = 0; k < count; k++) {
      const [a, b] = [met[k], met[k + 1]];
      if (!(a !== b && (value - a) * (value - b) <= 0)) continue;
      const along = ((k + (value - a) / (b - a)) / count) * long;
      return { at: axis === 0 ? [along, height] : [0, height - along], way: OUTWARD[axis] };
    }
    return null;
  };
  return { range: [Math.min(...known), Math.max(...known)], place };
}
