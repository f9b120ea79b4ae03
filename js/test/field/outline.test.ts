import { describe, expect, it } from "vitest";
import { blend, countFolds, flatMesh, moveOntoPage } from "../../src/field/mesh";
import { borderOf, boundsOf, encloses, fillsExtent, frameOf, nearestOnOutline, outlineOf } from "../../src/field/outline";
import { createFinder } from "../../src/field/point_location";
import { bentMesh, SQUARE } from "../bent_mesh";

let seed = 1;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;

describe("the border", () => {
  it("goes once around, anticlockwise", () => {
    expect(Array.from(borderOf([1, 2]))).toEqual([0, 1, 2, 5, 4, 3]);
    const outline = outlineOf(flatMesh([0, 2, 0, 1], [3, 4]));
    expect(outline).toHaveLength(28);
    let area = 0;
    for (let k = 0; k < 28; k += 2) area += (outline[k] * outline[(k + 3) % 28] - outline[k + 1] * outline[(k + 2) % 28]) / 2;
    expect(area).toBeCloseTo(2, 12);
  });

  it("lies on the walls of the plane and of a cartogram, in single precision too", () => {
    const far = flatMesh([1000.1, 1001.3, -0.1, 7.7], [5, 6]);
    far.corners.set(Float32Array.from(far.corners));
    expect(fillsExtent(far)).toBe(true);
    const slid = flatMesh(SQUARE, [4, 4]);
    for (let k = 0; k < slid.corners.length; k += 2) slid.corners[k] = slid.corners[k] ** 3;
    expect(fillsExtent(slid)).toBe(true);
    expect(fillsExtent(bentMesh(8))).toBe(false);
    // the same square, turned by a right angle, is another map
    const turned = flatMesh(SQUARE, [4, 4]);
    for (let k = 0; k < turned.corners.length; k += 2) turned.corners.set([-turned.corners[k + 1], turned.corners[k]], k);
    expect(fillsExtent(turned)).toBe(false);
  });
});

describe("a polygon with a bay", () => {
  const bay = Float64Array.of(0, 0, 1, 0, 1, 1, 2, 1, 2, 0, 3, 0, 3, 2, 0, 2);

  it("holds what lies within it", () => {
    for (const [x, y, inside] of [[0.5, 0.5, true], [1.5, 0.5, false], [1.5, 1.5, true], [2.5, 0.1, true], [-1, 1, false], [3.1, 1, false]] as const) {
      expect(encloses(bay, x, y)).toBe(inside);
    }
  });

  it("is nearest where no other place of it is nearer", () => {
    for (let n = 0; n < 50; n++) {
      const [x, y] = [4 * random() - 0.5, 3 * random() - 0.5];
      const { edge, part } = nearestOnOutline(bay, x, y);
      const at = (k: number, t: number) => [0, 1].map((axis) => (1 - t) * bay[(2 * k + axis) % 16] + t * bay[(2 * k + 2 + axis) % 16]);
      const apart = (k: number, t: number) => Math.hypot(at(k, t)[0] - x, at(k, t)[1] - y);
      for (let k = 0; k < 8; k++) for (let t = 0; t <= 1; t += 0.05) expect(apart(edge, part)).toBeLessThanOrEqual(apart(k, t) + 1e-12);
    }
  });
});

describe("the way back from a free outline", () => {
  it.each([3, 16, 64])("is exact wherever the map lies, whatever was asked before (%i cells)", (cells) => {
    const mesh = bentMesh(cells);
    expect(countFolds(mesh)).toBe(0);
    const find = createFinder(mesh);
    for (let n = 0; n < 400; n++) {
      const plane = [2 * random() - 1, 2 * random() - 1];
      const [px, py] = moveOntoPage(mesh, plane);
      expect(find.holds(px, py)).toBe(true);
      const [x, y] = find(px, py);
      expect(Math.hypot(x - plane[0], y - plane[1])).toBeLessThan(1e-9);
    }
  });

  it("takes what lies beside the map to the nearest place of its outline", () => {
    const mesh = bentMesh(24);
    const find = createFinder(mesh);
    const outline = outlineOf(mesh);
    const [x0, x1, y0, y1] = boundsOf(mesh.corners);
    let outside = 0;
    for (let n = 0; n < 300; n++) {
      const [x, y] = [x0 - 0.5 + (x1 - x0 + 1) * random(), y0 - 0.5 + (y1 - y0 + 1) * random()];
      if (find.holds(x, y)) continue;
      outside++;
      const plane = find(x, y);
      expect(Math.max(Math.abs(plane[0]), Math.abs(plane[1]))).toBeCloseTo(1, 12);
      const [px, py] = moveOntoPage(mesh, plane);
      const { edge, part } = nearestOnOutline(outline, x, y);
      const next = (2 * edge + 2) % outline.length;
      const nearest = [0, 1].map((axis) => (1 - part) * outline[2 * edge + axis] + part * outline[next + axis]);
      expect(Math.hypot(px - nearest[0], py - nearest[1])).toBeLessThan(1e-9);
    }
    expect(outside).toBeGreaterThan(50);
  });

  it("works on the way between the plane and the map", () => {
    const mesh = bentMesh(20);
    blend(flatMesh(SQUARE, [20, 20]).corners, mesh.corners, 0.4, mesh.corners);
    const find = createFinder(mesh);
    for (let n = 0; n < 100; n++) {
      const plane = [2 * random() - 1, 2 * random() - 1];
      const [px, py] = moveOntoPage(mesh, plane);
      const [x, y] = find(px, py);
      expect(Math.hypot(x - plane[0], y - plane[1])).toBeLessThan(1e-9);
    }
  });
});

describe("folds", () => {
  it("are counted where a map turns over on the way", () => {
    const flat = flatMesh(SQUARE, [6, 6]);
    expect(countFolds(flat)).toBe(0);
    // half-way to a half turn everything lies in one point; beyond, it lies upright again, but reversed in both directions
    const turned = flat.corners.map((value) => -value);
    expect(countFolds({ ...flat, corners: blend(flat.corners, turned, 0.5) })).toBe(36);
    expect(countFolds({ ...flat, corners: blend(flat.corners, turned, 0.9) })).toBe(0);
    // a right angle more on one half than on the other folds the cells between
    const mixed = flat.corners.map((value, k) => (flat.corners[k - (k % 2)] > 0 ? -value : value));
    expect(countFolds({ ...flat, corners: mixed })).toBe(6);
  });
});

describe("the page", () => {
  it("is the least rectangle of its proportions around all points", () => {
    expect(frameOf([0, 0, 4, 1], 0.5)).toEqual([0, 4, -0.5, 1.5]);
    expect(frameOf([0, 0, 1, 3], 0.5)).toEqual([-2.5, 3.5, 0, 3]);
  });
});
