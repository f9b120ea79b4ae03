/** One view of a widget: its state, and when what is drawn again. Nothing here waits for the kernel. */

import { exportFigure } from "../export/figure_svg";
import { isolines } from "../field/contours";
import { averageOntoCorners, density, mix, shares } from "../field/field";
import { blend, flatMesh } from "../field/mesh";
import { invertMap } from "../geodesics/lines";
import { createPaths } from "../geodesics/paths";
import { prepare } from "../geodesics/problem";
import { createColouring } from "../map/colouring";
import { createDetail } from "../map/detail";
import { ellipsesInSight } from "../map/indicatrices";
import { createMap } from "../map/map";
import { MARGIN, type DrawnField, type Scene } from "../map/scene";
import { closeness, fitPane } from "../map/zoom";
import { readAtlas } from "../model/atlas";
import { historyOf, type Undoable } from "../model/history";
import { KINDS } from "../model/path_kinds";
import { toFloats } from "../model/serialization";
import { createControls } from "../panels/controls";
import { createFilmStrips, words } from "../panels/film_strips";
import { keepKeys } from "../panels/keys";
import { createLegend } from "../panels/legend";
import { createPlayButton } from "../panels/play_button";
import { createReadout } from "../panels/readout";
import { createUndoButton } from "../panels/undo_button";
import { createZoomButtons } from "../panels/zoom_buttons";
import type { Palette } from "../style/colour";
import { densityScale, shortNumber } from "../style/density_scale";
import { html } from "../style/dom";
import { paletteFor, prefersStillness, watchTheme } from "../style/theme";
import type { ColourBy, End, Extent, Model, Point, Traits, WireCartogram } from "../types";

const WIDEST = 620;
const TWEEN = 250;
const COLOURINGS: ColourBy[] = ["density", "label", "area_error", "standard_error"];

