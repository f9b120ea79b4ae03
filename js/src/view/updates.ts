/**
 * What a view computes anew when a trait changes or a handle is dragged: the mixture of the measures, the paths with
 * their samples, and the mesh of a new map.
 */

import { averageOntoCorners, density, mix } from "../field/field";
import { invertMap } from "../geodesics/lines";
import { prepare } from "../geodesics/problem";
import type { DrawnField } from "../map/scene";
import { toFloats } from "../model/serialization";
import { densityScale } from "../style/density_scale";
import { prefersStillness } from "../style/theme";
import type { End, Point } from "../types";
import type { Frames } from "./frames";
import { endsOf, weightsOf, type TraitWriter, type ViewState } from "./state";
import { readMap } from "./status";

export interface Updates {
  /** Mixes the measures anew; what is drawn stays as it was where none has a weight. */
  mixField(): void;
  findPaths(): void;
  samplePaths(): void;
  /** Finds the paths that are shown from now on, and draws what is. */
  show(): void;
  useMap(): void;
  drag(end: End, to: Point, done: boolean): void;
  /** Finds the paths where a drag has asked for it since the last frame. */
  catchUp(): void;
}

export function createUpdates(state: ViewState, frames: Frames, { write }: TraitWriter): Updates {
  const { model, paths } = state;
  // many moves may come within one frame, and only the last is seen
  let moved = false;

  function mixField(): void {
    state.drawn = drawField(state) ?? state.drawn;
    findPaths();
    frames.schedule("map", "panel");
  }

  function findPaths(): void {
    const { drawn, dragging } = state;
    if (!drawn) return;
    const resting = dragging && (dragging.end === "start" ? "end" : "start");
    paths.find(drawn.problem, { ...endsOf(state), resting }, model.get("show"));
    samplePaths();
  }

  function samplePaths(): void {
    if (!state.drawn) return;
    paths.sample(state.drawn.problem, model.get("n_samples"), model.get("spacing"));
    state.root.dataset.settled = String(paths.final);
    frames.schedule("lines", "strips");
  }

  function drag(end: End, to: Point, done: boolean): void {
    state.dragging = done ? null : { end, to };
    if (done) {
      write(end, to, 0);
      findPaths();
    } else {
      moved = true;
      frames.schedule("lines", "strips");
    }
  }

  return {
    mixField,
    findPaths,
    samplePaths,
    show() {
      // paths that are hidden were not found
      if (!paths.covers(model.get("show"))) findPaths();
      frames.schedule("map", "panel", "strips");
    },
    useMap() {
      if (useMap(state) && model.get("show").stretched) findPaths();
      frames.schedule("map", "panel");
    },
    drag,
    catchUp() {
      if (!moved) return;
      moved = false;
      findPaths();
    },
  };
}

function drawField(state: ViewState): DrawnField | null {
  const { model, atlas } = state;
  const weights = weightsOf(state);
  const metric = mix(atlas.fields, weights, model.get("temper"), atlas.shape, model.get("smoothing"));
  if (!metric) return null;
  const rho = density(metric);
  const scale = densityScale(rho);
  const places = averageOntoCorners(
    rho.map((value) => scale.place(value)),
    atlas.shape,
  );
  return { problem: prepare({ shape: atlas.shape, extent: atlas.extent, metric }), weights, density: rho, scale, places };
}

/** Takes the map that the kernel has sent, if it has; false where there is none. */
function useMap({ model, atlas, paths, morph }: ViewState): boolean {
  const map = readMap(model);
  if (!map) return false;
  const corners = Float64Array.from(toFloats(map.corners));
  paths.useMap(invertMap({ extent: atlas.extent, shape: atlas.shape, corners }));
  morph.setFull(corners, model.get("stretch") === 0 || prefersStillness());
  return true;
}
