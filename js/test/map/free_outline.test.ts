import { describe, expect, it } from "vitest";
import { moveOntoPage } from "../../src/field/mesh";
import { encloses, frameOf, nearestOnOutline, outlineOf } from "../../src/field/outline";
import { createFinder } from "../../src/field/point_location";
import { rasterise } from "../../src/map/cpu_renderer";
import { ellipsesInSight, SIDES } from "../../src/map/indicatrices";
import { createOverlay } from "../../src/map/overlay";
import { MARGIN, toPage, toPixels, type Scene } from "../../src/map/scene";
import { createThumbnails } from "../../src/map/thumbnails";
import { LIGHT } from "../../src/style/colour";
import type { Extent } from "../../src/types";
import { bentMesh, SQUARE } from "../bent_mesh";

const mesh = bentMesh(24);
const page = frameOf(mesh.corners, 1);
const outline = outlineOf(mesh);

function sceneOf(pane: Extent = page): Scene {
  return {
    width: 400,
    height: 400,
    mesh,
    page,
    free: true,
    pane,
    axes: ["x", "y"],
    shown: { points: false, thumbnails: false, grid: true, contours: false, ellipses: false, straight: false, geodesic: false, slerp: false, stretched: false },
    start: [-0.9, -0.9],
    end: [0.9, 0.9],
    paths: {},
    markers: {},
    samples: {},
  };
}

/** Ticks as drawn: both ends in pixels of the plot, with their labels' words and places. */
function ticksOf(scene: Scene) {
  const overlay = createOverlay();
  overlay.update(scene, LIGHT);
  const group = overlay.element.querySelector("g[pointer-events=none]")!;
  const number = (element: Element, name: string) => Number(element.getAttribute(name));
  return Array.from(group.querySelectorAll("line"), (line) => ({
    from: [number(line, "x1") - MARGIN.left, number(line, "y1") - MARGIN.top],
    to: [number(line, "x2") - MARGIN.left, number(line, "y2") - MARGIN.top],
    value: Number(line.nextElementSibling!.textContent!.replace("−", "-")),
    label: [number(line.nextElementSibling!, "x") - MARGIN.left, number(line.nextElementSibling!, "y") - MARGIN.top],
  }));
}

describe("a map with a free outline", () => {
  it("has its ticks where the lower and left border of the plane have gone, pointing away from it", () => {
    const scene = sceneOf();
    const ticks = ticksOf(scene);
    expect(ticks.length).toBeGreaterThan(5);
    for (const { from, to, value, label } of ticks) {
      const places = [[value, -1], [-1, value]].map((at) => toPixels(scene, moveOntoPage(mesh, at)));
      expect(Math.min(...places.map(([x, y]) => Math.hypot(x - from[0], y - from[1])))).toBeLessThan(1e-6);
      expect(encloses(outline, ...toPage(scene, to[0], to[1]))).toBe(false);
      expect(encloses(outline, ...toPage(scene, label[0], label[1]))).toBe(false);
      expect(Math.hypot(to[0] - from[0], to[1] - from[1])).toBeCloseTo(5, 6);
    }
  });

  it("has ticks at the edge of the plot where that lies on the map, when looked at closer", () => {
    const [x, y] = moveOntoPage(mesh, [0.1, 0.3]);
    const ticks = ticksOf(sceneOf([x - 0.2, x + 0.2, y - 0.2, y + 0.2]));
    expect(ticks.length).toBeGreaterThan(4);
    for (const { from } of ticks) expect(from[0] === 0 || from[1] === 400).toBe(true);
  });

  it("is outlined, and the frame of the plot steps back", () => {
    const overlay = createOverlay();
    overlay.update(sceneOf(), LIGHT);
    const d = overlay.element.querySelector('[data-lw="outline"]')!.getAttribute("d")!;
    expect(d.split("L")).toHaveLength(96);
    expect(d.endsWith("Z")).toBe(true);
    overlay.update({ ...sceneOf(), free: false }, LIGHT);
    expect(overlay.element.querySelector('[data-lw="outline"]')!.getAttribute("d")).toBe("");
  });

  it("lets the paper be seen beside it", () => {
    const pixels = new Uint32Array(100 * 100).fill(7);
    rasterise({ pixels, width: 100, height: 100 }, mesh, new Float32Array(625).fill(0.5), new Uint32Array(256).fill(9), page);
    const scene = { pane: page, width: 100, height: 100 };
    let painted = 0;
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 100; j++) {
        const [x, y] = toPage(scene, j + 0.5, i + 0.5);
        const { edge, part } = nearestOnOutline(outline, x, y);
        const next = (2 * edge + 2) % outline.length;
        const [ox, oy] = [0, 1].map((axis) => (1 - part) * outline[2 * edge + axis] + part * outline[next + axis]);
        if (Math.hypot(x - ox, y - oy) < (page[1] - page[0]) / 100) continue;
        const on = encloses(outline, x, y);
        expect(pixels[100 * i + j]).toBe(on ? 9 : 7);
        if (on) painted++;
      }
    }
    expect(painted).toBeGreaterThan(2000);
  });

  it("has thumbnails and ellipses where it lies, and none beside it", () => {
    const scene = sceneOf();
    const find = createFinder(mesh);
    const sheet = new Uint8Array(4 * 4 * 4 * 16).fill(255);
    const sprites = { shape: [4, 4] as [number, number], size: [4, 4] as [number, number], sheet, ink: null };
    const image = { pixels: new Uint32Array(160_000), width: 400, height: 400 };
    const places = createThumbnails(sprites, { extent: SQUARE }).paint(image, scene, LIGHT, 1, find);
    expect(places.length / 2).toBeGreaterThan(4);
    const back = toPixels(scene, moveOntoPage(mesh, places));
    // an even lattice of the page, so nothing was drawn to the outline
    const steps = new Set(Array.from(back, (value) => Math.round(1000 * (value % 100))));
    expect(steps.size).toBeLessThanOrEqual(4);

    const metric = new Float32Array(3 * 576);
    for (let k = 0; k < metric.length; k += 3) metric.set([1, 0, 1], k);
    const polygons = ellipsesInSight(scene, { shape: [24, 24], extent: SQUARE, metric }, new Float32Array(576).fill(1), mesh);
    expect(polygons.length / (2 * SIDES)).toBeGreaterThan(15);
    for (let k = 0; k < polygons.length; k += 2 * SIDES) {
      const [x, y] = [0, 1].map((axis) => (polygons[k + axis] + polygons[k + SIDES + axis]) / 2);
      expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThan(1 - 1e-9);
    }
  });
});
