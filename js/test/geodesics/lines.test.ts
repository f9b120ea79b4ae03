import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { invertMap, measureLine, slerp, straight, stretched } from "../../src/geodesics/lines";
import { moveOntoPage } from "../../src/field/mesh";
import { prepare } from "../../src/geodesics/problem";
import { samplePath } from "../../src/geodesics/sampling";

import type { Around, Extent, Point, Shape } from "../../src/types";
import { bentMesh } from "../bent_mesh";

interface Line {
  length: number;
  measure: Point[];
  latent: Point[];
  parameter: Point[];
}

interface Fixture {
  name: string;
  extent: Extent;
  shape: Shape;
  around: Around;
  metric: number[];
  corners: number[];
  pairs: { start: Point; end: Point; slerp: Line | null; stretched: Line }[];
}

const fixtures = JSON.parse(readFileSync(resolve(__dirname, "../fixtures/lines.json"), "utf8")) as Fixture[];

describe.each(fixtures)("the lines of Python: $name", ({ extent, shape, around, metric, corners, pairs }) => {
  const problem = prepare({ shape, extent, metric: Float32Array.from(metric) });
  const map = invertMap({ extent, shape, corners: Float64Array.from(corners) });
  const span = extent[1] - extent[0];

  function check(points: Float64Array, line: Line, start: Point, end: Point): void {
    const path = measureLine(problem, points, straight(problem, start, end).length);
    expect(Math.abs(path.length - line.length)).toBeLessThanOrEqual(1e-7 * line.length);
    for (const by of ["measure", "latent", "parameter"] as const) {
      const found = samplePath(problem, by, path.points, line[by].length);
      line[by].forEach(([x, y], k) => expect(Math.hypot(found[2 * k] - x, found[2 * k + 1] - y)).toBeLessThan(1e-6 * span));
    }
  }

  it.each(pairs)("slerp from $start to $end", ({ start, end, slerp: known }) => {
    const points = slerp(around, extent, start, end);
    if (known === null) expect(points).toMatch(/opposite|leaves/);
    else check(points as Float64Array, known, start, end);
  });

  it.each(pairs)("straight on the stretched map from $start to $end", ({ start, end, stretched: known }) => {
    check(stretched(map, start, end) as Float64Array, known, start, end);
  });
});

describe("the straight line of a map with a free outline", () => {
  const mesh = bentMesh(24);
  const map = invertMap(mesh);

  it("is straight on the page", () => {
    const points = stretched(map, [-0.8, 0.1], [0.8, 0.1]) as Float64Array;
    const page = moveOntoPage(mesh, points);
    const [ax, ay, bx, by] = [page[0], page[1], page[page.length - 2], page[page.length - 1]];
    for (let k = 0; k < page.length; k += 2) {
      expect(Math.abs((bx - ax) * (page[k + 1] - ay) - (by - ay) * (page[k] - ax))).toBeLessThan(1e-9);
    }
  });

  it("does not exist where it would cross the bay", () => {
    expect(stretched(map, [-1, -0.95], [1, -0.95])).toMatch(/leaves the stretched map/);
  });
});

describe("slerp", () => {
  const plane: Around = { foot: [0, 0], gram: [1, 0, 1], height: 0 };
  const extent: Extent = [-2, 2, -2, 2];

  it("keeps its distance from the origin where both ends have the same", () => {
    const points = slerp(plane, extent, [1, 0.5], [-0.5, 1]) as Float64Array;
    for (let k = 0; k < points.length; k += 2) expect(Math.hypot(points[k], points[k + 1])).toBeCloseTo(Math.hypot(1, 0.5), 12);
  });

  it("is the straight line where the ends lie in one direction, or at the origin", () => {
    expect((slerp(plane, extent, [0.5, 0.5], [1.5, 1.5]) as Float64Array)[128]).toBeCloseTo(1, 12);
    expect((slerp(plane, extent, [0, 0], [1, -1]) as Float64Array)[129]).toBeCloseTo(-0.5, 12);
  });
});