export function mountView(model: Model, host: HTMLElement): () => void {
  const atlas = readAtlas(model);
  const root = html("div", { class: "lw-root", role: "group", "aria-label": "latent space map" }, host);
  const layout = html("div", { class: "lw-layout" }, root);
  const left = html("div", { class: "lw-left" }, layout);
  const panel = html("div", { class: "lw-panel" }, layout);
  const map = createMap(left, atlas, { drag, hover, look, detail: (places) => detail.request(places) });
  const below = html("div", { class: "lw-below" }, left);
  const readout = createReadout(below, atlas);
  const buttons = html("div", { class: "lw-buttons" }, below);
  const player = createPlayButton(buttons, (t) => {
    race.moveMarkers(t);
    schedule("lines", "pace");
  });
  const releaseKeys = keepKeys(root);
  const history = historyOf(model);
  const undo = createUndoButton(root, buttons, history);
  const showZoom = createZoomButtons(buttons, map.zoom);
  const shades = createColouring(atlas);
  const legend = createLegend(panel, atlas.points?.labels ? atlas.points.names : null);
  const controls = createControls(panel, atlas.names, { points: atlas.points !== null, thumbnails: atlas.sprites !== null }, {
    stretch: (value, final) => write("stretch", value, final ? 0 : 100),
    temper: (value, final) => write("temper", value, final ? 0 : 150),
    smoothing: (value, final) => write("smoothing", value, final ? 0 : 150),
    weights: (value, final) => write("weights", value, final ? 0 : 150),
    show: (value) => write("show", value, 0),
    samples: (value) => write("n_samples", value, 0),
    spacing: (value) => write("spacing", value, 0),
    colour: (value) => write("colour_by", value, 0),
    save: (format, print) => {
      const figure = figureNow();
      if (figure) exportFigure(format, figure, print).catch((error: unknown) => say(`The figure could not be saved: ${String(error)}`, "error"));
    },
  });
  const status = html("p", { class: "lw-status", "data-lw": "status", role: "status" }, panel);
  const film = createFilmStrips(root, KINDS, atlas.sprites?.ink ?? null);

  const flat = flatMesh(atlas.extent, atlas.shape);
  const mesh = flatMesh(atlas.extent, atlas.shape);
  let stretchedTo: Float64Array = flat.corners;
  let tween: { from: Float64Array; to: Float64Array; since: number } | null = null;
  let ground: DrawnField | null = null;
  let contours: { of: DrawnField; lines: Float64Array[] } | null = null;
  let dragging: { end: End; to: Point } | null = null;
  let width = 0;
  let pane = fitPane(model.get("view"), atlas.extent);
  let palette: Palette = paletteFor(model.get("theme"), root);
  const detail = createDetail(model, map.detail);
  const race = createPaths(model, atlas, () => schedule("strips"), () => dragging || retrace());

  // ---- state -----------------------------------------------------------------------------------------------------

  // the ground (raster, points, thumbnails, axes) is by far the slowest to paint, and stays while an end is dragged
  type Part = "ground" | "lines" | "panel" | "strips" | "pace";
  const dirty = new Set<Part>();
  let frame = 0;

  function schedule(...what: Part[]): void {
    for (const part of what) dirty.add(part);
    frame ||= requestAnimationFrame(render);
  }

  /** Sets a trait at once for every view here, and sends it to the kernel after a pause. */
  const pending = new Map<string, ReturnType<typeof setTimeout>>();
  function write<K extends keyof Traits>(name: K, value: Traits[K], pause: number): void {
    if (name !== "view") history.note(name as Undoable);
    model.set(name, value);
    clearTimeout(pending.get(name));
    if (pause === 0) model.save_changes();
    else pending.set(name, setTimeout(() => model.save_changes(), pause));
  }

  function weighted(): [string[], number[]] {
    const weights = model.get("weights");
    return [atlas.names, atlas.names.map((name) => weights[name] ?? 0)];
  }

  function remix(): void {
    const [, weights] = weighted();
    const metric = mix(atlas.fields, weights, model.get("temper"), atlas.shape, model.get("smoothing"));
    if (metric) {
      const rho = density(metric);
      const scale = densityScale(rho);
      const places = averageOntoCorners(rho.map((value) => scale.place(value)), atlas.shape);
      ground = { problem: prepare({ shape: atlas.shape, extent: atlas.extent, metric }), weights, density: rho, scale, places };
    }
    retrace();
    schedule("ground", "panel");
  }

  function ends(): [Point, Point] {
    const at = (end: End): Point => (dragging?.end === end ? dragging.to : model.get(end));
    return [at("start"), at("end")];
  }

  function retrace(): void {
    if (!ground) return;
    const [start, end] = ends();
    const resting = dragging && (dragging.end === "start" ? "end" : "start");
    race.find(ground.problem, { start, end, resting }, model.get("show"));
    resample();
  }

  function resample(): void {
    if (!ground) return;
    race.sample(ground.problem, model.get("n_samples"), model.get("spacing"));
    root.dataset.settled = String(race.final);
    schedule("lines", "strips");
  }

  function respace(): void {
    resample();
    schedule("panel");
  }

  function reshow(): void {
    // what is hidden is not laid
    if (!race.covers(model.get("show"))) retrace();
    schedule("ground", "panel", "strips");
  }

  function drag(end: End, to: Point, done: boolean): void {
    dragging = { end, to };
    if (!done) return scheduleTrace();
    dragging = null;
    write(end, to, 0);
    retrace();
  }

  // many moves may come within one frame, and only the last is seen
  let traceWanted = false;
  function scheduleTrace(): void {
    traceWanted = true;
    schedule("lines", "strips");
  }

  function hover(at: Point | null): void {
    readout.show(at, ground, palette);
  }

  function look(wanted: Extent): void {
    write("view", wanted === atlas.extent ? null : wanted, 150);
  }

  function restretch(now: number): void {
    if (tween) {
      const t = Math.min((now - tween.since) / TWEEN, 1);
      stretchedTo = blend(tween.from, tween.to, t * (2 - t));
      if (t < 1) schedule("ground");
      else tween = null;
    }
    blend(flat.corners, stretchedTo, model.get("stretch"), mesh.corners);
  }

  function takeCartogram(): void {
    const cart = model.get("_cartogram") as WireCartogram;
    if (!cart.corners) return;
    const to = Float64Array.from(toFloats(cart.corners));
    const still = stretchedTo === flat.corners || model.get("stretch") === 0 || prefersStillness();
    if (still) stretchedTo = to;
    race.useMap(invertMap({ extent: atlas.extent, shape: atlas.shape, corners: to }));
    if (model.get("show").stretched) retrace();
    tween = still ? null : { from: Float64Array.from(stretchedTo), to, since: performance.now() };
    say();
    schedule("ground");
  }

  function say(message = "", state: Traits["_status"]["state"] = "ready"): void {
    const told = model.get("_status");
    const cart = model.get("_cartogram") as WireCartogram;
    const shown = message || told.state === "ready" ? state : told.state;
    const quality = cart.corners ? describeMap(cart) : "";
    status.textContent = message || (told.state === "ready" ? quality : told.message);
    status.dataset.state = shown === "ready" && cart.corners && !cart.converged ? "warning" : shown;
    status.title = cart.message ?? "";
  }

  // ---- drawing ---------------------------------------------------------------------------------------------------

  /** All that is drawn; without layers of the ground where only lines are. */
  function scene(whole = true): Scene {
    const [x0, x1, y0, y1] = atlas.extent;
    const plot = Math.max(120, Math.min(width, WIDEST) - MARGIN.left - MARGIN.right);
    const aspect = Math.min(Math.max((y1 - y0) / (x1 - x0), 0.3), 1.6);
    const [start, end] = ends();
    const shown = model.get("show");
    const now: Scene = {
      width: plot,
      height: Math.round(plot * aspect),
      mesh,
      morph: { from: flat.corners, to: stretchedTo, t: model.get("stretch") },
      pane,
      axes: atlas.axes,
      shown,
      start,
      end,
      ...race.drawing(),
    };
    if (!ground || !whole) return now;
    const range = model.get("highlight");
    if (range) now.highlight = { density: ground.density, range };
    if (shown.contours) now.contours = isolinesOf(ground);
    if (shown.ellipses) now.ellipses = ellipsesInSight(now, ground.problem.field, ground.density, { ...mesh, corners: stretchedTo });
    return now;
  }

  function isolinesOf(from: DrawnField): Float64Array[] {
    if (contours?.of !== from) {
      const places = from.scale.levels.map(from.scale.place);
      contours = { of: from, lines: places.flatMap((place) => isolines(from.places, atlas.shape, atlas.extent, place)) };
    }
    return contours.lines;
  }

  function render(now: number): void {
    frame = 0;
    if (width === 0) return;
    if (traceWanted) {
      traceWanted = false;
      retrace();
    }
    const parts = new Set(dirty);
    dirty.clear();
    if (!ground) return;
    if (parts.has("ground")) {
      restretch(now);
      map.draw(scene(), shades.shade(model.get("colour_by"), ground, mesh, palette), palette);
      showZoom(closeness(pane, atlas.extent));
    } else if (parts.has("lines")) map.drawLines(scene(false), palette);
    if (parts.has("panel")) updatePanel(ground);
    if (parts.has("strips")) film.draw(race, model.get("show"), palette);
    else if (parts.has("pace")) film.mark(race);
  }

  function updatePanel(shown: DrawnField): void {
    const [names, weights] = weighted();
    const part = shares(atlas.fields, weights);
    legend.update(shades.key(model.get("colour_by"), shown, model.get("temper")), palette);
    const open = (by: ColourBy) => [by, shades.whyClosed(by, weights)] as const;
    controls.update({
      stretch: model.get("stretch"),
      temper: model.get("temper"),
      smoothing: model.get("smoothing"),
      weights: model.get("weights"),
      shares: Object.fromEntries(names.map((name, k) => [name, part[k]!])),
      shown: model.get("show"),
      samples: model.get("n_samples"),
      spacing: model.get("spacing"),
      colour: model.get("colour_by"),
      whyClosed: Object.fromEntries(COLOURINGS.map(open)) as Record<ColourBy, string>,
    });
    root.dataset.cells = shown.problem.field.shape.join("x");
  }

  function figureNow(): Parameters<typeof exportFigure>[1] | null {
    if (!ground) return null;
    // a figure shows the lines, not somebody on them
    const now = { ...scene(), markers: {} };
    const by = model.get("colour_by");
    const of = ground;
    return {
      scene: now,
      ground,
      atlas,
      key: shades.key(by, of, model.get("temper")),
      raster: (palette, ratio, layers) => map.picture(now, shades.shade(by, of, mesh, palette), palette, ratio, layers),
      strips: KINDS.filter((kind) => now.shown[kind]).map((kind) => ({
        kind,
        caption: words(kind, race),
        ...race.pictures(kind),
      })),
    };
  }

  // ---- life ------------------------------------------------------------------------------------------------------

  function dress(): void {
    palette = paletteFor(model.get("theme"), root);
    root.dataset.theme = palette.dark ? "dark" : "light";
    schedule("ground", "panel", "strips");
  }

  const listeners: [string, () => void][] = [
    ["change:weights", remix],
    ["change:temper", remix],
    ["change:smoothing", remix],
    ["change:stretch", () => schedule("ground", "panel")],
    ["change:start", retrace],
    ["change:end", retrace],
    ["change:n_samples", respace],
    ["change:spacing", respace],
    ["change:show", reshow],
    ["change:colour_by", () => schedule("ground", "panel")],
    ["change:highlight", () => schedule("ground")],
    [
      "change:view",
      () => {
        pane = fitPane(model.get("view"), atlas.extent);
        schedule("ground");
      },
    ],
    [
      "change:renderer",
      () => {
        map.prefer(model.get("renderer"));
        schedule("ground");
      },
    ],
    ["change:theme", dress],
    ["change:_cartogram", takeCartogram],
    ["change:_status", () => say()],
  ];
  for (const [event, listener] of listeners) model.on(event, listener as never);
  const unwatch = watchTheme(dress);
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry!.contentRect.width);
    if (now > 0 && now !== width) {
      // the host's theme cannot be read before the view hangs in its page
      if (width === 0) dress();
      width = now;
      schedule("ground", "panel", "strips");
    }
  });
  observer.observe(left);
  map.prefer(model.get("renderer"));
  dress();
  takeCartogram();
  remix();

  return () => {
    for (const [event, listener] of listeners) model.off(event, listener as never);
    for (const timer of pending.values()) clearTimeout(timer);
    unwatch();
    observer.disconnect();
    undo.close();
    releaseKeys();
    detail.close();
    race.close();
    player.close();
    map.close();
    cancelAnimationFrame(frame);
    root.remove();
  };
}

export function describeMap(cart: WireCartogram): string {
  const percent = 100 * cart.maxAreaError;
  const error = percent < 0.01 ? "below 0.01 %" : `${shortNumber(percent)} %`;
  const folds = cart.folds === 0 ? "no folds" : `${cart.folds} folded cells`;
  return `Stretched map: largest area error ${error}, ${folds}`;
}
