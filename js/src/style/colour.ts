/** Colours of the map, of labels and of paths: the palettes, and the ramps interpolated in CIELAB. */

import { lab, rgb } from "d3-color";
import { interpolateLab, piecewise } from "d3-interpolate";
import { scaleLinear } from "d3-scale";
import palette from "../../../latent_widget/figures/palette.json";
import type { Ramp } from "../types";

export interface Palette {
  dark: boolean;
  paper: string;
  ink: string;
  faint: string;
  line: string;
  casing: string;
  /** Behind a drawing in a film strip. */
  cell: string;
  /** Lines of equal coordinates, and contours. */
  lattice: string;
  geodesic: string;
  straight: string;
  slerp: string;
  stretched: string;
  ramp: string[];
  /** From too small over true to too large. */
  diverging: string[];
  /** Of so many labels or fewer. */
  labels: string[];
}

/**
 * Both ramps change lightness evenly and stay readable without colour; figures are drawn with the light palette. The colours of
 * paths stay apart for colour-blind eyes too (test/style/colour.test.ts).
 */
export const LIGHT: Palette = { dark: false, ...palette.light };
export const DARK: Palette = { dark: true, ...palette.dark };

/** 256 colours as little-endian RGBA words, ready for ImageData. */
export function tabulate(colour: (t: number) => string): Uint32Array {
  const words = new Uint32Array(256);
  for (let k = 0; k < 256; k++) words[k] = colourWord(colour(k / 255));
  return words;
}

/** A colour as an opaque little-endian RGBA word. */
export function colourWord(colour: string): number {
  const { r, g, b } = rgb(colour);
  return ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
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

/** One colour per label: Okabe and Ito's colour-blind-safe eight, reordered, and two more for the ten digits; beyond ten, hues evenly spaced by the golden angle. */
export function labelColour(index: number, count: number, { dark, labels }: Palette): string {
  if (count <= labels.length) return labels[index % labels.length];
  const hue = (index * 137.508) % 360;
  // with commas, which every reader of colours understands
  return `hsl(${hue.toFixed(0)}, 62%, ${(dark ? 52 : 40) + 12 * (index % 3)}%)`;
}
