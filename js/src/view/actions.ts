/** What the controls do and show: each slider, box and list writes a trait, and reads it back. */

import options from "../../../latent_widget/display/options.json";
import { shares } from "../field/field";
import type { Actions, createControls } from "../panels/controls";
import type { ColourBy } from "../types";
import { weightsOf, type TraitWriter, type ViewState } from "./state";

const COLOURINGS = options.colour_by as ColourBy[];

/** Milliseconds for which a slider's moves are kept back from the kernel. */
const PAUSE = { stretch: 100, mixing: 150 };

/** The handlers of the controls. */
export function createActions({ write }: TraitWriter): Omit<Actions, "save"> {
  return {
    method: (value) => write("map_method", value, 0),
    areaWeight: (value, final) => write("area_weight", value, final ? 0 : PAUSE.mixing),
    stretch: (value, final) => write("stretch", value, final ? 0 : PAUSE.stretch),
    temper: (value, final) => write("temper", value, final ? 0 : PAUSE.mixing),
    smoothing: (value, final) => write("smoothing", value, final ? 0 : PAUSE.mixing),
    weights: (value, final) => write("weights", value, final ? 0 : PAUSE.mixing),
    show: (value) => write("show", value, 0),
    samples: (value) => write("n_samples", value, 0),
    spacing: (value) => write("spacing", value, 0),
    colour: (value) => write("colour_by", value, 0),
  };
}

/** What the controls show now. */
export function readChoices(state: ViewState): Parameters<ReturnType<typeof createControls>["update"]>[0] {
  const { model, atlas, colouring } = state;
  const weights = weightsOf(state);
  const parts = shares(weights, atlas.meanDensities);
  return {
    stretch: model.get("stretch"),
    method: model.get("map_method"),
    areaWeight: model.get("area_weight"),
    temper: model.get("temper"),
    smoothing: model.get("smoothing"),
    weights: model.get("weights"),
    shares: Object.fromEntries(atlas.names.map((name, k) => [name, parts[k]])),
    shown: model.get("show"),
    samples: model.get("n_samples"),
    spacing: model.get("spacing"),
    colour: model.get("colour_by"),
    whyClosed: Object.fromEntries(COLOURINGS.map((by) => [by, colouring.whyClosed(by, weights)])) as Record<ColourBy, string>,
  };
}
