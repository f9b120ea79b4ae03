import { describe, expect, it } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import { coarseness, rasterise } from "../../src/map/cpu_renderer";

const words = Uint32Array.from({ length: 256 }, (_, k) => k);

describe("rasterise", () => {
  it("shades a flat mesh as the corners say, y up", () => {
    const mesh = flatMesh([0, 1, 0, 1], [4, 4]);
    const places = Float32Array.from({ length: 25 }, (_, k) => Math.floor(k / 5) / 4);
    const pixels = new Uint32Array(20 * 10);
    rasterise({ pixels, width: 20, height: 10 }, mesh, places, words);
    for (let y = 0; y < 10; y++) {
      const truth = 255 * (1 - (y + 0.5) / 10);
      for (let x = 0; x < 20; x++) expect(Math.abs(pixels[y * 20 + x] - truth)).toBeLessThanOrEqual(1);
    }
  });

  it("shows a part of the mesh as it stands in the whole", () => {
    const mesh = flatMesh([0, 1, 0, 1], [4, 4]);
    const places = Float32Array.from({ length: 25 }, (_, k) => ((k % 5) + Math.floor(k / 5)) / 8);
    const whole = new Uint32Array(40 * 40);
    rasterise({ pixels: whole, width: 40, height: 40 }, mesh, places, words);
    const part = new Uint32Array(20 * 10);
    rasterise({ pixels: part, width: 20, height: 10 }, mesh, places, words, [0.25, 0.75, 0.5, 0.75]);
    for (let y = 0; y < 10; y++) {
      for (let x = 0; x < 20; x++) expect(part[y * 20 + x]).toBe(whole[(y + 10) * 40 + x + 10]);
    }
  });

  it("leaves no pixel empty, however the inner corners are moved", () => {
    const mesh = flatMesh([-1, 1, -1, 1], [24, 24]);
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let i = 1; i < 24; i++) {
      for (let j = 1; j < 24; j++) {
        const k = 2 * (i * 25 + j);
        mesh.corners[k] = mesh.corners[k] + 0.035 * (random() - 0.5);
        mesh.corners[k + 1] = mesh.corners[k + 1] + 0.035 * (random() - 0.5);
      }
    }
    const pixels = new Uint32Array(301 * 217);
    rasterise({ pixels, width: 301, height: 217 }, mesh, new Float32Array(625).fill(1), words);
    expect(pixels.every((word) => word === 255)).toBe(true);
  });

  it("paints a moving map coarser, but whole and near to the truth", () => {
    const mesh = flatMesh([0, 1, 0, 1], [33, 65]);
    const places = Float32Array.from({ length: 34 * 66 }, (_, k) => (k % 66) / 65);
    const [full, coarse] = [new Uint32Array(130 * 66), new Uint32Array(130 * 66)];
    expect(coarseness(mesh, mesh.extent, 130, 66)).toBe(2);
    expect(coarseness(mesh, [0, 0.25, 0, 0.25], 130, 66)).toBe(1);
    rasterise({ pixels: full, width: 130, height: 66 }, mesh, places, words.map((word) => word + 1));
    rasterise({ pixels: coarse, width: 130, height: 66 }, mesh, places, words.map((word) => word + 1), mesh.extent, 2);
    for (let k = 0; k < full.length; k++) expect(Math.abs(coarse[k] - full[k])).toBeLessThanOrEqual(1);
  });
});
