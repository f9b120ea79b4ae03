import { lab, rgb } from "d3-color";
import { describe, expect, it } from "vitest";
import { DASHES, KINDS } from "../../src/model/path_kinds";
import { DARK, evenRamp, labelColour, LIGHT, tabulate } from "../../src/style/colour";
import { densityScale, shortNumber } from "../../src/style/density_scale";

/** Linear light as the three kinds of colour-blind eyes see it (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES = {
  "all cones": [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function light(colour: string): number[] {
  const { r, g, b } = rgb(colour);
  return [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
}

function seen(colour: string, eye: number[]): [number, number, number] {
  const from = light(colour);
  const channels = [0, 3, 6].map((row) => {
    const v = Math.min(Math.max(eye[row] * from[0] + eye[row + 1] * from[1] + eye[row + 2] * from[2], 0), 1);
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  });
  const { l, a, b } = lab(rgb(channels[0], channels[1], channels[2]));
  return [l, a, b];
}

function contrast(a: string, b: string): number {
  const [y, z] = [a, b].map((colour) => light(colour).reduce((sum, v, k) => sum + [0.2126, 0.7152, 0.0722][k] * v, 0.05)) as [number, number];
  return Math.max(y, z) / Math.min(y, z);
}

describe("colours of the paths", () => {
  describe.each([
    ["light", LIGHT],
    ["dark", DARK],
  ])("in the %s theme", (_, palette) => {
    it.each(Object.entries(EYES))("stay apart with %s", (_, eye) => {
      KINDS.forEach((kind, k) => {
        for (const other of KINDS.slice(0, k)) {
          const [p, q] = [seen(palette[kind], eye), seen(palette[other], eye)];
          expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), `${kind} and ${other}`).toBeGreaterThan(25);
        }
      });
    });

    it("can be read on paper", () => {
      for (const kind of KINDS) expect(contrast(palette[kind], palette.paper)).toBeGreaterThan(4.5);
    });
  });

  it("come with dashes of their own", () => {
    expect(new Set(Object.values(DASHES)).size).toBe(KINDS.length);
  });
});

describe("ramps", () => {
  it.each([
    ["light", LIGHT],
    ["dark", DARK],
  ])("of the %s theme change lightness evenly in one direction", (_, palette) => {
    const colour = evenRamp(palette.ramp);
    const lightness = Array.from({ length: 21 }, (_, k) => lab(colour(k / 20)).l);
    const steps = lightness.slice(1).map((l, k) => l - lightness[k]);
    const mean = (lightness[20] - lightness[0]) / 20;
    for (const step of steps) expect(step / mean).toBeGreaterThan(0.7);
    for (const step of steps) expect(step / mean).toBeLessThan(1.3);
  });

  it("are 256 opaque words, lowest red byte first", () => {
    const words = tabulate(evenRamp(["#010203", "#ffffff"]));
    expect(words).toHaveLength(256);
    expect(Array.from(new Uint8Array(words.buffer).slice(0, 4))).toEqual([1, 2, 3, 255]);
  });
});

describe("densityScale", () => {
  it("is linear within a decade and logarithmic beyond", () => {
    const linear = densityScale([2, 4, 10]);
    expect(linear.log).toBe(false);
    expect(linear.place(6)).toBeCloseTo(0.5);
    const log = densityScale([0.01, 1, 100]);
    expect(log.log).toBe(true);
    expect(log.place(1)).toBeCloseTo(0.5);
    expect(log.ticks).toContain(1);
  });

  it("copes with a constant, with zeros and with nothing", () => {
    for (const values of [[3, 3, 3], [0, 0], []]) {
      const scale = densityScale(values);
      expect(Number.isFinite(scale.place(values[0] ?? 0))).toBe(true);
      expect(scale.ticks.every(Number.isFinite)).toBe(true);
    }
  });

  it("never crowds its ticks", () => {
    for (const high of [2, 11, 300, 1e4, 1e9]) {
      const { ticks, place } = densityScale([1, high]);
      const places = ticks.map(place);
      places.slice(1).forEach((p, k) => expect(p - places[k]).toBeGreaterThan(0.18));
      expect(ticks.length).toBeGreaterThan(1);
    }
  });
});

describe("labelColour", () => {
  it("tells ten labels apart, and gives a thousand each a colour", () => {
    for (const palette of [LIGHT, DARK]) {
      expect(new Set(Array.from({ length: 10 }, (_, k) => labelColour(k, 10, palette))).size).toBe(10);
      expect(new Set(Array.from({ length: 40 }, (_, k) => labelColour(k, 1000, palette))).size).toBe(40);
    }
  });
});

describe("shortNumber", () => {
  it.each([
    [0, "0"],
    [3.14159, "3.14"],
    [-0.25, "−0.25"],
    [12345, "12300"],
    [0.00002, "2e-5"],
    [250000, "2.5e5"],
  ])("writes %d as %s", (value, text) => expect(shortNumber(value)).toBe(text));
});

describe("colours of labels", () => {
  it("are colours, and neighbours differ, however many there are", () => {
    for (const count of [1, 10, 11, 1000]) {
      for (const palette of [LIGHT, DARK]) {
        const drawn = Array.from({ length: count }, (_, k) => rgb(labelColour(k, count, palette)));
        for (const { r, g, b } of drawn) expect(r + g + b).toBeGreaterThan(60);
        drawn.slice(1).forEach((colour, k) => expect(colour.toString()).not.toBe(drawn[k].toString()));
      }
    }
  });
});
