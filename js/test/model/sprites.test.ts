import { describe, expect, it } from "vitest";
import { blendPreviews, detectInk, displaySide, nearestSprite, type Sprites } from "../../src/model/sprites";
import { compareLength } from "../../src/panels/film_strips";

/** A 2 × 3 sheet of 1 × 2-pixel sprites; every channel of sprite (i, j) holds 10·i + j. */
const sprites: Sprites = {
  shape: [2, 3],
  size: [1, 2],
  sheet: Uint8Array.from([0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => Array<number>(8).fill(10 * i + j)))),
  ink: null,
};

describe("previews", () => {
  it("are the sprites at their own places", () => {
    const found = blendPreviews(sprites, [0.5 / 3, 0.25, 2.5 / 3, 0.75]);
    expect(found).toMatchObject({ count: 2, size: [1, 2] });
    expect(Array.from(found.rgba)).toEqual([...Array<number>(8).fill(0), ...Array<number>(8).fill(12)]);
  });

  it("blend the four nearest in between", () => {
    expect(blendPreviews(sprites, [0.5, 0.5]).rgba[0]).toBe(6);
    expect(blendPreviews(sprites, [-1, 9]).rgba[0]).toBe(10);
  });

  it("are the nearest sprites where they must not be mixed", () => {
    expect(blendPreviews({ ...sprites, blend: false }, [0.45, 0.45, 0.7, 0.55]).rgba).toEqual(
      Uint8ClampedArray.from([...Array<number>(8).fill(1), ...Array<number>(8).fill(12)]),
    );
  });
});

describe("nearest", () => {
  it("points into the sheet", () => {
    expect(nearestSprite(sprites, 0.99, 0.6)).toEqual([4, 1]);
    expect(nearestSprite(sprites, 1, 1)).toEqual([4, 1]);
  });
});

describe("lookupInk", () => {
  const grey = (...values: number[]) => Uint8Array.from(values.flatMap((v) => [v, v, v, 255]));
  it("knows drawings on an empty ground from photographs and colours", () => {
    expect(detectInk(grey(0, 0, 10, 200))).toEqual({ background: 0 });
    expect(detectInk(grey(255, 255, 240, 20))).toEqual({ background: 255 });
    expect(detectInk(grey(90, 120, 150, 60))).toBeNull();
    expect(detectInk(Uint8Array.from([200, 0, 0, 255, 0, 0, 0, 255]))).toBeNull();
  });
});

describe("strips", () => {
  it("enlarge small pictures by whole factors", () => {
    expect(displaySide(8)).toBe(96);
    expect(displaySide(28)).toBe(84);
    expect(displaySide(128)).toBe(128);
  });

  it("compare lengths in plain words", () => {
    expect(compareLength("geodesic", 2, 2)).toBe("length 2");
    expect(compareLength("straight", 3, 2)).toBe("length 3, 50 % longer than the geodesic");
    expect(compareLength("straight", 2.002, 2)).toBe("length 2, 0.1 % longer than the geodesic");
    expect(compareLength("straight", 2, 2)).toBe("length 2, as short as the geodesic");
    expect(compareLength("straight", 0, 0)).toBe("length 0");
  });
});
