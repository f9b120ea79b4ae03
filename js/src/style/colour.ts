/** Colours of the map, of labels and of paths, and the scale of the density. */

import { lab, rgb } from "d3-color";
import { interpolateLab, piecewise } from "d3-interpolate";
import { scaleLinear } from "d3-scale";
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
export function tabulate(colour: (t: number) => string): Uint32Array {
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
  const [first, last] = [lightness[0], lightness[lightness.length - 1]];
  const places = lightness.map((l) => (l - first) / (last - first));
  const along: (t: number) => string = piecewise(interpolateLab, ramp);
  const toStop = scaleLinear(places, ramp.map((_, k) => k / (ramp.length - 1)));
  return (t) => along(toStop(t));
}

// Okabe and Ito's colour-blind-safe eight, reordered, and two more for the ten digits
const CATEGORIES = {
  light: ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#7a5195", "#f0e442", "#4d4d4d"],
  dark: ["#2f9be0", "#e69f00", "#1fc295", "#f0752f", "#e39bc2", "#8fd3ff", "#b8923a", "#b08bd0", "#f0e442", "#d0d5dc"],
};

/** One colour per label; beyond ten, hues evenly spaced by the golden angle. */
export function labelColour(index: number, count: number, palette: Palette): string {
  const named = palette.dark ? CATEGORIES.dark : CATEGORIES.light;
  if (count <= named.length) return named[index % named.length];
  const hue = (index * 137.508) % 360;
  // with commas, which every reader of colours understands
  return `hsl(${hue.toFixed(0)}, 62%, ${(palette.dark ? 52 : 40) + 12 * (index % 3)}%)`;
}
