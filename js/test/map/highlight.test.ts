import { describe, expect, it } from "vitest";
import { isDimmed } from "../../src/map/highlight";

describe("veiled cells", () => {
  const density = [1, 5, 5, 1, 5, 1];

  it("are the runs outside the range, outlined by their corners", () => {
    // two rows of three cells, corners 0..3, 4..7, 8..11
    const runs = isDimmed(density, [2, 3], [4, 6]).map((run) => Array.from(run));
    expect(runs).toEqual([
      [0, 1, 5, 4],
      [4, 5, 9, 8],
      [6, 7, 11, 10],
    ]);
  });

  it("are none where the range holds all, and whole rows where it holds none", () => {
    expect(isDimmed(density, [2, 3], [1, 5])).toEqual([]);
    const rows = isDimmed(density, [2, 3], [7, 8]).map((run) => Array.from(run));
    expect(rows).toEqual([
      [0, 1, 2, 3, 7, 6, 5, 4],
      [4, 5, 6, 7, 11, 10, 9, 8],
    ]);
  });

  it("keep the ends of the range", () => {
    expect(isDimmed([10 ** Math.log10(0.3)], [1, 1], [0.3, 0.3])).toEqual([]);
  });
});
