import { lab, rgb } from "d3-color";
import { describe, expect, it } from "vitest";
import { DARK, densityScale, evenRamp, labelColour, LIGHT, lookup, shortNumber } from "../src/colour";

describe("ramps", () => {
  it.each([
    ["light", LIGHT],
    ["dark", DARK],
  ])("of the %s theme change lightness evenly in one direction", (_, palette) => {
    const colour = evenRamp(palette.ramp);
    const lightness = Array.from({ length: 21 }, (_, k) => lab(colour(k / 20)).l);
    const steps = lightness.slice(1).map((l, k) => l - lightness[k]!);
    const mean = (lightness[20]! - lightness[0]!) / 20;
    for (const step of steps) expect(step / mean).toBeGreaterThan(0.7);
    for (const step of steps) expect(step / mean).toBeLessThan(1.3);
  });

  it("are 256 opaque words, lowest red byte first", () => {
    const words = lookup(evenRamp(["#010203", "#ffffff"]));
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
      places.slice(1).forEach((p, k) => expect(p - places[k]!).toBeGreaterThan(0.18));
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
        drawn.slice(1).forEach((colour, k) => expect(colour.toString()).not.toBe(drawn[k]!.toString()));
      }
    }
  });
});
