/** One view of a widget: it draws what its traits say, and writes to them what is done by hand. Nothing here waits for the kernel. */

import { createPaths } from "../geodesics/paths";
import { createColouring } from "../map/colouring";
import { createDetail } from "../map/detail";
import { createMap, type MapView } from "../map/map";
import type { Scene } from "../map/scene";
import { closeness, fitPane, isWhole } from "../map/zoom";
import { readAtlas } from "../model/atlas";
import { historyOf } from "../model/history";
import { html } from "../style/dom";
import { paletteFor, watchTheme } from "../style/theme";
import type { Model } from "../types";
import { composeFigure } from "./figure";
import { createFrames, type Frames, type Part } from "./frames";
import { createMorph } from "./morph";
import { createPanels, type Panels } from "./panels";
import { aspectOf, createSceneComposer } from "./scene";
import { createTraitWriter, type ViewState } from "./state";
import { createUpdates, type Updates } from "./updates";

export function mountView(model: Model, host: HTMLElement): () => void {
  const atlas = readAtlas(model);
  const root = html("div", { class: "lw-root", role: "group", "aria-label": "latent space map" }, host);
  const layout = html("div", { class: "lw-layout" }, root);
  const left = html("div", { class: "lw-left" }, layout);

  const state: ViewState = {
    model,
    atlas,
    root,
    paths: createPaths(
      model,
      atlas,
      () => frames.schedule("strips"),
      () => !state.dragging && updates.findPaths(),
    ),
    colouring: createColouring(atlas),
    morph: createMorph(atlas.extent, atlas.shape),
    drawn: null,
    dragging: null,
    page: atlas.extent,
    pane: fitPane(model.get("view"), atlas.extent),
    palette: paletteFor(model.get("theme"), root),
    width: 0,
  };
  const compose = createSceneComposer(state);
  const frames = createFrames(() => state.width > 0, (now, takeParts) => render(now, takeParts, { state, map, frames, updates, panels, compose }));
  const history = historyOf(model);
  const writer = createTraitWriter(model, history);
  const updates = createUpdates(state, frames, writer);
  const map = createMap(left, atlas, {
    drag: updates.drag,
    hover: (at) => panels.readout.show(at, state.drawn, state.palette),
    look: (pane) => writer.write("view", isWhole(pane, state.page) ? null : pane, 150),
    needDetail: (places) => detail.request(places),
  });
  const detail = createDetail(model, map.setDetail);
  const panels = createPanels({ state, layout, left, map, history, writer, frames, figure: () => composeFigure(state, map, compose) });

  const unlisten = listen(state, { left, map, frames, updates, say: panels.status.say });
  return () => {
    unlisten();
    writer.close();
    panels.close();
    detail.close();
    state.paths.close();
    map.close();
    frames.close();
    root.remove();
  };
}

interface Drawing {
  state: ViewState;
  map: MapView;
  frames: Frames;
  updates: Updates;
  panels: Panels;
  compose: (whole?: boolean) => Scene;
}

/** Draws the parts that have changed. */
function render(now: number, takeParts: () => Set<Part>, { state, map, frames, updates, panels, compose }: Drawing): void {
  const { model, atlas, morph, paths, palette } = state;
  updates.catchUp();
  const parts = takeParts();
  if (!state.drawn) return;
  if (parts.has("map")) {
    if (morph.advance(now, model.get("stretch"))) frames.schedule("map");
    state.page = morph.page(aspectOf(atlas.extent));
    state.pane = fitPane(model.get("view"), state.page);
    panels.status.warn(morph.folds);
    map.draw(compose(), state.colouring.shade(model.get("colour_by"), state.drawn, morph.mesh, palette), palette);
    panels.showZoom(closeness(state.pane, state.page));
  } else if (parts.has("lines")) map.drawLines(compose(false), palette);
  if (parts.has("panel")) panels.update(state.drawn);
  if (parts.has("strips")) panels.strips.draw(paths, model.get("show"), palette);
  else if (parts.has("markers")) panels.strips.mark(paths);
}

interface Listening {
  left: HTMLElement;
  map: MapView;
  frames: Frames;
  updates: Updates;
  say(): void;
}

/** Follows the traits, the host's theme and the room that there is, from the present state on; returns how to stop. */
function listen(state: ViewState, { left, map, frames, updates, say }: Listening): () => void {
  const { model, root } = state;
  const dress = (): void => {
    state.palette = paletteFor(model.get("theme"), root);
    root.dataset.theme = state.palette.dark ? "dark" : "light";
    frames.schedule("map", "panel", "strips");
  };
  const useMap = (): void => {
    updates.useMap();
    say();
  };
  const respace = (): void => {
    updates.samplePaths();
    frames.schedule("panel");
  };
  const reactions: [string, () => void][] = [
    ...["weights", "temper", "smoothing"].map((name): [string, () => void] => [name, updates.mixField]),
    ...["start", "end"].map((name): [string, () => void] => [name, updates.findPaths]),
    ...["n_samples", "spacing"].map((name): [string, () => void] => [name, respace]),
    ...["stretch", "colour_by", "map_method", "area_weight", "_audit"].map((name): [string, () => void] => [name, () => frames.schedule("map", "panel")]),
    ["highlight", () => frames.schedule("map")],
    ["show", updates.show],
    ["theme", dress],
    ["_map", useMap],
    ["_status", say],
    ["view", () => ((state.pane = fitPane(model.get("view"), state.page)), frames.schedule("map"))],
    ["renderer", () => (map.prefer(model.get("renderer")), frames.schedule("map"))],
  ];
  // hosts hand listeners the model and the value, which reactions would take for arguments of their own
  const listeners = reactions.map(([name, react]): [string, () => void] => [`change:${name}`, () => react()]);
  for (const [event, listener] of listeners) model.on(event, listener);
  const unwatch = watchTheme(dress);
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width <= 0 || width === state.width) return;
    // the host's theme cannot be read before the view hangs in its page
    if (state.width === 0) dress();
    state.width = width;
    frames.schedule("map", "panel", "strips");
  });
  observer.observe(left);
  map.prefer(model.get("renderer"));
  dress();
  useMap();
  updates.mixField();
  return () => {
    for (const [event, listener] of listeners) model.off(event, listener);
    unwatch();
    observer.disconnect();
  };
}
