/** The kinds of paths between the two ends: their names, their dashes, and how each is sampled where nobody asks otherwise. */

import type { PathKind, Spacing } from "../types";

export const KINDS: PathKind[] = ["geodesic", "straight", "slerp", "stretched"];

export const TITLES: Record<PathKind, string> = {
  geodesic: "Geodesic",
  straight: "Straight line",
  slerp: "Spherical line",
  stretched: "Straight on the stretched map",
};

/** Told apart without colour; dots are dashes of no length with round ends. */
export const DASHES: Record<PathKind, string> = {
  geodesic: "none",
  straight: "6 5",
  slerp: "0.1 4.6",
  stretched: "10 5 0.1 5",
};

/** Evenly by the measure, by distance in the latent plane, or by the parameter with which a line was laid. */
export type By = "measure" | "latent" | "parameter";

/** Slerp runs by its parameter, evenly in the angle between equal norms; the other two lines by distance where they are straight. */
const OWN: Record<PathKind, By> = { geodesic: "measure", straight: "latent", slerp: "parameter", stretched: "parameter" };

export function spacingOf(kind: PathKind, spacing: Spacing): By {
  return spacing === "own" ? OWN[kind] : spacing;
}
