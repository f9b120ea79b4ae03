/** The panels around the map, and what they are told of the state of the view. */

import options from "../../../latent_widget/display/options.json";
import { download, exportFigure, FILE_NAME, type DrawnFormat, type Figure } from "../export/figure_svg";
import { shares } from "../field/field";
import type { MapView } from "../map/map";
import type { DrawnField } from "../map/scene";
import { requestFigure, type Print } from "../model/figure_requests";
import type { History } from "../model/history";
import { KINDS } from "../model/path_kinds";
import { createControls, type Actions } from "../panels/controls";
import { createFilmStrips, type FilmStrips } from "../panels/film_strips";
import { keepKeys } from "../panels/keys";
import { createLegend } from "../panels/legend";
import { createPlayButton } from "../panels/play_button";
import { createReadout, type Readout } from "../panels/readout";
import { createUndoButton } from "../panels/undo_button";
import { createZoomButtons } from "../panels/zoom_buttons";
import { html } from "../style/dom";
import type { ColourBy, Model } from "../types";
import type { Frames } from "./frames";
import { weightsOf, type TraitWriter, type ViewState } from "./state";
import { createStatusLine, type StatusLine } from "./status";

const COLOURINGS = options.colour_by as ColourBy[];

/** Milliseconds for which a slider's moves are kept back from the kernel. */
const PAUSE = { stretch: 100, mixing: 150 };

export interface Panels {
  readout: Readout;
  strips: FilmStrips;
  status: StatusLine;
  /** Tells the zoom buttons how close the map is. */
  showZoom(times: number): void;
  /** Brings the legend and the controls up to date. */
  update(drawn: DrawnField): void;
  close(): void;
}

export interface Surroundings {
  state: ViewState;
  layout: HTMLElement;
  left: HTMLElement;
  map: MapView;
  history: History;
  writer: TraitWriter;
  frames: Frames;
  figure(): Figure | null;
}

export function createPanels({ state, layout, left, map, history, writer, frames, figure }: Surroundings): Panels {
  const { atlas, root, paths } = state;
  const below = html("div", { class: "lw-below" }, left);
  const readout = createReadout(below, atlas);
  const buttons = html("div", { class: "lw-buttons" }, below);
  const player = createPlayButton(buttons, (t) => {
    paths.moveMarkers(t);
    frames.schedule("lines", "markers");
  });
  const releaseKeys = keepKeys(root);
  const undo = createUndoButton(root, buttons, history);
  const showZoom = createZoomButtons(buttons, map.zoom);
  const side = html("div", { class: "lw-panel" }, layout);
  const legend = createLegend(side, atlas.points?.labels ? atlas.points.names : null);
  const has = { points: atlas.points !== null, thumbnails: atlas.sprites !== null, kernel: !state.model.offline };
  const save: Actions["save"] = (format, print) => {
    const saving = format === "pdf" ? savePdf(state.model, print, status) : saveDrawing(format, print, figure());
    saving.catch((error: unknown) => status.say(`The figure could not be saved: ${String(error)}`, "error"));
  };
  const controls = createControls(side, atlas.names, has, { ...actionsOf(writer), save });
  const status = createStatusLine(side, state.model);
  const strips = createFilmStrips(root, KINDS, atlas.sprites?.ink ?? null);

  return {
    readout,
    strips,
    status,
    showZoom,
    update(drawn) {
      legend.update(state.colouring.key(state.model.get("colour_by"), drawn, state.model.get("temper")), state.palette);
      controls.update(choicesOf(state));
      root.dataset.cells = drawn.problem.field.shape.join("x");
    },
    close() {
      undo.close();
      releaseKeys();
      player.close();
    },
  };
}

async function saveDrawing(format: DrawnFormat, print: Print, figure: Figure | null): Promise<void> {
  if (figure) await exportFigure(format, figure, print);
}

/** Lets the kernel write the figure. */
async function savePdf(model: Model, print: Print, status: StatusLine): Promise<void> {
  status.say("The figure is being written", "busy");
  // what a slider still keeps back is to be in it
  model.save_changes();
  const bytes = await requestFigure(model, "pdf", print);
  status.say();
  download(new Blob([bytes], { type: "application/pdf" }), `${FILE_NAME}.pdf`);
}

function actionsOf({ write }: TraitWriter): Omit<Actions, "save"> {
  return {
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

function choicesOf(state: ViewState): Parameters<ReturnType<typeof createControls>["update"]>[0] {
  const { model, atlas, colouring } = state;
  const weights = weightsOf(state);
  const parts = shares(atlas.fields, weights);
  return {
    stretch: model.get("stretch"),
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
