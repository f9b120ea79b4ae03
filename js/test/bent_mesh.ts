/** A map with a free outline for tests: bend, shear and swirl, without folds, its lower border a bay. */

import { flatMesh, type Mesh } from "../src/field/mesh";
import type { Extent } from "../src/types";

export const SQUARE: Extent = [-1, 1, -1, 1];

/** The plane bent upwards around its lower border by 2 radians, sheared, and turned by 0.4 (1 − r²) in its middle. */
export function bentMesh(cells: number, extent: Extent = SQUARE): Mesh {
  const mesh = flatMesh(extent, [cells, cells]);
  const c = mesh.corners;
  for (let k = 0; k < c.length; k += 2) {
    const [x, y] = [c[k], c[k + 1]];
    const turn = 0.4 * Math.max(1 - x * x - y * y, 0);
    const [u, v] = [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)];
    const radius = 1.6 + v;
    c[k] = radius * Math.sin(u) + 0.2 * radius * Math.cos(u) - 0.3;
    c[k + 1] = radius * Math.cos(u) - 1.2;
  }
  return mesh;
}
