import { describe, expect, it } from "vitest";
import { isolines } from "../../src/field/contours";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [-1, 1, -1, 1];

describe("isolines", () => {
  const corners = (rows: number, columns: number, f: (x: number, y: number) => number) =>
    Float32Array.from({ length: (rows + 1) * (columns + 1) }, (_, k) =>
      f(-1 + (2 * (k % (columns + 1))) / columns, -1 + (2 * Math.floor(k / (columns + 1))) / rows),
    );

  it("of a cone are closed circles", () => {
    const lines = isolines(corners(64, 40, Math.hypot), [64, 40], EXTENT, 0.6);
    expect(lines).toHaveLength(1);
    const line = lines[0];
    expect([line[0], line[1]]).toEqual([line[line.length - 2], line[line.length - 1]]);
    for (let k = 0; k < line.length; k += 2) expect(Math.hypot(line[k], line[k + 1])).toBeCloseTo(0.6, 2);
  });

  it("of a slope run from border to border", () => {
    const lines = isolines(corners(5, 9, (x, y) => x + 0.2 * y), [5, 9], EXTENT, 0.1);
    expect(lines).toHaveLength(1);
    const ends = [lines[0][1], lines[0][lines[0].length - 1]].sort();
    expect(ends).toEqual([-1, 1]);
  });

  it("part a saddle in two, whichever way it leans", () => {
    for (const lift of [-0.05, 0.05]) {
      const lines = isolines(corners(7, 7, (x, y) => x * y + lift), [7, 7], EXTENT, 0);
      expect(lines).toHaveLength(2);
    }
  });

  it("are none where nothing changes", () => {
    expect(isolines(new Float32Array(25), [4, 4], EXTENT, 0)).toEqual([]);
  });
});
