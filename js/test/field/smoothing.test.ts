import { describe, expect, it } from "vitest";
import { mix } from "../../src/field/field";
import { gaussian, smooth } from "../../src/field/smoothing";

// the same closed form holds Field.smooth in tests/test_field.py
describe("smoothing", () => {
  it.each([[0.4], [1], [2.3], [6]])("damps each wave as the kernel does, by %s cells", (cells) => {
    const [rows, columns] = [6, 9];
    const weights = gaussian(cells);
    const reach = (weights.length - 1) / 2;
    const damping = (order: number, n: number) =>
      weights.reduce((sum, weight, k) => sum + weight * Math.cos((Math.PI * order * (k - reach)) / n), 0);
    const wave = (i: number, j: number) => Math.cos((Math.PI * 2 * (i + 0.5)) / rows) * Math.cos((Math.PI * 3 * (j + 0.5)) / columns);
    const metric = new Float32Array(3 * rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) metric.set([4, 1, 2].map((entry) => entry * (2 + wave(i, j))), 3 * (i * columns + j));
    }
    const even = smooth(metric, [rows, columns], cells);
    const part = damping(2, rows) * damping(3, columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const k = 3 * (i * columns + j);
        expect(even[k]).toBeCloseTo(4 * (2 + part * wave(i, j)), 5);
        expect(even[k + 1]).toBeCloseTo(2 + part * wave(i, j), 5);
        expect(even[k + 2]).toBeCloseTo(2 * (2 + part * wave(i, j)), 5);
      }
    }
  });

  it("comes before tempering, and is nothing at 0", () => {
    const metric = Float32Array.of(1, 0, 1, 9, 0, 9);
    expect(mix([metric], [1], 1, [1, 2], 0)).toEqual(metric);
    const [weights, both] = [gaussian(0.5), mix([metric], [1], 0.5, [1, 2], 0.5)!];
    // of 5 weights the two beyond the border come back mirrored
    const own = weights[2] + weights[1];
    const other = weights[3] + weights[4] + weights[0];
    expect(both[0]).toBeCloseTo(Math.sqrt(own * 1 + other * 9), 5);
  });
});
