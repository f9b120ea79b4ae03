import { describe, expect, it } from "vitest";
import { averageOntoCorners, density, mix, shares } from "../../src/field/field";

const tensors = Float32Array.from([2, 0.5, 1, 3, -1, 4, 5, 0, 5]);

/** [[E, F], [F, G]] of cell k. */
function matrix(metric: Float32Array, k: number): number[][] {
  const [e, f, g] = [metric[3 * k], metric[3 * k + 1], metric[3 * k + 2]];
  return [
    [e, f],
    [f, g],
  ];
}

function product(a: number[][], b: number[][]): number[][] {
  return a.map((row) => b[0].map((_, j) => row[0] * b[0][j] + row[1] * b[1][j]));
}

describe("mixed", () => {
  it("adds by weight and leaves out what is off", () => {
    const other = tensors.map((v) => 10 * v);
    expect(Array.from(mix([tensors, other], [2, 0.5], 1)!)).toEqual(Array.from(tensors.map((v) => 7 * v)));
    expect(Array.from(mix([tensors, other], [0, 1], 1)!)).toEqual(Array.from(other));
    expect(mix([tensors], [0], 1)).toBeNull();
  });

  it("tempers by the matrix power: two halves make a whole, nothing makes the identity", () => {
    const half = mix([tensors], [1], 0.5)!;
    const none = mix([tensors], [1], 0)!;
    for (let k = 0; k < 3; k++) {
      const squared = product(matrix(half, k), matrix(half, k));
      squared.forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(matrix(tensors, k)[i][j], 5)));
      expect(matrix(none, k).flat()).toEqual([1, 0, 0, 1].map((v) => expect.closeTo(v, 6)));
    }
  });

  it("keeps a nearly flat tensor positive", () => {
    const flat = mix([Float32Array.from([1e6, 0, 1e-6])], [1], 0.5)!;
    expect(flat[0]).toBeCloseTo(1e3, 2);
    expect(flat[2]).toBeCloseTo(1e-3, 6);
  });
});

describe("density", () => {
  it("is the root of the determinant", () => {
    expect(Array.from(density(tensors))).toEqual([Math.sqrt(1.75), Math.sqrt(11), 5].map((v) => expect.closeTo(v, 6)));
  });
});

describe("shares", () => {
  it("are parts of the mean trace and sum to one", () => {
    const one = Float32Array.from([1, 0, 1]);
    const three = Float32Array.from([3, 1, 3]);
    expect(shares([one, three], [3, 1])).toEqual([0.5, 0.5]);
    expect(shares([one, three], [0, 0])).toEqual([0, 0]);
  });
});

describe("onCorners", () => {
  it("averages the cells around a corner, fewer at the border", () => {
    const corners = averageOntoCorners(Float32Array.from([1, 3, 5, 7]), [2, 2]);
    expect(Array.from(corners)).toEqual([1, 2, 3, 3, 4, 5, 5, 6, 7]);
  });
});
