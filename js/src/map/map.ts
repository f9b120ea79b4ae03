/**
 * The map: colours, painted layers and vector overlay on top of one another, and what the pointer and the keyboard do on it.
 *
 * Hook for tests: data-lw = "map" (its canvas is the raster).
 */

import { createFinder, type Finder } from "../field/point_location";
import type { Atlas } from "../model/atlas";
import type { Pictures } from "../model/sprites";
import type { Palette } from "../style/colour";
import { html } from "../style/dom";
import type { End, Extent, Point, Renderer } from "../types";
import { enableHandles } from "./handles";
import { createLayers } from "./layers";
import { createOverlay } from "./overlay";
import { createRenderer } from "./renderer";
import { MARGIN, toPage, type Scene, type Shading } from "./scene";
import { closeness, enableZoom, type Spot, type Zoom } from "./zoom";

/** How close a look must be for thumbnails beyond the sheet. */
const DETAILED = 2;

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
  zoom: Zoom;
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
  const canvas = html("canvas", { class: "lw-layers", "aria-hidden": "true" }, element);
  const overlay = createOverlay();
  element.append(overlay.element);
  // both canvases lie under the plot
  element.style.setProperty("--lw-plot-left", `${MARGIN.left}px`);
  element.style.setProperty("--lw-plot-top", `${MARGIN.top}px`);
  const renderer = createRenderer(element, atlas);
  const layers = createLayers(atlas);
  const pointer = createPointer(overlay.element);
  let palette: Palette | null = null;

  function showLayers(scene: Scene, on: Palette): void {
    const places = layers.paint(canvas, scene, on, Math.min(globalThis.devicePixelRatio || 1, 2), () => pointer.finder(scene));
    const near = places !== null && closeness(scene.pane, scene.page) >= DETAILED;
    const known = places !== null && layers.hasDetail(places);
    element.dataset.detail = known ? "decoded" : "sheet";
    actions.needDetail(near && !known ? places : null);
  }

  const zoom = followPointer(overlay, pointer, atlas.extent, actions);
  return {
    element,
    zoom,
    draw(scene, shading, on) {
      palette = on;
      pointer.setScene(scene, true);
      for (const side of ["width", "height"] as const) canvas.style[side] = `${scene[side]}px`;
      renderer.draw(scene, shading, on);
      showLayers(scene, on);
      overlay.element.classList.toggle("lw-close", closeness(scene.pane, scene.page) > 1);
      overlay.update(scene, on);
    },
    drawLines(scene, on) {
      pointer.setScene(scene, false);
      overlay.updateLines(scene, on);
    },
    prefer: (wanted) => renderer.prefer(wanted),
    setDetail(places, pictures) {
      layers.setDetail(places, pictures);
      const scene = pointer.scene();
      if (scene && palette) showLayers(scene, palette);
    },
    close: () => renderer.close(),
    picture(scene, shading, on, ratio, withLayers) {
      const picture = document.createElement("canvas");
      renderer.paint(picture, scene, shading, on, ratio);
      if (withLayers) {
        const top = document.createElement("canvas");
        layers.paint(top, scene, on, ratio, () => pointer.finder(scene));
        picture.getContext("2d")!.drawImage(top, 0, 0);
      }
      return picture;
    },
  };
}

/** From the screen to the plot and on to the plane, on the scene that was drawn last. */
interface Pointer {
  scene(): Scene | null;
  /** `moved` where the mesh is not the same as before. */
  setScene(scene: Scene, moved: boolean): void;
  finder(scene: Scene): Finder;
  /** Pixels of the plot; with a grip, of the centre of what is held off by so much. */
  pixels(event: Spot, grip?: Point): Point | null;
  /** The plane point there, or the nearest one of the map. */
  plane(event: Spot, grip?: Point): Point | null;
  /** Whether the map, not the paper beside it, lies there. */
  onMap(event: Spot): boolean;
  inPlot(pixels: Point): boolean;
}

function createPointer(surface: SVGSVGElement): Pointer {
  let current: Scene | null = null;
  // made anew for each mesh, and only when somebody asks
  let find: Finder | null = null;
  const pointer: Pointer = {
    scene: () => current,
    setScene(scene, moved) {
      current = scene;
      if (moved) find = null;
    },
    finder: (scene) => (find ??= createFinder(scene.mesh)),
    pixels(event, grip = [0, 0]) {
      if (!current) return null;
      const box = surface.getBoundingClientRect();
      // the host may scale the page
      const scale = box.width / (current.width + MARGIN.left + MARGIN.right) || 1;
      const px = (event.clientX - box.left) / scale - MARGIN.left - grip[0];
      const py = (event.clientY - box.top) / scale - MARGIN.top - grip[1];
      return [px, py];
    },
    plane(event, grip) {
      const pixels = pointer.pixels(event, grip);
      return pixels && current && pointer.finder(current)(...toPage(current, ...pixels));
    },
    onMap(event) {
      const pixels = pointer.pixels(event);
      return pixels !== null && current !== null && pointer.finder(current).holds(...toPage(current, ...pixels));
    },
    inPlot: ([px, py]) => current !== null && px >= 0 && py >= 0 && px <= current.width && py <= current.height,
  };
  return pointer;
}

/** Lets the pointer hover, zoom, and drag the handles. */
function followPointer(
  { element, handles }: ReturnType<typeof createOverlay>,
  pointer: Pointer,
  extent: Extent,
  actions: MapActions,
): Zoom {
  enableHandles(handles, {
    extent,
    at: (end) => pointer.scene()?.[end] ?? null,
    under: (event, grip) => pointer.plane(event, grip),
    drag: (end, to, done) => actions.drag(end, to, done),
  });
  element.addEventListener("pointermove", (event) => {
    const pixels = pointer.pixels(event);
    if (pixels) actions.hover(pointer.inPlot(pixels) && pointer.onMap(event) ? pointer.plane(event) : null);
  });
  element.addEventListener("pointerleave", () => actions.hover(null));
  return enableZoom(element, {
    page: () => pointer.scene()?.page ?? extent,
    pane: () => pointer.scene()?.pane ?? extent,
    plot: () => ({ left: MARGIN.left, top: MARGIN.top, width: pointer.scene()?.width ?? 1, height: pointer.scene()?.height ?? 1 }),
    inPlot(event) {
      const pixels = pointer.pixels(event);
      return pixels !== null && pointer.inPlot(pixels);
    },
    look(pane) {
      // the next gesture may come before the next frame
      const scene = pointer.scene();
      if (scene) pointer.setScene({ ...scene, pane }, false);
      actions.look(pane);
    },
  });
}
