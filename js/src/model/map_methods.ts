/** The maps to which the latent plane can be stretched. */

import options from "../../../latent_widget/display/options.json";
import type { MapMethod } from "../types";

export const MAP_METHODS = options.map_methods as MapMethod[];

/** As they are called in sentences, and at the end of the slider. */
export const MAP_NAMES: Record<MapMethod, string> = {
  cartogram: "cartogram",
  isometric: "isometric map",
  distances: "distance map",
};

/** What each keeps true. */
export const MAP_HINTS: Record<MapMethod, string> = {
  cartogram: "Every area is its part of the measure; directions are ignored, and the rectangle keeps its sides",
  isometric: "The measure is distorted least, everywhere: near places keep their distances; the outline is free",
  distances: "Geodesic distances between encoded points are kept best, the far ones too; the outline is free",
};
