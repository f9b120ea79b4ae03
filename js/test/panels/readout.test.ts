import { beforeEach, describe, expect, it } from "vitest";
import { toFractions } from "../../src/field/mesh";
import type { DrawnField } from "../../src/map/scene";
import type { Atlas } from "../../src/model/atlas";
import { createReadout, describePlace } from "../../src/panels/readout";
import { LIGHT } from "../../src/style/colour";

const atlas: Atlas = { extent: [-1, 1, 0, 4], shape: [4, 2], around: { foot: [0, 0], gram: [1, 0, 1], height: 0 },
  axes: ["u", "v"], names: [], fields: [], meanDensities: [], errors: [], points: null, sprites: null };
const ground = { density: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) } as DrawnField;

describe("read-out", () => {
  it("names coordinates and the cell's density", () => {
    expect(describePlace([0.5, 2.5], ground, atlas)).toBe("u 0.5   v 2.5   magnification 6");
    expect(describePlace([1, 4], ground, atlas)).toMatch(/magnification 8$/);
    expect(Array.from(toFractions([0, 1, -1, 4], atlas))).toEqual([0.5, 0.25, 0, 1]);
  });

  let drawn: unknown[][] = [];
  beforeEach(() => {
    drawn = [];
    const pen = new Proxy<Record<string, unknown>>({}, {
      get: (target, name: string) => {
        if (name === "createImageData") return (w: number, h: number) => ({ data: new Uint8ClampedArray(4 * w * h) });
        if (name === "putImageData") return (image: { data: Uint8ClampedArray }) => drawn.push(Array.from(image.data));
        return target[name] ?? (() => undefined);
      },
    });
    HTMLCanvasElement.prototype.getContext = (() => pen) as never;
  });

  it("shows what is decoded there, and nothing off the map", () => {
    const host = document.createElement("div");
    // four one-pixel pictures, red from 0 to 90
    const sheet = Uint8Array.from([0, 30, 60, 90].flatMap((red) => [red, 200, 0, 255]));
    const readout = createReadout(host, { ...atlas, sprites: { shape: [2, 2], size: [1, 1], sheet, ink: null } });
    const picture = host.querySelector<HTMLCanvasElement>("[data-lw=readout-picture]")!;
    expect(picture.hidden).toBe(true);
    readout.show([0, 2], ground, LIGHT);
    expect(picture.hidden).toBe(false);
    expect(drawn).toEqual([[45, 200, 0, 255]]);
    readout.show(null, ground, LIGHT);
    expect(picture.hidden).toBe(true);
    expect(host.textContent).toBe("");
  });

  it("needs no pictures", () => {
    const host = document.createElement("div");
    createReadout(host, atlas).show([0, 2], ground, LIGHT);
    expect(host.querySelector("canvas")!.hidden).toBe(true);
    expect(host.textContent).toContain("u 0");
  });
});
