/** The panels around the map, and what they are told of the state of the view. */

import { exportFigure, type DrawnFormat, type Figure } from "../export/figure_svg";
import { savePdf } from "../export/pdf";
import type { MapView } from "../map/map";
import type { DrawnField } from "../map/scene";
import type { Print } from "../model/figure_requests";
import type { History } from "../model/history";
import { MAP_METHODS } from "../model/map_methods";
import { KINDS } from "../model/path_kinds";
import { createAuditPanel } from "../panels/audit";
import { createControls, type Actions } from "../panels/controls";
import { createFilmStrips, type FilmStrips } from "../panels/film_strips";
import { keepKeys } from "../panels/keys";
import { createLegend } from "../panels/legend";
import { createPlayButton } from "../panels/play_button";
import { createReadout, type Readout } from "../panels/readout";
import { createUndoButton } from "../panels/undo_button";
import { createZoomButtons } from "../panels/zoom_buttons";
import { html } from "../style/dom";
import { createActions, readChoices } from "./actions";
import type { Frames } from "./frames";
import type { TraitWriter, ViewState } from "./state";
import { createStatusLine, readMap, type StatusLine } from "./status";

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
  const has = { points: atlas.points !== null, thumbnails: atlas.sprites !== null, kernel: !state.model.offline, maps: state.model.maps ?? MAP_METHODS };
  const save: Actions["save"] = (format, print) => {
    const saving = format === "pdf" ? savePdf(state.model, print, status.say) : saveDrawing(format, print, figure());
    saving.catch((error: unknown) => status.say(`The figure could not be saved: ${String(error)}`, "error"));
  };
  const controls = createControls(side, atlas.names, has, { ...createActions(writer), save });
  const audit = createAuditPanel(left, has.kernel, () => {
    if (state.model.get("_audit").state !== "busy") state.model.send({ type: "audit" });
  });
  const status = createStatusLine(side, state.model);
  const strips = createFilmStrips(root, KINDS, atlas.sprites?.ink ?? null);

  return {
    readout,
    strips,
    status,
    showZoom,
    update(drawn) {
      legend.update(state.colouring.key(state.model.get("colour_by"), drawn, state.model.get("temper")), state.palette);
      controls.update(readChoices(state));
      audit.update(state.model.get("_audit"), readMap(state.model));
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
