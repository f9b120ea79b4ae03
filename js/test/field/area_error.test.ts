import { describe, expect, it } from "vitest";
import { areaErrors, errorPlaces } from "../../src/field/area_error";
import { flatMesh } from "../../src/field/mesh";
import { createLegend } from "../../src/panels/legend";
import { colours, DARK, LIGHT } from "../../src/style/colour";
import { errorKey } from "../../src/style/colour_key";

describe("area errors", () => {
  it("of a flat map are the density's, in octaves", () => {
    const mesh = flatMesh([0, 4, 0, 1], [1, 4]);
    const errors = areaErrors(mesh, [0.5, 1, 2, 0.5]);
    expect(Array.from(errors)).toEqual([1, 0, -1, 1]);
  });

  it("vanish where every cell has its part of the measure", () => {
    const mesh = flatMesh([0, 1, 0, 1], [3, 3]);
    // columns of width 1/2, 1/3, 1/6 hold 3 : 2 : 1 of the measure
    for (let k = 0; k < mesh.corners.length; k += 2) mesh.corners[k] = [0, 1 / 2, 5 / 6, 1][(k / 2) % 4]!;
    const errors = areaErrors(mesh, [3, 2, 1, 3, 2, 1, 3, 2, 1]);
    for (const error of errors) expect(error).toBeCloseTo(0, 6);
    for (const place of errorPlaces(mesh, [3, 2, 1, 3, 2, 1, 3, 2, 1])) expect(place).toBeCloseTo(0.5, 6);
  });

  it("of folded and of empty cells stand at the ends of the ramp", () => {
    const mesh = flatMesh([0, 2, 0, 1], [1, 2]);
    mesh.corners.set([3, 0], 2);
    mesh.corners.set([3, 1], 8);
    const errors = areaErrors(mesh, [1, 1]);
    expect(errors[1]).toBe(-Infinity);
    expect(errorPlaces(mesh, [1, 0])[0]).toBeLessThanOrEqual(1);
  });
});

describe("the key of area errors", () => {
  it("says in words where the colours end, light and dark", () => {
    const host = document.createElement("div");
    const legend = createLegend(host, null);
    for (const palette of [LIGHT, DARK]) {
      legend.update(errorKey(), palette);
      expect(host.textContent).toMatch(/÷4 or less.*true.*×4 or more/);
      expect(colours("area_error", palette)(0)).not.toBe(colours("area_error", palette)(1));
    }
    expect(host.querySelector("[role=img]")!.getAttribute("aria-label")).toContain("4 times too small");
  });
});
