import { describe, expect, it } from "vitest";
import { blend, flatMesh, moveOntoPage, type Mesh } from "../../src/field/mesh";
import { createFinder } from "../../src/field/point_location";

/** A smooth map of the rectangle onto itself without folds. */
function bent(rows: number, columns: number): Mesh {
  const mesh = flatMesh([-2, 2, 0, 1], [rows, columns]);
  for (let k = 0; k < mesh.corners.length; k += 2) {
    const [x, y] = [mesh.corners[k], mesh.corners[k + 1]];
    mesh.corners[k] = x + 0.25 * Math.sin((Math.PI * (x + 2)) / 2) * (0.4 + y);
    mesh.corners[k + 1] = y + 0.12 * Math.sin(Math.PI * y) * Math.cos(x);
  }
  return mesh;
}

describe("flatMesh", () => {
  it("has its corners row by row from y0 up", () => {
    expect(Array.from(flatMesh([0, 2, 10, 11], [1, 2]).corners)).toEqual([0, 10, 1, 10, 2, 10, 0, 11, 1, 11, 2, 11]);
  });
});

describe("blended", () => {
  it("is the straight morph between two meshes", () => {
    expect(Array.from(blend([0, 4], [2, 8], 0.25))).toEqual([0.5, 5]);
  });
});

describe("onPage", () => {
  it("leaves points where they are on the flat mesh", () => {
    const points = [-1.3, 0.2, 0, 0.5, 2, 1, -2, 0];
    expect(Array.from(moveOntoPage(flatMesh([-2, 2, 0, 1], [7, 5]), points)).map((v, k) => v - points[k])).toEqual(
      points.map(() => expect.closeTo(0, 12)),
    );
  });

  it("is bilinear in a cell", () => {
    const mesh: Mesh = { extent: [0, 1, 0, 1], shape: [1, 1], corners: Float64Array.from([0, 0, 1, 0, 0, 1, 3, 5]) };
    expect(Array.from(moveOntoPage(mesh, [0.5, 0.5]))).toEqual([1, 1.5]);
  });

  it("takes points beyond the border to it", () => {
    expect(Array.from(moveOntoPage(flatMesh([0, 1, 0, 1], [2, 2]), [-5, 7]))).toEqual([0, 1]);
  });
});

describe("finder", () => {
  it.each([
    [4, 6],
    [31, 17],
    [64, 64],
  ])("brings every page point of a bent %i × %i mesh back to 1e-9", (rows, columns) => {
    const mesh = bent(rows, columns);
    const find = createFinder(mesh);
    let seed = 1;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let n = 0; n < 400; n++) {
      const plane = [-2 + 4 * random(), random()];
      const page = moveOntoPage(mesh, plane);
      const [x, y] = find(page[0], page[1]);
      expect(Math.hypot(x - plane[0], y - plane[1])).toBeLessThan(1e-9);
    }
  });

  it("answers corners, and points off the map from its border", () => {
    const find = createFinder(bent(8, 8));
    expect(find(-2, 0)).toEqual([expect.closeTo(-2, 9), expect.closeTo(0, 9)]);
    expect(find(2, 1)).toEqual([expect.closeTo(2, 9), expect.closeTo(1, 9)]);
    expect(find(99, 99)).toEqual([expect.closeTo(2, 9), expect.closeTo(1, 9)]);
  });

  it("finds points on a mesh so stretched that walking cannot", () => {
    const mesh = flatMesh([0, 1, 0, 1], [40, 40]);
    for (let k = 0; k < mesh.corners.length; k += 2) {
      mesh.corners[k] = mesh.corners[k] ** 6;
      mesh.corners[k + 1] = 1 - (1 - mesh.corners[k + 1]) ** 5;
    }
    const find = createFinder(mesh);
    for (const plane of [[0.02, 0.99], [0.97, 0.03], [0.5, 0.5], [0.99, 0.98]]) {
      const page = moveOntoPage(mesh, plane);
      const [x, y] = find(page[0], page[1]);
      expect(Math.hypot(x - plane[0], y - plane[1])).toBeLessThan(1e-6);
    }
  });
});
