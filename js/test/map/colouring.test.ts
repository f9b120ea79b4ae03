import { describe, expect, it } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import { createColouring, regionColours, regions, relativeErrors } from "../../src/map/colouring";
import { rasteriseCells } from "../../src/map/cpu_renderer";
import type { DrawnField } from "../../src/map/scene";
import type { Atlas } from "../../src/model/atlas";
import { DARK, LIGHT } from "../../src/style/colour";
import { densityScale } from "../../src/style/density_scale";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [0, 3, 0, 2];

function scattered(count: number, labels: number) {
  let seed = 11;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  return {
    plane: Float32Array.from({ length: 2 * count }, (_, k) => random() ** 2 * (k % 2 ? 2 : 3)),
    labels: Int32Array.from({ length: count }, () => Math.floor(random() * labels)),
    names: Array.from({ length: labels }, (_, k) => String(k)),
  };
}

describe("regions of labels", () => {
  it.each([[1, 1], [5, 3], [300, 4], [2000, 1000]])("of %i points are the majority that a search of all finds", (count, labels) => {
    const points = scattered(count, labels);
    const found = regions(points, [7, 12], EXTENT);
    for (let n = 0; n < 84; n++) {
      const [x, y] = [((n % 12) + 0.5) / 4, (Math.floor(n / 12) + 0.5) * (2 / 7)];
      const all = Array.from({ length: count }, (_, k) => ({
        d: (points.plane[2 * k] - x) ** 2 + (points.plane[2 * k + 1] - y) ** 2,
        label: points.labels[k],
      })).sort((a, b) => a.d - b.d);
      const near = all.slice(0, 7).map(({ label }) => label);
      const votes = (label: number) => near.filter((other) => other === label).length;
      expect(votes(found.labels[n])).toBe(Math.max(...near.map(votes)));
      expect(found.gaps[n]).toBeCloseTo(Math.sqrt(all[0].d) / Math.hypot(3, 2), 6);
      expect(found.shares[n]).toBeCloseTo(votes(found.labels[n]) / near.length, 6);
    }
  });

  it("are painted one colour a cell, paler where fewer agree", () => {
    const words = regionColours({ labels: Int32Array.of(0, 0, 1), shares: Float32Array.of(1, 0.4, 1), gaps: new Float32Array(3) }, 2, LIGHT);
    const far = (word: number) => Math.abs((word & 255) - parseInt(LIGHT.ramp[0].slice(1, 3), 16));
    expect(far(words[0])).toBeGreaterThan(far(words[1]));
    const away = regionColours({ labels: Int32Array.of(0, 0), shares: Float32Array.of(1, 1), gaps: Float32Array.of(0.01, 0.4) }, 2, LIGHT);
    expect(far(away[0])).toBeGreaterThan(3 * far(away[1]));
    expect(words[2]).not.toBe(words[0]);
    const pixels = new Uint32Array(30 * 10);
    rasteriseCells(pixels, 30, 10, flatMesh([0, 3, 0, 1], [1, 3]), words);
    pixels.forEach((word, k) => expect(word).toBe(words[Math.floor((k % 30) / 10)]));
  });
});

describe("shades", () => {
  const fields = [Float32Array.of(1, 0, 1, 3, 0, 1), Float32Array.of(2, 0, 2, 2, 0, 2)];
  const atlas = { extent: EXTENT, shape: [1, 2], axes: ["x", "y"], names: ["a", "b_c"], fields, points: null, sprites: null } as never as Atlas;
  const ground = (weights: number[]) =>
    ({ weights, density: Float32Array.of(1, 2), scale: densityScale([1, 2]), places: new Float32Array(6).fill(0.5) }) as never as DrawnField;

  it("weigh errors by what each measure adds", () => {
    const errors = [Float32Array.of(0.1, 0.2), Float32Array.of(0.4, 0)];
    expect(Array.from(relativeErrors({ fields, errors }, [1, 1]), (e) => Number(e.toFixed(6)))).toEqual([0.3, 0.1]);
    expect(Array.from(relativeErrors({ fields, errors: [errors[0], null] }, [1, 5]), (e) => Number(e.toFixed(6)))).toEqual([0.1, 0.2]);
  });

  it("tell what is not open, and show the density there and say so", () => {
    const shades = createColouring({ ...atlas, errors: [null, Float32Array.of(0.1, 0.2)] });
    expect(shades.whyClosed("density", [1, 0])).toBe("");
    expect(shades.whyClosed("label", [1, 0])).toContain("no labelled points");
    expect(shades.whyClosed("standard_error", [1, 0])).not.toBe("");
    expect(shades.whyClosed("standard_error", [1, 1])).toBe("");
    expect(shades.shade("label", ground([1, 0]), flatMesh(EXTENT, [1, 2]), DARK).by).toBe("density");
    expect(shades.key("label", ground([1, 0]), 1).by).toBe("density");
    const key = shades.key("standard_error", ground([1, 1]), 1);
    expect(key.title).toContain("Relative error of b c");
  });
});
