/** What a view knows between frames, and the writing of its traits. */

import { normaliseWeights } from "../field/field";
import type { Paths } from "../geodesics/paths";
import type { Colouring } from "../map/colouring";
import type { DrawnField } from "../map/scene";
import type { Atlas } from "../model/atlas";
import type { History, Undoable } from "../model/history";
import type { Palette } from "../style/colour";
import type { End, Extent, Model, Point, Traits } from "../types";
import type { Morph } from "./morph";

export interface ViewState {
  readonly model: Model;
  readonly atlas: Atlas;
  readonly root: HTMLElement;
  readonly paths: Paths;
  readonly colouring: Colouring;
  readonly morph: Morph;
  /** Null before any measure has a weight. */
  drawn: DrawnField | null;
  /** The end that is in a hand, and where it is held. */
  dragging: { end: End; to: Point } | null;
  /** The whole page. */
  page: Extent;
  /** The part of it that is seen. */
  pane: Extent;
  palette: Palette;
  /** Pixels for the map with its axes; 0 before the view hangs in a page. */
  width: number;
}

/** The two ends as they are seen: one may be in a hand. */
export function endsOf({ model, dragging }: ViewState): { start: Point; end: Point } {
  const at = (end: End): Point => (dragging?.end === end ? dragging.to : model.get(end));
  return { start: at("start"), end: at("end") };
}

/** The weights by which the measures are added, in their order. */
export function weightsOf({ model, atlas }: ViewState): number[] {
  const weights = model.get("weights");
  return normaliseWeights(
    atlas.names.map((name) => weights[name] ?? 0),
    atlas.meanDensities,
  );
}

export interface TraitWriter {
  /** Sets a trait at once for every view here, and sends it to the kernel after a pause of so many milliseconds. */
  write<K extends keyof Traits>(name: K, value: Traits[K], pause: number): void;
  close(): void;
}

export function createTraitWriter(model: Model, history: History): TraitWriter {
  const pending = new Map<string, ReturnType<typeof setTimeout>>();
  return {
    write(name, value, pause) {
      if (name !== "view") history.note(name as Undoable);
      model.set(name, value);
      clearTimeout(pending.get(name));
      if (pause === 0) model.save_changes();
      else pending.set(name, setTimeout(() => model.save_changes(), pause));
    },
    close() {
      for (const timer of pending.values()) clearTimeout(timer);
    },
  };
}
