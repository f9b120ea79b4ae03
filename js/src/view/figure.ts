/** The figure of a view, for export. */

import type { Figure } from "../export/figure_svg";
import type { MapView } from "../map/map";
import type { Scene } from "../map/scene";
import { KINDS } from "../model/path_kinds";
import { describePath } from "../panels/film_strips";
import type { ViewState } from "./state";

/** Null where there is nothing to draw. */
export function composeFigure(state: ViewState, map: MapView, compose: () => Scene): Figure | null {
  const { model, atlas, colouring, morph, paths, drawn } = state;
  if (!drawn) return null;
  // a figure shows the lines, not the markers on them
  const scene = { ...compose(), markers: {} };
  const by = model.get("colour_by");
  return {
    scene,
    atlas,
    key: colouring.key(by, drawn, model.get("temper")),
    raster: (palette, ratio, layers) => map.picture(scene, colouring.shade(by, drawn, morph.mesh, palette), palette, ratio, layers),
    strips: KINDS.filter((kind) => scene.shown[kind]).map((kind) => ({
      kind,
      caption: describePath(kind, paths),
      ...paths.pictures(kind),
    })),
  };
}
