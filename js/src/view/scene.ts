/** All that a map shows, composed from the state of its view. */

import { isolines } from "../field/contours";
import { ellipsesInSight } from "../map/indicatrices";
import { MARGIN, type DrawnField, type Scene } from "../map/scene";
import type { Extent } from "../types";
import { endsOf, type ViewState } from "./state";

/** Pixels that a map takes at most, however wide its page. */
const WIDEST = 620;
const NARROWEST_PLOT = 120;
/** Height over width of the plot, whatever the extent. */
const ASPECT = { least: 0.3, most: 1.6 };

/** Composes scenes, and keeps the contours of a field from frame to frame. */
export function createSceneComposer(state: ViewState): (whole?: boolean) => Scene {
  let contours: { of: DrawnField; lines: Float64Array[] } | null = null;

  function contoursOf(drawn: DrawnField): Float64Array[] {
    if (contours?.of !== drawn) {
      const { shape, extent } = drawn.problem.field;
      const levels = drawn.scale.levels.map(drawn.scale.place);
      contours = { of: drawn, lines: levels.flatMap((level) => isolines(drawn.places, shape, extent, level)) };
    }
    return contours.lines;
  }

  /** All that is drawn; not `whole`, without the layers that stay where only lines are drawn. */
  return (whole = true) => {
    const { model, drawn, morph } = state;
    const scene = compose(state);
    if (!drawn || !whole) return scene;
    const range = model.get("highlight");
    if (range) scene.highlight = { density: drawn.density, range };
    if (scene.shown.contours) scene.contours = contoursOf(drawn);
    if (scene.shown.ellipses) {
      scene.ellipses = ellipsesInSight(scene, drawn.problem.field, drawn.density, { ...morph.mesh, corners: morph.full });
    }
    return scene;
  };
}

/** Height over width of the plot. */
export function aspectOf([x0, x1, y0, y1]: Extent): number {
  return Math.min(Math.max((y1 - y0) / (x1 - x0), ASPECT.least), ASPECT.most);
}

function compose(state: ViewState): Scene {
  const { model, atlas, morph } = state;
  const width = Math.max(NARROWEST_PLOT, Math.min(state.width, WIDEST) - MARGIN.left - MARGIN.right);
  return {
    width,
    height: Math.round(width * aspectOf(atlas.extent)),
    mesh: morph.mesh,
    morph: { from: morph.flat, to: morph.full, t: model.get("stretch") },
    page: state.page,
    free: morph.free,
    pane: state.pane,
    axes: atlas.axes,
    shown: model.get("show"),
    ...endsOf(state),
    ...state.paths.drawing(),
  };
}
