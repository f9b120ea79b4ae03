import { describe, expect, it } from "vitest";
import { density, tensorAt } from "../../src/field/field";
import { flatMesh } from "../../src/field/mesh";
import { ellipsesInSight, indicatrices, SIDES } from "../../src/map/indicatrices";
import type { Scene } from "../../src/map/scene";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [-1, 1, -1, 1];

function fieldOf(rows: number, columns: number, tensor: (x: number, y: number) => [number, number, number]) {
  const metric = new Float32Array(3 * rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      metric.set(tensor(-1 + (2 * (j + 0.5)) / columns, -1 + (2 * (i + 0.5)) / rows), 3 * (i * columns + j));
    }
  }
  return { shape: [rows, columns] as [number, number], extent: EXTENT, metric };
}

describe("indicatrices", () => {
  it("are the points at one length of the metric from their centre", () => {
    const field = fieldOf(6, 6, () => [4, 1, 2]);
    const polygon = indicatrices(field, Float64Array.of(0.2, -0.1), 0.3);
    expect(polygon).toHaveLength(2 * SIDES);
    for (let k = 0; k < polygon.length; k += 2) {
      const [u, v] = [polygon[k] - 0.2, polygon[k + 1] + 0.1];
      expect(4 * u * u + 2 * u * v + 2 * v * v).toBeCloseTo(0.09, 6);
    }
  });

  it("shrink to their centre where the metric is singular", () => {
    const polygon = indicatrices(fieldOf(2, 2, () => [1, 1, 1]), Float64Array.of(0, 0), 1);
    expect(polygon.every((v) => v === 0)).toBe(true);
  });

  it("read a tensor that is linear in the plane exactly", () => {
    const field = fieldOf(8, 5, (x, y) => [3 + x, 0.5 * y, 3 - x + y]);
    const [e, f, g] = tensorAt(field, 0.31, -0.22);
    expect(e).toBeCloseTo(3.31, 6);
    expect(f).toBeCloseTo(-0.11, 6);
    expect(g).toBeCloseTo(3 - 0.31 - 0.22, 6);
  });

  it("are as many as before on the whole map, and closer together when zoomed", () => {
    const field = fieldOf(8, 8, () => [1, 0, 1]);
    const full = flatMesh(EXTENT, [8, 8]);
    const scene = { width: 460, height: 460, mesh: full, page: EXTENT, pane: EXTENT } as Scene;
    const rho = density(field.metric);
    const whole = ellipsesInSight(scene, field, rho, full);
    expect(whole.length / (2 * SIDES)).toBe(100);
    const near = ellipsesInSight({ ...scene, pane: [0, 0.5, 0, 0.5] }, field, rho, full);
    const count = near.length / (2 * SIDES);
    expect(count).toBeGreaterThanOrEqual(100);
    expect(count).toBeLessThan(200);
    // a quarter of the width and a quarter of the radius: the same pixels
    const wide = (p: Float64Array) => Math.max(...p.filter((_, k) => k < 2 * SIDES && k % 2 === 0)) - p[0];
    expect(Math.abs(wide(near))).toBeCloseTo(Math.abs(wide(whole)) / 4, 6);
    expect(whole[0] - whole[SIDES]).toBeCloseTo((2 * 0.3 * 2) / 10, 6);
  });
});
