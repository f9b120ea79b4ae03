import { describe, expect, it } from "vitest";
import { isolines } from "../../src/field/contours";
import { density, mix, tensorAt } from "../../src/field/field";
import { flatMesh } from "../../src/field/mesh";
import { ellipsesInSight, indicatrices, SIDES } from "../../src/map/indicatrices";
import type { Scene } from "../../src/map/scene";
import { densityScale } from "../../src/style/density_scale";
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
      const [u, v] = [polygon[k]! - 0.2, polygon[k + 1]! + 0.1];
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
    const scene = { width: 460, height: 460, mesh: full, pane: EXTENT } as Scene;
    const rho = density(field.metric);
    const whole = ellipsesInSight(scene, field, rho, full);
    expect(whole.length / (2 * SIDES)).toBe(100);
    const near = ellipsesInSight({ ...scene, pane: [0, 0.5, 0, 0.5] }, field, rho, full);
    const count = near.length / (2 * SIDES);
    expect(count).toBeGreaterThanOrEqual(100);
    expect(count).toBeLessThan(200);
    // a quarter of the width and a quarter of the radius: the same pixels
    const wide = (p: Float64Array) => Math.max(...p.filter((_, k) => k < 2 * SIDES && k % 2 === 0)) - p[0]!;
    expect(Math.abs(wide(near))).toBeCloseTo(Math.abs(wide(whole)) / 4, 6);
    expect(whole[0]! - whole[SIDES]!).toBeCloseTo((2 * 0.3 * 2) / 10, 6);
  });
});

describe("isolines", () => {
  const corners = (rows: number, columns: number, f: (x: number, y: number) => number) =>
    Float32Array.from({ length: (rows + 1) * (columns + 1) }, (_, k) =>
      f(-1 + (2 * (k % (columns + 1))) / columns, -1 + (2 * Math.floor(k / (columns + 1))) / rows),
    );

  it("of a cone are closed circles", () => {
    const lines = isolines(corners(64, 40, Math.hypot), [64, 40], EXTENT, 0.6);
    expect(lines).toHaveLength(1);
    const line = lines[0]!;
    expect([line[0], line[1]]).toEqual([line[line.length - 2], line[line.length - 1]]);
    for (let k = 0; k < line.length; k += 2) expect(Math.hypot(line[k]!, line[k + 1]!)).toBeCloseTo(0.6, 2);
  });

  it("of a slope run from border to border", () => {
    const lines = isolines(corners(5, 9, (x, y) => x + 0.2 * y), [5, 9], EXTENT, 0.1);
    expect(lines).toHaveLength(1);
    const ends = [lines[0]![1]!, lines[0]![lines[0]!.length - 1]!].sort();
    expect(ends).toEqual([-1, 1]);
  });

  it("part a saddle in two, whichever way it leans", () => {
    for (const lift of [-0.05, 0.05]) {
      const lines = isolines(corners(7, 7, (x, y) => x * y + lift), [7, 7], EXTENT, 0);
      expect(lines).toHaveLength(2);
    }
  });

  it("are none where nothing changes", () => {
    expect(isolines(new Float32Array(25), [4, 4], EXTENT, 0)).toEqual([]);
  });
});

describe("contour levels", () => {
  it("lie inside the density's range, evenly or by decades", () => {
    expect(densityScale([1, 5]).levels).toContain(3);
    expect(densityScale([0.5, 20]).levels).toEqual([1, 2, 5, 10]);
    expect(densityScale([1e-7, 3]).levels.length).toBeLessThan(10);
    expect(densityScale([2, 2]).levels).toEqual([]);
    const metric = mix([Float32Array.of(1, 0, 1)], [2], 1)!;
    expect(densityScale(density(metric)).ticks).toEqual([2]);
  });
});
