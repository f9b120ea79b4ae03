/** The scale of the density: linear, or logarithmic over more than a decade, with its ticks and contour levels; and how numbers are printed. */

import { scaleLinear, scaleLog } from "d3-scale";
import palette from "../../../latent_widget/figures/palette.json";

/** The ratio of highest to lowest above which the scale is logarithmic, and where on the ramp a constant stands. */
const { log_above: LOG_ABOVE, constant_place: CONSTANT_PLACE } = palette.density;

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
    const value = values[k];
    if (value > 0 && value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high > 0)) [low, high] = [1, 1];
  if (low === Infinity) low = high;
  const constant = high <= low * (1 + 1e-6);
  const log = high > LOG_ABOVE * low;
  const scale = log ? scaleLog([low, high], [0, 1]) : scaleLinear([low, high], [0, 1]);
  const place = (value: number) => (constant ? CONSTANT_PLACE : Math.min(Math.max(scale(Math.max(value, low)), 0), 1));
  if (constant) return { log, domain: [low, high], place, ticks: [low], levels: [] };
  return {
    log,
    domain: [low, high],
    place,
    ticks: thinTicks(scale.ticks(log ? 6 : 4), place),
    levels: log ? logLevels(low, high) : scale.ticks(8),
  };
}

/** 1, 2, 5, 10, … over few decades, powers of ten over many. */
export function logLevels(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 3 ? [1, 3] : [1, 2, 5];
  const levels: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const step of steps) levels.push(step * 10 ** power);
  }
  return levels.filter((level) => level > low && level < high);
}

/** Drops ticks that would stand closer than a fifth of the bar. */
export function thinTicks(ticks: number[], place: (value: number) => number): number[] {
  const powers = ticks.filter((t) => Math.abs(Math.log10(t) - Math.round(Math.log10(t))) < 1e-9);
  const wanted = powers.length >= 2 ? powers : ticks;
  const kept: number[] = [];
  for (const tick of wanted) {
    if (kept.length === 0 || place(tick) - place(kept[kept.length - 1]) >= 0.19) kept.push(tick);
  }
  return kept;
}

/** A number with three significant digits, the way the rest of the widget prints them. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
