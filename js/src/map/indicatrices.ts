/**
 * Indicatrices of the metric: ellipses {v : vᵀ G v = r²} of one radius r in the measure's own length. Their centres lie evenly
 * on the cartogram, so every ellipse stands for the same share of the measure: on the latent plane they crowd where the density
 * is high, and on the stretched map they have one area, and show by their shape what no stretching of areas can remove.
 */

import palette from "../../../latent_widget/figures/palette.json";
import { tensorAt } from "../field/field";
import { createFinder, moveOntoPage, type Mesh } from "../field/mesh";
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
  const [x0, x1, y0, y1] = full.extent;
  const times = closeness(scene.pane, full.extent);
  const box = times > 1 ? reach(scene, full) : full.extent;
  let level = 2 ** Math.round(Math.log2(times));
  for (; ; level /= 2) {
    const columns = Math.max(2, Math.round(scene.width / PITCH)) * level;
    const rows = Math.max(2, Math.round(scene.height / PITCH)) * level;
    const [left, right] = [Math.floor(((box[0] - x0) / (x1 - x0)) * columns), Math.ceil(((box[1] - x0) / (x1 - x0)) * columns)];
    const [low, high] = [Math.floor(((box[2] - y0) / (y1 - y0)) * rows), Math.ceil(((box[3] - y0) / (y1 - y0)) * rows)];
    if ((right - left) * (high - low) > MOST && level > 1) continue;
    const find = createFinder(full);
    const centres: number[] = [];
    for (let i = low; i < high; i++) {
      for (let j = left; j < right; j++) {
        centres.push(...find(x0 + ((j + 0.5) / columns) * (x1 - x0), y0 + ((i + 0.5) / rows) * (y1 - y0)));
      }
    }
    const cell = ((x1 - x0) * (y1 - y0)) / density.length;
    const total = density.reduce((sum, value) => sum + value, 0) * cell;
    return indicatrices(field, Float64Array.from(centres), REACH * Math.sqrt(total / (rows * columns)));
  }
}

/** Where the seen part of the page lies on the cartogram: a box around it. */
function reach(scene: Scene, full: Mesh): Extent {
  const find = createFinder(scene.mesh);
  const plane: number[] = [];
  for (let i = 0; i <= 12; i++) {
    for (let j = 0; j <= 12; j++) plane.push(...find(...toPage(scene, (scene.width * j) / 12, (scene.height * i) / 12)));
  }
  const page = moveOntoPage(full, plane);
  const box: Extent = [Infinity, -Infinity, Infinity, -Infinity];
  for (let k = 0; k < page.length; k += 2) {
    for (const axis of [0, 1]) {
      box[2 * axis] = Math.min(box[2 * axis], page[k + axis]);
      box[2 * axis + 1] = Math.max(box[2 * axis + 1], page[k + axis]);
    }
  }
  return box;
}
