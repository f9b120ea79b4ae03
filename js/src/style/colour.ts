/** Colours of the map, of labels and of paths, and the scale of the density. */

import { lab, rgb } from "d3-color";
import { interpolateLab, piecewise } from "d3-interpolate";
import { scaleLinear, scaleLog } from "d3-scale";
import type { Ramp } from "../types";

export interface Palette {
  dark: boolean;
  paper: string;
  ink: string;
  faint: string;
  line: string;
  casing: string;
  geodesic: string;
  straight: string;
  slerp: string;
  stretched: string;
  ramp: string[];
  /** From too small over true to too large. */
  diverging: string[];
}

/**
 * Both ramps change lightness evenly and stay readable without colour; figure.py draws with the light one. The colours of
 * paths stay apart for colour-blind eyes too (test/colour.test.ts).
 */
export const LIGHT: Palette = {
  dark: false,
  paper: "#ffffff",
  ink: "#1f2933",
  faint: "#6b7683",
  line: "#d5dae0",
  casing: "#ffffff",
  geodesic: "#c2410c",
  straight: "#1d4ed8",
  slerp: "#9d4b86",
  stretched: "#052e16",
  ramp: ["#faf8f2", "#e3e9df", "#c3d6d3", "#9dbfc9", "#7aa3bd", "#5a83aa"],
  diverging: ["#8c510a", "#d0a65c", "#f4f1ea", "#7cb5ae", "#01665e"],
};

export const DARK: Palette = {
  dark: true,
  paper: "#14181f",
  ink: "#e6eaf0",
  faint: "#9aa5b1",
  line: "#38414d",
  casing: "#0d1015",
  geodesic: "#fb923c",
  straight: "#93b4ff",
  slerp: "#ff4d94",
  stretched: "#d9f99d",
  ramp: ["#12161d", "#1b2a40", "#25405b", "#345a73", "#4c7688", "#6f949c"],
  diverging: ["#d9a05b", "#7a5526", "#171c24", "#2a6a64", "#5fc3b6"],
};

/** 256 colours as little-endian RGBA words, ready for ImageData. */
export function lookup(colour: (t: number) => string): Uint32Array {
  const words = new Uint32Array(256);
  for (let k = 0; k < 256; k++) {
    const { r, g, b } = rgb(colour(k / 255));
    words[k] = (255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r);
  }
  return words;
}

/** The colours for what a map is coloured by, over 0 to 1. */
export function colours(by: Ramp, palette: Palette): (t: number) => string {
  return by === "area_error" ? piecewise(interpolateLab, palette.diverging) : evenRamp(palette.ramp);
}

/** Interpolates a ramp in CIELAB with its stops placed by their lightness, so equal steps look equal. */
export function evenRamp(ramp: string[]): (t: number) => string {
  const lightness = ramp.map((stop) => lab(stop).l);
  const [first, last] = [lightness[0]!, lightness[lightness.length - 1]!];
  const places = lightness.map((l) => (l - first) / (last - first));
  const along = piecewise(interpolateLab, ramp);
  const toStop = scaleLinear(places, ramp.map((_, k) => k / (ramp.length - 1)));
  return (t) => along(toStop(t));
}

export interface DensityScale {
  /** True where the density spans more than a decade and the scale is logarithmic. */
  log: boolean;
  domain: [number, number];
  /** Position of a value on the ramp, 0 to 1. */
  place(value: number): number;
  ticks: number[];
  /** Values at which contour lines are drawn. */
  levels: number[];
}

export function densityScale(values: ArrayLike<number>): DensityScale {
  let [low, high] = [Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    if (value > 0 && value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high > 0)) [low, high] = [1, 1];
  if (low === Infinity) low = high;
  const constant = high <= low * (1 + 1e-6);
  const log = high > 10 * low;
  const scale = log ? scaleLog([low, high], [0, 1]) : scaleLinear([low, high], [0, 1]);
  const place = (value: number) => (constant ? 0.35 : Math.min(Math.max(scale(Math.max(value, low)), 0), 1));
  if (constant) return { log, domain: [low, high], place, ticks: [low], levels: [] };
  return {
    log,
    domain: [low, high],
    place,
    ticks: spaced(scale.ticks(log ? 6 : 4), place),
    levels: log ? logLevels(low, high) : scale.ticks(8),
  };
}

/** 1, 2, 5, 10, … over few decades, powers of ten over many. */
function logLevels(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 3 ? [1, 3] : [1, 2, 5];
  const levels: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const step of steps) levels.push(step * 10 ** power);
  }
  return levels.filter((level) => level > low && level < high);
}

/** Drops ticks that would stand closer than a fifth of the bar. */
function spaced(ticks: number[], place: (value: number) => number): number[] {
  const powers = ticks.filter((t) => Math.abs(Math.log10(t) - Math.round(Math.log10(t))) < 1e-9);
  const wanted = powers.length >= 2 ? powers : ticks;
  const kept: number[] = [];
  for (const tick of wanted) {
    if (kept.length === 0 || place(tick) - place(kept[kept.length - 1]!) >= 0.19) kept.push(tick);
  }
  return kept;
}

// Okabe and Ito's colour-blind-safe eight, reordered, and two more for the ten digits
const CATEGORIES = {
  light: ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#7a5195", "#f0e442", "#4d4d4d"],
  dark: ["#2f9be0", "#e69f00", "#1fc295", "#f0752f", "#e39bc2", "#8fd3ff", "#b8923a", "#b08bd0", "#f0e442", "#d0d5dc"],
};

/** One colour per label; beyond ten, hues evenly spaced by the golden angle. */
export function labelColour(index: number, count: number, palette: Palette): string {
  const named = palette.dark ? CATEGORIES.dark : CATEGORIES.light;
  if (count <= named.length) return named[index % named.length]!;
  const hue = (index * 137.508) % 360;
  // with commas, which every reader of colours understands
  return `hsl(${hue.toFixed(0)}, 62%, ${(palette.dark ? 52 : 40) + 12 * (index % 3)}%)`;
}

/** A number with three significant digits, the way the rest of the widget prints them. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
