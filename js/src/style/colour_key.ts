/** What the colours of the map mean: the stops of their bar, its ticks, and its title in plain words. */

import { OCTAVES } from "../field/area_error";
import type { ColourBy, Ramp } from "../types";
import { colours, type Palette } from "./colour";
import { shortNumber, type DensityScale } from "./density_scale";

/** Stops of the bar, as offsets and colours, for CSS and for SVG alike. */
export function stops(by: Ramp, palette: Palette): [number, string][] {
  const colour = colours(by, palette);
  return Array.from({ length: 13 }, (_, k) => [k / 12, colour(k / 12)]);
}

/** What a bar of colours says: its title, and words at places between 0 and 1. */
export interface Key {
  by: ColourBy;
  title: string;
  ticks: [number, string][];
  range: string;
}

export function densityKey(scale: DensityScale, title: string): Key {
  const [low, high] = scale.domain.map(shortNumber);
  return {
    by: "density",
    title: title + (scale.log ? " (log scale)" : ""),
    ticks: scale.ticks.map((tick) => [scale.place(tick), shortNumber(tick)]),
    range: `${low} to ${high}`,
  };
}

export function errorKey(): Key {
  const most = 2 ** OCTAVES;
  return {
    by: "area_error",
    title: "Area on this map against the area that the measure asks for",
    ticks: [
      [0, `÷${most} or less`],
      [0.5, "true"],
      [1, `×${most} or more`],
    ],
    range: `${most} times too small over true to ${most} times too large`,
  };
}

export function labelKey(): Key {
  return {
    by: "label",
    title: "Label of most of the encoded points that lie nearest; paler where fewer agree or none is near",
    ticks: [],
    range: "the labels' colours",
  };
}

/** What the density says, for the measures that are on. */
export function explainDensity(names: string[], temper: number): string {
  if (names.length === 0) return "No measure is switched on";
  if (temper === 0) return "Tempered to nothing: every cell counts the same";
  const what = names.length === 1 ? MEANINGS[names[0]] : undefined;
  return what ?? `Magnification √det G of ${names.map((name) => name.replaceAll("_", " ")).join(" + ")}`;
}

export const TOLD_APART = "Magnification: how well decoded distributions can be told apart, per unit of latent area";
export const MEANINGS: Record<string, string> = {
  pullback: "Magnification: how much the decoded output changes per unit of latent area",
  fisher_rao: TOLD_APART,
  jensen_shannon: TOLD_APART,
  hellinger: TOLD_APART,
  kl: "Magnification: what coding one decoded distribution by its neighbour costs, per unit of latent area",
  wasserstein: "Magnification: how far decoded mass must be moved, per unit of latent area",
  classifier: "Magnification: how much the classifier's answer changes per unit of latent area",
  feature: "Magnification: how much the features of the decoded output change per unit of latent area",
  distance: "Magnification: how far apart neighbouring outputs are by the given distance, per unit of latent area",
  entropy: "Entropy of the decoded distribution, above its least",
  likelihood: "Rarity: large where the data are few",
};
