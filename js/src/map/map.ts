/**
 * The map: raster, painted layers and overlay on top of one another, and what the pointer and the keyboard do on it.
 *
 * Hook for tests: data-lw = "map" (its canvas is the raster).
 */

import { createFinder, type Finder } from "../field/mesh";
import type { Atlas } from "../model/atlas";
import type { Pictures } from "../model/sprites";
import type { Palette } from "../style/colour";
import { createFramebuffer, html, resizeCanvas } from "../style/dom";
import type { End, Extent, Point, Renderer } from "../types";
import { dimOthers } from "./highlight";
import { createOverlay } from "./overlay";
import { createPointPainter, pointsOnMap } from "./points";
import { createRenderer } from "./renderer";
import { MARGIN, toPage, type Scene, type Shading } from "./scene";
import { createThumbnails } from "./thumbnails";
import { closeness, enableZoom, type Spot } from "./zoom";

export interface MapActions {
  /** An end is being dragged to a plane point; `done` when it was let go. */
  drag(end: End, to: Point, done: boolean): void;
  hover(at: Point | null): void;
  /** These places are shown by the sheet's thumbnails, and deserve better; null where none do. */
  needDetail(places: Float64Array | null): void;
  /** Another part of the page is to be seen. */
  look(pane: Extent): void;
}

export interface MapView {
  element: HTMLElement;
  zoom: { by(factor: number): void; reset(): void };
  /** Pictures decoded at places that were asked for. */
  setDetail(places: Float64Array, pictures: Pictures): void;
  /** Who is to paint the colours. */
  prefer(renderer: Renderer): void;
  close(): void;
  draw(scene: Scene, shading: Shading, palette: Palette): void;
  /** Draws the paths and handles only: all that changes while an end is dragged. */
  drawLines(scene: Scene, palette: Palette): void;
  /** The map's picture without the overlay, `ratio` device pixels per pixel. */
  picture(scene: Scene, shading: Shading, palette: Palette, ratio: number, layers: boolean): HTMLCanvasElement;
}

