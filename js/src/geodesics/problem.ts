/** The eikonal problem of a field, prepared once: the spline of the metric, and the lattice on which marches run. */

import constants from "../../../latent_widget/geodesics/constants.json";
import type { Extent, MetricField } from "../types";
import { stencils, type Stencils } from "./selling";
import { sample, spline, type Spline } from "./spline";
import type { Steps } from "./steps";

/** Cells along the longer side of the lattice that is marched. */
const MARCHED = constants.marched;

/** A field with its spline, and the size of the lattice that is marched; everything about paths starts from here. */
export interface EikonalProblem {
  readonly field: MetricField;
  readonly spline: Spline;
  readonly height: number;
  readonly width: number;
}

/** The lattice that is marched: tensors E, F, G in its index coordinates, and their stencils. */
export interface MarchLattice {
  readonly metric: Float64Array;
  readonly stencils: Stencils;
}

export function prepare(field: MetricField): EikonalProblem {
  const [height, width] = field.shape;
  if (field.metric.length !== 3 * height * width) {
    throw new RangeError(`metric holds ${field.metric.length} numbers, a ${height} x ${width} field needs ${3 * height * width}`);
  }
  const scale = MARCHED / Math.max(height, width);
  return {
    field,
    spline: spline(field),
    height: Math.max(Math.round(height * scale), 2),
    width: Math.max(Math.round(width * scale), 2),
  };
}

export function* prepareLattice({ field, spline, height, width }: EikonalProblem): Steps<MarchLattice> {
  yield;
  const metric = Math.max(...field.shape) > MARCHED ? average(field, height, width) : sample(spline, height, width);
  return { metric, stencils: yield* stencils(metric, height, width) };
}

/** Tensors of a coarser lattice over the same extent, in its index coordinates: means over the cells' areas. */
function average(field: MetricField, h: number, w: number): Float64Array {
  const [height, width] = field.shape;
  const [x0, x1, y0, y1] = field.extent;
  const unit = [((x1 - x0) / w) ** 2, ((x1 - x0) * (y1 - y0)) / (w * h), ((y1 - y0) / h) ** 2];
  const rows = overlaps(height, h);
  const columns = overlaps(width, w);
  const out = new Float64Array(3 * h * w);
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      for (const [r, weightY] of rows[i]) {
        for (const [s, weightX] of columns[j]) {
          for (let c = 0; c < 3; c++) {
            out[3 * (i * w + j) + c] += unit[c] * weightY * weightX * field.metric[3 * (r * width + s) + c];
          }
        }
      }
    }
  }
  return out;
}

/** For every one of `blocks` equal parts of a row of cells: which cells lie under it, with what share. */
function overlaps(cells: number, blocks: number): [number, number][][] {
  const size = cells / blocks;
  return Array.from({ length: blocks }, (_, block) => {
    const low = block * size;
    const high = low + size;
    const shares: [number, number][] = [];
    for (let cell = Math.floor(low); cell < Math.min(Math.ceil(high), cells); cell++) {
      const share = (Math.min(high, cell + 1) - Math.max(low, cell)) / size;
      if (share > 1e-12) shares.push([cell, share]);
    }
    return shares;
  });
}

/** Plane points to index coordinates of an h × w lattice over the extent; points outside go to the nearest edge. */
export function toIndex([x0, x1, y0, y1]: Extent, h: number, w: number, points: ArrayLike<number>): Float64Array {
  const out = new Float64Array(points.length);
  for (let k = 0; k < points.length; k += 2) {
    out[k] = Math.min(Math.max(((points[k] - x0) / (x1 - x0)) * w, 0), w) - 0.5;
    out[k + 1] = Math.min(Math.max(((points[k + 1] - y0) / (y1 - y0)) * h, 0), h) - 0.5;
  }
  return out;
}

/** Plane points to index coordinates of the field itself. */
export function toCells({ field }: EikonalProblem, points: ArrayLike<number>): Float64Array {
  return toIndex(field.extent, ...field.shape, points);
}

/** Index coordinates of the field to plane points. */
export function toPlane({ field }: EikonalProblem, points: Float64Array): Float64Array {
  const [x0, x1, y0, y1] = field.extent;
  const [height, width] = field.shape;
  const out = new Float64Array(points.length);
  for (let k = 0; k < points.length; k += 2) {
    out[k] = x0 + ((points[k] + 0.5) * (x1 - x0)) / width;
    out[k + 1] = y0 + ((points[k + 1] + 0.5) * (y1 - y0)) / height;
  }
  return out;
}
