/**
 * Indicatrices of the metric: ellipses {v : vᵀ G v = r²} of one radius r in the measure's own length. Their centres lie evenly
 * on the stretched map, so every ellipse stands for the same share of the measure: on the latent plane they crowd where the
 * density is high. On a cartogram they have one area, and show by their shape what no stretching of areas can remove; on an
 * isometric map they are circles of one size as far as the map is isometric.
 */

import palette from "../../../latent_widget/figures/palette.json";
import { tensorAt } from "../field/field";
import { moveOntoPage, type Mesh } from "../field/mesh";
import { boundsOf, fillsExtent } from "../field/outline";
import { createFinder } from "../field/point_location";
import type { Extent, MetricField } from "../types";
import { toPage, type Scene } from "./scene";
import { closeness } from "./zoom";

export const SIDES = palette.indicatrix.sides;
/** Pixels between centres on the cartogram, and the radius as a part of that. */
const PITCH = 46;
const REACH = palette.indicatrix.reach;
/** More than these are too many to see. */
const MOST = 1600;

/** Corners of the polygons in plane coordinates, SIDES for each centre; where G is singular a polygon shrinks to its centre. */
export function indicatrices(field: MetricField, centres: Float64Array, radius: number): Float64Array {
  const out = new Float64Array(centres.length * SIDES);
  for (let n = 0; n < centres.length; n += 2) {
    const [x, y] = [centres[n], centres[n + 1]];
    const [e, f, g] = tensorAt(field, x, y);
    // G = L Lᵀ, and v = r L⁻ᵀ u for u on the unit circle
    const a = Math.sqrt(e);
    const b = f / a;
    const c = Math.sqrt(Math.max(g - b * b, 0));
    const sound = a > 0 && c > 0;
    for (let k = 0; k < SIDES; k++) {
      const turn = (2 * Math.PI * k) / SIDES;
      const v = sound ? (radius * Math.sin(turn)) / c : 0;
      const u = sound ? (radius * Math.cos(turn) - b * v) / a : 0;
      out[n * SIDES + 2 * k] = x + u;
      out[n * SIDES + 2 * k + 1] = y + v;
    }
  }
  return out;
}

/** The polygons that a scene shows, in plane coordinates; `full` is the map as far as it can be stretched. */
export function ellipsesInSight(scene: Scene, field: MetricField, density: Float32Array, full: Mesh): Float64Array {
  const free = !fillsExtent(full);
  const [x0, x1, y0, y1] = free ? boundsOf(full.corners) : full.extent;
  const times = closeness(scene.pane, scene.page);
  const box: Extent = times > 1 ? reach(scene, full) : [x0, x1, y0, y1];
  let level = 2 ** Math.round(Math.log2(times));
  for (; ; level /= 2) {
    const [wide, tall] = free ? freeCounts(scene, [x0, x1, y0, y1]) : [scene.width / PITCH, scene.height / PITCH];
    const columns = Math.max(2, Math.round(wide)) * level;
    const rows = Math.max(2, Math.round(tall)) * level;
    const [left, right] = [Math.floor(((box[0] - x0) / (x1 - x0)) * columns), Math.ceil(((box[1] - x0) / (x1 - x0)) * columns)];
    const [low, high] = [Math.floor(((box[2] - y0) / (y1 - y0)) * rows), Math.ceil(((box[3] - y0) / (y1 - y0)) * rows)];
    if ((right - left) * (high - low) > MOST && level > 1) continue;
    const find = createFinder(full);
    const centres: number[] = [];
    for (let i = low; i < high; i++) {
      for (let j = left; j < right; j++) {
        const [x, y] = [x0 + ((j + 0.5) / columns) * (x1 - x0), y0 + ((i + 0.5) / rows) * (y1 - y0)];
        if (!free || find.holds(x, y)) centres.push(...find(x, y));
      }
    }
    // the page has the extent's area, so each part of it stands for its share of the measure
    const mean = density.reduce((sum, value) => sum + value, 0) / density.length;
    const part = ((x1 - x0) * (y1 - y0)) / (rows * columns);
    return indicatrices(field, Float64Array.from(centres), REACH * Math.sqrt(mean * part));
  }
}

/** How many centres lie beside each other, and one above the other, on a box of the page. */
function freeCounts({ page, width, height }: Scene, [x0, x1, y0, y1]: Extent): [number, number] {
  return [((x1 - x0) / (page[1] - page[0])) * (width / PITCH), ((y1 - y0) / (page[3] - page[2])) * (height / PITCH)];
}

/** Where the seen part of the page lies on the cartogram: a box around it. */
function reach(scene: Scene, full: Mesh): Extent {
  const find = createFinder(scene.mesh);
  const plane: number[] = [];
  for (let i = 0; i <= 12; i++) {
    for (let j = 0; j <= 12; j++) plane.push(...find(...toPage(scene, (scene.width * j) / 12, (scene.height * i) / 12)));
  }
  const page = moveOntoPage(full, plane);
  return boundsOf(page);
}
