import { describe, expect, it } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import { createColouring, regionColours, relativeErrors } from "../../src/map/colouring";
import { rasteriseCells } from "../../src/map/cpu_renderer";
import type { DrawnField } from "../../src/map/scene";
import type { Atlas } from "../../src/model/atlas";
import { DARK, LIGHT } from "../../src/style/colour";
import { densityScale } from "../../src/style/density_scale";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [0, 3, 0, 2];

describe("regions of labels", () => {
  it("are painted one colour a cell, paler where they are weaker", () => {
    const words = regionColours({ labels: Int32Array.of(0, 0, 1), strength: Float32Array.of(0.55, 0.1, 0.55) }, 2, LIGHT);
    const far = (word: number) => Math.abs((word & 255) - parseInt(LIGHT.ramp[0].slice(1, 3), 16));
    expect(far(words[0])).toBeGreaterThan(3 * far(words[1]));
    expect(words[2]).not.toBe(words[0]);
    const none = regionColours({ labels: Int32Array.of(1), strength: Float32Array.of(0) }, 2, LIGHT);
    expect(far(none[0])).toBe(0);
    const pixels = new Uint32Array(30 * 10);
    rasteriseCells({ pixels, width: 30, height: 10 }, flatMesh([0, 3, 0, 1], [1, 3]), words);
    pixels.forEach((word, k) => expect(word).toBe(words[Math.floor((k % 30) / 10)]));
  });
});

describe("colouring", () => {
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
    const colouring = createColouring({ ...atlas, errors: [null, Float32Array.of(0.1, 0.2)] });
    expect(colouring.whyClosed("density", [1, 0])).toBe("");
    expect(colouring.whyClosed("label", [1, 0])).toContain("no labelled points");
    const away = createColouring({ ...atlas, errors: [], points: { labels: Int32Array.of(0), regions: null } as never });
    expect(away.whyClosed("label", [1, 0])).toContain("no labelled point lies on the map");
    expect(colouring.whyClosed("standard_error", [1, 0])).not.toBe("");
    expect(colouring.whyClosed("standard_error", [1, 1])).toBe("");
    expect(colouring.shade("label", ground([1, 0]), flatMesh(EXTENT, [1, 2]), DARK).by).toBe("density");
    expect(colouring.key("label", ground([1, 0]), 1).by).toBe("density");
    const key = colouring.key("standard_error", ground([1, 1]), 1);
    expect(key.title).toContain("Relative error of b c");
  });
});
