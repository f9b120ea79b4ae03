/** Cells that stand out, because their density lies in a range: all others are dimmed. */

import type { Mesh } from "../field/mesh";
import type { Palette } from "../style/colour";
import { toPixels, type Scene } from "./scene";

const DIMMED = 0.78;

/**
 * Outlines of the cells outside the range as closed polygons of corners, one for each run of neighbours in a row: indices
 * of corners, along the lower edge and back along the upper.
 */
export function isDimmed(density: ArrayLike<number>, [rows, columns]: Mesh["shape"], [low, high]: [number, number]): Int32Array[] {
  // a range that reaches Python and back, or through a power of ten, may miss its own ends by round-off
  const [from, to] = [low * (1 - 1e-6), high * (1 + 1e-6)];
  const runs: Int32Array[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const first = j;
      while (j < columns && !(density[i * columns + j] >= from && density[i * columns + j] <= to)) j++;
      if (j === first) continue;
      const length = j - first + 1;
      const corner = i * (columns + 1) + first;
      const run = new Int32Array(2 * length);
      for (let k = 0; k < length; k++) {
        run[k] = corner + k;
        run[2 * length - 1 - k] = corner + columns + 1 + k;
      }
      runs.push(run);
    }
  }
  return runs;
}

/** Fades the cells outside the range into the paper, underneath what the canvas shows already. */
export function dimOthers(
  context: CanvasRenderingContext2D,
  scene: Scene,
  { density, range }: NonNullable<Scene["highlight"]>,
  palette: Palette,
  ratio: number,
): void {
  const pixels = toPixels(scene, scene.mesh.corners);
  context.save();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.globalCompositeOperation = "destination-over";
  context.globalAlpha = DIMMED;
  context.fillStyle = palette.paper;
  // one path, so that the edges between neighbours leave no seams
  context.beginPath();
  for (const run of isDimmed(density, scene.mesh.shape, range)) {
    run.forEach((corner, k) => {
      const [x, y] = [pixels[2 * corner], pixels[2 * corner + 1]];
      if (k === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.closePath();
  }
  context.fill();
  context.restore();
}