export function createMap(parent: Element, atlas: Atlas, actions: MapActions): MapView {
  const element = html("div", { class: "lw-map", "data-lw": "map" }, parent);
  const layers = html("canvas", { class: "lw-layers", "aria-hidden": "true" }, element);
  const overlay = createOverlay();
  element.append(overlay.element);
  // both canvases lie under the plot
  element.style.setProperty("--lw-plot-left", `${MARGIN.left}px`);
  element.style.setProperty("--lw-plot-top", `${MARGIN.top}px`);
  const painter = createRenderer(element, atlas);
  const points = atlas.points && createPointPainter(pointsOnMap(atlas.points, atlas));
  const thumbnails = atlas.sprites && createThumbnails(atlas.sprites, atlas);
  let current: Scene | null = null;
  // made anew for each mesh, and only when somebody asks
  let find: { corners: Float64Array; stamp: number; finder: Finder } | null = null;
  let stamp = 0;
  let dressed: Palette | null = null;
  const image = createFramebuffer();

  function back(scene: Scene): Finder {
    if (!find || find.stamp !== stamp) find = { corners: scene.mesh.corners, stamp, finder: createFinder(scene.mesh) };
    return find.finder;
  }

  /** Returns the places of the thumbnails. */
  function paintLayers(canvas: HTMLCanvasElement, scene: Scene, palette: Palette, ratio: number): Float64Array | null {
    let places: Float64Array | null = null;
    const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
    const [dots, pictures] = [scene.shown.points && points, scene.shown.thumbnails && thumbnails];
    if (!dots && !pictures) resizeCanvas(canvas, width, height).clearRect(0, 0, width, height);
    else {
      const { pixels, show } = image(width, height);
      pixels.fill(0);
      if (dots) dots.paint(pixels, width, height, scene, palette, ratio);
      if (pictures) places = pictures.paint(pixels, width, height, scene, palette, ratio, back(scene));
      show(canvas);
    }
    if (scene.highlight) dimOthers(canvas.getContext("2d")!, scene, scene.highlight, palette, ratio);
    return places;
  }

  function showLayers(scene: Scene, palette: Palette): void {
    const places = paintLayers(layers, scene, palette, Math.min(globalThis.devicePixelRatio || 1, 2));
    const near = places !== null && closeness(scene.pane, atlas.extent) >= DETAILED;
    const known = places !== null && thumbnails!.hasDetail(places);
    element.dataset.detail = known ? "decoded" : "sheet";
    actions.needDetail(near && !known ? places : null);
  }

  function draw(scene: Scene, shading: Shading, palette: Palette): void {
    current = scene;
    stamp++;
    for (const side of ["width", "height"] as const) layers.style[side] = `${scene[side]}px`;
    painter.draw(scene, shading, palette);
    showLayers(scene, palette);
    dressed = palette;
    overlay.element.classList.toggle("lw-close", closeness(scene.pane, atlas.extent) > 1);
    overlay.update(scene, palette);
  }

  function drawLines(scene: Scene, palette: Palette): void {
    current = scene;
    overlay.updateLines(scene, palette);
  }

  /** The plane point under the pointer; with a grip, under where the handle's centre is held. */
  function under(event: PointerEvent, grip: Point = [0, 0]): Point | null {
    const pixels = pixelsOf(event, grip);
    return pixels && current && back(current)(...toPage(current, ...pixels));
  }

  function pixelsOf(event: Spot, grip: Point = [0, 0]): Point | null {
    if (!current) return null;
    const box = overlay.element.getBoundingClientRect();
    // the host may scale the page
    const zoom = box.width / (current.width + MARGIN.left + MARGIN.right) || 1;
    const px = (event.clientX - box.left) / zoom - MARGIN.left - grip[0];
    const py = (event.clientY - box.top) / zoom - MARGIN.top - grip[1];
    return [px, py];
  }

  function inPlot([px, py]: Point): boolean {
    return current !== null && px >= 0 && py >= 0 && px <= current.width && py <= current.height;
  }

  const zoom = enableZoom(overlay.element, {
    extent: atlas.extent,
    pane: () => current?.pane ?? atlas.extent,
    at(event) {
      const pixels = pixelsOf(event);
      // a map that is being dragged may be held off the plot too
      const held = overlay.element.classList.contains("lw-panning");
      return pixels && current && (held || inPlot(pixels)) ? toPage(current, ...pixels) : null;
    },
    look(pane) {
      // the next gesture may come before the next frame
      if (current) current = { ...current, pane };
      actions.look(pane);
    },
  });

  for (const end of ["start", "end"] as const) {
    const handle = overlay.handles[end];
    let grip: Point | null = null;
    let moved = false;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const box = handle.getBoundingClientRect();
      grip = [event.clientX - (box.left + box.width / 2), event.clientY - (box.top + box.height / 2)];
      moved = false;
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      const to = grip && under(event, grip);
      if (!to) return;
      moved = true;
      actions.drag(end, to, false);
    });
    const release = (event: PointerEvent) => {
      const to = grip && under(event, grip);
      grip = null;
      if (to && moved) actions.drag(end, to, true);
    };
    handle.addEventListener("pointerup", release);
    handle.addEventListener("pointercancel", release);
    handle.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step || !current) return;
      const [x0, x1, y0, y1] = atlas.extent;
      const far = event.shiftKey ? 0.1 : 0.01;
      const at = end === "start" ? current.start : current.end;
      const to: Point = [
        Math.min(Math.max(at[0] + step[0] * far * (x1 - x0), x0), x1),
        Math.min(Math.max(at[1] + step[1] * far * (y1 - y0), y0), y1),
      ];
      actions.drag(end, to, true);
      event.preventDefault();
      // the notebook has shortcuts of its own on the arrow keys
      event.stopPropagation();
    });
  }
  overlay.element.addEventListener("pointermove", (event) => {
    if (!current) return;
    const pixels = pixelsOf(event);
    actions.hover(pixels && inPlot(pixels) ? under(event) : null);
  });
  overlay.element.addEventListener("pointerleave", () => actions.hover(null));

  return {
    element,
    zoom,
    draw,
    drawLines,
    prefer: painter.prefer,
    setDetail(places, pictures) {
      thumbnails?.setDetail(places, pictures);
      if (current && dressed) showLayers(current, dressed);
    },
    close: painter.close,
    picture(scene, shading, palette, ratio, withLayers) {
      const canvas = document.createElement("canvas");
      painter.paint(canvas, scene, shading, palette, ratio);
      if (withLayers) {
        const top = document.createElement("canvas");
        paintLayers(top, scene, palette, ratio);
        canvas.getContext("2d")!.drawImage(top, 0, 0);
      }
      return canvas;
    },
  };
}

/** How close a look must be for thumbnails beyond the sheet. */
const DETAILED = 2;

const KEYS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
