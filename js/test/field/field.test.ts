import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { averageOntoCorners, density, meanDensity, mix, normaliseWeights, shares } from "../../src/field/field";

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

  it("gives equal weights equal parts, whatever the units, and leaves a single measure as it is", () => {
    const [large, small] = [tensors.map((v) => 1e6 * v), Float32Array.from([1, 0, 4, 2, 1, 3, 1, 0, 1])];
    const means = [large, small].map(meanDensity);
    expect(means[0]).toBeCloseTo((1e6 * (Math.sqrt(1.75) + Math.sqrt(11) + 5)) / 3, 0);
    expect(means[1]).toBeCloseTo((2 + Math.sqrt(5) + 1) / 3, 12);
    const mixed = mix([large, small], normaliseWeights([1, 1], means), 1)!;
    mixed.forEach((v, k) => expect(v).toBeCloseTo(large[k] / means[0] + small[k] / means[1], 5));
    expect(normaliseWeights([0.5, 0], means)).toEqual([0.5, 0]);
    expect(normaliseWeights([0, 0], means)).toEqual([0, 0]);
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

interface Mixtures {
  shape: [number, number];
  fields: number[][];
  cases: { weights: number[]; temper: number; smoothing: number; mixed: number[] }[];
}

const mixtures = JSON.parse(readFileSync(resolve(__dirname, "../fixtures/mixtures.json"), "utf8")) as Mixtures;

describe.each(mixtures.cases)("the mixture of Python with weights $weights, temper $temper", ({ weights, temper, smoothing, mixed }) => {
  it("is that of the browser", () => {
    const fields = mixtures.fields.map((field) => Float32Array.from(field));
    const found = mix(fields, normaliseWeights(weights, fields.map(meanDensity)), temper, mixtures.shape, smoothing)!;
    const largest = Math.max(...mixed.map(Math.abs));
    expect(found.length).toBe(mixed.length);
    found.forEach((value, k) => expect(Math.abs(value - mixed[k])).toBeLessThan(1e-6 * largest));
  });
});

describe("density", () => {
  it("is the root of the determinant", () => {
    expect(Array.from(density(tensors))).toEqual([Math.sqrt(1.75), Math.sqrt(11), 5].map((v) => expect.closeTo(v, 6)));
  });
});

describe("shares", () => {
  it("are parts of the mean density and sum to one", () => {
    expect(shares([3, 1], [1, 3])).toEqual([0.5, 0.5]);
    expect(shares([0, 0], [1, 3])).toEqual([0, 0]);
    expect(shares(normaliseWeights([1, 3], [1e-4, 70]), [1e-4, 70])).toEqual([0.25, 0.75].map((v) => expect.closeTo(v, 12)));
  });
});

describe("onCorners", () => {
  it("averages the cells around a corner, fewer at the border", () => {
    const corners = averageOntoCorners(Float32Array.from([1, 3, 5, 7]), [2, 2]);
    expect(Array.from(corners)).toEqual([1, 2, 3, 3, 4, 5, 5, 6, 7]);
  });
});
