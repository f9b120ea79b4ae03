/** How true the areas of a map are: each cell's area on the page against what the measure asks for. */

import palette from "../../../latent_widget/figures/palette.json";
import { averageOntoCorners } from "./field";
import type { Mesh } from "./mesh";

/** Octaves at which the colours end, on either side. */
export const OCTAVES = palette.area_error_octaves;

/**
 * log₂ of each cell's area over its target, the cell's part in the integral of the density; 0 is true, 1 twice too large.
 * A cell that is folded over, or whose density is 0, gives ∓∞.
 */
export function areaErrors(mesh: Mesh, density: ArrayLike<number>): Float32Array {
  const [rows, columns] = mesh.shape;
  const [x0, x1, y0, y1] = mesh.extent;
  const c = mesh.corners;
  const stride = 2 * (columns + 1);
  let total = 0;
  for (let k = 0; k < density.length; k++) total += density[k];
  const unit = ((x1 - x0) * (y1 - y0)) / total;
  const errors = new Float32Array(rows * columns);
  for (let i = 0, n = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, n++) {
      const a = i * stride + 2 * j;
      const d = a + stride;
      // half the cross product of the diagonals
      const area = ((c[d + 2] - c[a]) * (c[d + 1] - c[a + 3]) - (c[d] - c[a + 2]) * (c[d + 3] - c[a + 1])) / 2;
      errors[n] = Math.log2(Math.max(area, 0) / (density[n] * unit));
    }
  }
  return errors;
}

/** Places of the corners on the diverging ramp: 0 for OCTAVES too small, 1/2 for true, 1 for OCTAVES too large. */
export function errorPlaces(mesh: Mesh, density: ArrayLike<number>): Float32Array {
  const places = areaErrors(mesh, density).map((error) => Math.min(Math.max(0.5 + error / (2 * OCTAVES), 0), 1));
  return averageOntoCorners(places, mesh.shape);
}
