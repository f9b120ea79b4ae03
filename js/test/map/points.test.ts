import { describe, expect, it } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import { composite, createPointPainter, dots, pointsOnMap } from "../../src/map/points";
import type { Scene } from "../../src/map/scene";
import { createThumbnails, pitch, resize } from "../../src/map/thumbnails";
import { DARK, LIGHT } from "../../src/style/colour";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [0, 1, 0, 1];
const scene = { width: 40, height: 40, page: EXTENT, pane: EXTENT, mesh: flatMesh(EXTENT, [2, 2]) } as Scene;

function opacity(pixels: Uint32Array): number {
  return pixels.reduce((sum, word) => sum + (word >>> 24), 0) / 255;
}

describe("points as pixels", () => {
  it("stand where the vector figure puts them, and have its area", () => {
    for (const [x, y] of [[0.5, 0.5], [0.3071, 0.6113], [0.91, 0.2]] as const) {
      const all = pointsOnMap({ xy: Float32Array.of(x, y, 7, 7), labels: null, names: [] }, { extent: EXTENT });
      expect(all.plane).toHaveLength(2);
      const pixels = new Uint32Array(80 * 80);
      createPointPainter(all).paint({ pixels, width: 80, height: 80 }, scene, DARK, 2);
      let [sum, mx, my] = [0, 0, 0];
      pixels.forEach((word, k) => {
        const alpha = (word >>> 24) / 255;
        sum += alpha;
        mx += alpha * ((k % 80) + 0.5);
        my += alpha * (Math.floor(k / 80) + 0.5);
      });
      const [dot] = dots(scene, all, DARK);
      expect(Math.abs(mx / sum / 2 - dot.x)).toBeLessThan(0.15);
      expect(Math.abs(my / sum / 2 - dot.y)).toBeLessThan(0.15);
      // radius 3 and a faint rim of 0.4 at two device pixels each
      const area = Math.PI * (6 ** 2 + 0.6 * (6.8 ** 2 - 6 ** 2));
      expect(sum / area).toBeCloseTo(1, 1);
    }
  });

  it("are cut off at the border and never write elsewhere", () => {
    const all = pointsOnMap({ xy: Float32Array.of(0, 0.5, 1, 0.5, 0.5, 0, 0.5, 1), labels: null, names: [] }, { extent: EXTENT });
    const pixels = new Uint32Array(40 * 40);
    createPointPainter(all).paint({ pixels, width: 40, height: 40 }, scene, LIGHT, 1);
    const whole = new Uint32Array(40 * 40);
    createPointPainter(pointsOnMap({ xy: Float32Array.of(0.5, 0.5), labels: null, names: [] }, { extent: EXTENT })).paint({ pixels: whole, width: 40, height: 40 }, scene, LIGHT, 1);
    expect(opacity(pixels) / opacity(whole)).toBeCloseTo(2, 0);
    expect(pixels[20 * 40 + 20]).toBe(0);
  });

  it("blend as opacities do", () => {
    const under = Uint32Array.of((255 << 24) | 100);
    composite({ pixels: under, width: 1, height: 1 }, Uint32Array.of((128 << 24) | 200), 1, 0, 0);
    expect(under[0] >>> 24).toBe(255);
    expect(Math.abs((under[0] & 255) - 150)).toBeLessThanOrEqual(1);
  });
});

/** A way back from a page that is all map. */
const everywhere = (find: (x: number, y: number) => [number, number]) => Object.assign(find, { holds: () => true });

describe("thumbnails as pixels", () => {
  const sheet = Uint8Array.from([0, 1, 2, 3].flatMap((n) => Array.from({ length: 2 * 2 }, () => [10 + 60 * n, 0, 0, 255]).flat()));
  // a row of four pictures of 2 × 2 pixels: red rises from one to the next
  const rows = Uint8Array.from({ length: sheet.length }, (_, k) => {
    const [pixel, channel] = [k >> 2, k & 3];
    const picture = (pixel % 8) >> 1;
    return channel === 0 ? 10 + 60 * picture : channel === 3 ? 255 : 0;
  });
  const sprites = { shape: [1, 4] as [number, number], size: [2, 2] as [number, number], sheet: rows, ink: null };

  it("show what lies under them, copied without its neighbours", () => {
    const picture = resize(sprites, 4, 0, [5, 5], LIGHT);
    expect([...picture].every((word) => (word & 255) === 130 && word >>> 24 === 255)).toBe(true);
    const pixels = new Uint32Array(200 * 40);
    const wide = { ...scene, width: 200, pane: EXTENT };
    createThumbnails(sprites, { extent: EXTENT }).paint({ pixels, width: 200, height: 40 }, wide, LIGHT, 1, everywhere((x, y) => [x, y]));
    expect([...new Set(pixels)].filter((word) => word !== 0).map((word) => word & 255)).toEqual([10, 70, 130, 190]);
  });

  it("average what falls together", () => {
    const two = { shape: [1, 1] as [number, number], size: [2, 2] as [number, number], ink: null };
    const checked = Uint8Array.from([0, 0, 0, 255, 200, 0, 0, 255, 200, 0, 0, 255, 0, 0, 0, 255]);
    expect(resize({ ...two, sheet: checked }, 0, 0, [1, 1], LIGHT)[0] & 255).toBe(100);
  });

  it("are 400 on the whole map, and grow as it is looked at closer", () => {
    const whole = { page: EXTENT, pane: EXTENT, width: 562 };
    expect(Math.floor(562 / pitch(whole, 64)) ** 2).toBe(400);
    const near = pitch({ ...whole, pane: [0, 0.25, 0, 0.25] }, 64);
    expect(near).toBeGreaterThan(40);
    expect(near / 4).toBeLessThan(28);
    // no more pictures than the sheet has
    expect(pitch(whole, 10)).toBeCloseTo(56.2, 6);
    expect(pitch({ ...whole, pane: [0, 0.1, 0, 0.1] }, 16)).toBe(96);
  });

  it("give way to those decoded at the very places, until others are shown", () => {
    const wide = { ...scene, width: 200, pane: EXTENT };
    const wall = createThumbnails(sprites, { extent: EXTENT });
    const hung = (find: (x: number, y: number) => [number, number]) => {
      const pixels = new Uint32Array(200 * 40);
      const places = wall.paint({ pixels, width: 200, height: 40 }, wide, LIGHT, 1, everywhere(find));
      return { places, reds: new Set([...pixels].filter((word) => word !== 0).map((word) => word & 255)) };
    };
    const { places } = hung((x, y) => [x, y]);
    const count = places.length / 2;
    const rgba = Uint8Array.from({ length: count * 16 }, (_, k) => (k % 4 === 0 ? 100 + (k >> 4) : k % 4 === 3 ? 255 : 0));
    wall.setDetail(places, { count, size: [2, 2], rgba });
    expect(wall.hasDetail(places)).toBe(true);
    expect([...hung((x, y) => [x, y]).reds]).toEqual(Array.from({ length: count }, (_, n) => 100 + n));
    const moved = hung((x, y) => [x * 0.99, y]);
    expect(wall.hasDetail(moved.places)).toBe(false);
    expect([...moved.reds].every((red) => [10, 70, 130, 190].includes(red))).toBe(true);
  });
});
