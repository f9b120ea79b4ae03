/** The kinds of paths between the two ends: their names, their dashes, and how each is sampled where nobody asks otherwise. */

import options from "../../../latent_widget/display/options.json";
import palette from "../../../latent_widget/figures/palette.json";
import type { PathKind, Spacing } from "../types";

const { dashes } = palette;

export const KINDS = Object.keys(options.spaced) as PathKind[];

export const TITLES: Record<PathKind, string> = {
  geodesic: "Geodesic",
  straight: "Straight line",
  slerp: "Spherical line",
  stretched: "Straight on the stretched map",
};

/** Told apart without colour; dots are dashes of no length with round ends. */
export const DASHES: Record<PathKind, string> = {
  geodesic: dashes.geodesic.svg,
  straight: dashes.straight.svg,
  slerp: dashes.slerp.svg,
  stretched: dashes.stretched.svg,
};

/** Evenly by the measure, by distance in the latent plane, or by the parameter with which a line was laid. */
export type By = "measure" | "latent" | "parameter";

/** Slerp runs by its parameter, evenly in the angle between equal norms; the other two lines by distance where they are straight. */
const OWN = options.spaced as Record<PathKind, By>;

export function spacingOf(kind: PathKind, spacing: Spacing): By {
  return spacing === "own" ? OWN[kind] : spacing;
}
