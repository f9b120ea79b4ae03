import { describe, expect, it } from "vitest";
import { density, mix } from "../../src/field/field";
import { densityScale } from "../../src/style/density_scale";

describe("contour levels", () => {
  it("lie inside the density's range, evenly or by decades", () => {
    expect(densityScale([1, 5]).levels).toContain(3);
    expect(densityScale([0.5, 20]).levels).toEqual([1, 2, 5, 10]);
    expect(densityScale([1e-7, 3]).levels.length).toBeLessThan(10);
    expect(densityScale([2, 2]).levels).toEqual([]);
    const metric = mix([Float32Array.of(1, 0, 1)], [2], 1)!;
    expect(densityScale(density(metric)).ticks).toEqual([2]);
  });
});
