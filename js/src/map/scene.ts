/** What a map shows, and where on the screen: between plane units of the page and pixels of the plot. */

import type { Mesh } from "../field/mesh";
import type { PathDrawing } from "../geodesics/paths";
import type { EikonalProblem } from "../geodesics/problem";
import type { DensityScale } from "../style/density_scale";
import type { Extent, Point, Ramp, Shown } from "../types";

export const MARGIN = { left: 46, right: 12, top: 10, bottom: 40 };

/** All that the map shows, in plane coordinates; `width` and `height` are the plot's pixels. */
export interface Scene extends PathDrawing {
  width: number;
  height: number;
  mesh: Mesh;
  /** How `mesh` came about, (1 − t)·from + t·to, for a card that can do that itself. */
  morph?: { from: Float64Array; to: Float64Array; t: number };
  /** The whole page: the extent, or a rectangle around a map that does not fill it. */
  page: Extent;
  /** Whether the map's outline is free: cells may lie beyond the extent, and the page may show beyond the map. */
  free: boolean;
  /** The part of the page that is seen. */
  pane: Extent;
  axes: [string, string];
  shown: Shown;
  start: Point;
  end: Point;
  /** Lines of equal density, and polygons of SIDES corners each; only where they are shown. */
  contours?: Float64Array[];
  ellipses?: Float64Array;
  /** Cells that stand out: those whose density lies in the range. */
  highlight?: { density: Float32Array; range: [number, number] };
}

/** The mixture of measures that is drawn, and its colours. */
export interface DrawnField {
  /** The field itself, made ready for paths. */
  problem: EikonalProblem;
  /** Each measure's weight in it. */
  weights: number[];
  scale: DensityScale;
  density: Float32Array;
  /** Positions of the corners on the ramp, 0 to 1. */
  places: Float32Array;
}

/** Colours of the map: places of the corners, 0 to 1, on one of the palette's ramps, or for labels a colour for each cell. */
export type Shading = { by: Ramp; places: Float32Array } | { by: "label"; cells: Uint32Array };

/** Plane units of the page to pixels of the plot, y up. */
export function toPixels(scene: Pick<Scene, "pane" | "width" | "height">, page: ArrayLike<number>): Float64Array {
  const [x0, x1, y0, y1] = scene.pane;
  const out = new Float64Array(page.length);
  for (let k = 0; k < page.length; k += 2) {
    out[k] = ((page[k] - x0) / (x1 - x0)) * scene.width;
    out[k + 1] = ((y1 - page[k + 1]) / (y1 - y0)) * scene.height;
  }
  return out;
}

export function toPage(scene: Pick<Scene, "pane" | "width" | "height">, px: number, py: number): Point {
  const [x0, x1, y0, y1] = scene.pane;
  return [x0 + (px / scene.width) * (x1 - x0), y1 - (py / scene.height) * (y1 - y0)];
}
