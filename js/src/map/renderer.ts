/** What paints the coloured map: a graphics card where there is one, else the CPU, which always can. */

import type { Atlas } from "../model/atlas";
import { colours, tabulate, type Palette } from "../style/colour";
import { createFramebuffer, html } from "../style/dom";
import type { Ramp, Renderer } from "../types";
import { coarseness, rasterise, rasteriseCells } from "./cpu_renderer";
import type { Scene, Shading } from "./scene";
import { createCardRenderer, type CardRenderer } from "./webgl_renderer";

/** Milliseconds between frames below which a map counts as moving. */
const MOVING = 100;

export interface MapRenderer {
  draw(scene: Scene, shading: Shading, palette: Palette): void;
  /** Paints with the CPU, whatever draws on the screen: for figures, the same everywhere. */
  paint(canvas: HTMLCanvasElement, scene: Scene, shading: Shading, palette: Palette, ratio: number): void;
  /** Chooses who draws from the next frame on; a card that is not there is not waited for. */
  prefer(renderer: Renderer): void;
  close(): void;
}

/** The canvas is put first into `parent`, whose data-renderer says who draws; its class is lw-raster. */
export function createRenderer(parent: HTMLElement, atlas: Pick<Atlas, "shape">): MapRenderer {
  const image = createFramebuffer();
  let wanted: Renderer = "cpu";
  let canvas = fresh();
  let drawer: CardRenderer | null = null;
  let ramps: { palette: Palette; words: Partial<Record<Ramp, Uint32Array>> } | null = null;
  let last: [Scene, Shading, Palette] | null = null;
  let painted = -Infinity;
  let resting: ReturnType<typeof setTimeout> | undefined;

  /** A canvas that has been drawn on in one way cannot be drawn on in the other. */
  function fresh(): HTMLCanvasElement {
    const made = html("canvas", { class: "lw-raster", "aria-hidden": "true" });
    parent.querySelector(".lw-raster")?.remove();
    parent.prepend(made);
    return made;
  }

  function choose(): void {
    drawer?.close();
    drawer = null;
    canvas = fresh();
    if (wanted !== "cpu") {
      drawer = createCardRenderer(canvas, atlas.shape, wanted === "auto");
      if (!drawer) canvas = fresh();
      else canvas.addEventListener("webglcontextlost", lost);
    }
    parent.dataset.renderer = drawer ? "webgl" : "cpu";
  }

  /** Browsers take cards away, from the oldest of many maps first; such a map is drawn by the CPU from then on. */
  function lost(event: Event): void {
    if (event.target !== canvas || !drawer) return;
    drawer = null;
    canvas = fresh();
    parent.dataset.renderer = "cpu";
    if (last) draw(...last);
  }

  function words(palette: Palette, by: Shading["by"]): Uint32Array {
    if (ramps?.palette !== palette) ramps = { palette, words: {} };
    return by === "label" ? NONE : (ramps.words[by] ??= tabulate(colours(by, palette)));
  }

  function paint(on: HTMLCanvasElement, scene: Scene, shading: Shading, palette: Palette, ratio: number, moving = false): void {
    const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
    const { pixels, show } = image(width, height);
    const step = moving ? coarseness(scene.mesh, scene.pane, width, height) : 1;
    if (shading.by === "label") rasteriseCells(pixels, width, height, scene.mesh, shading.cells, scene.pane);
    else rasterise(pixels, width, height, scene.mesh, shading.places, words(palette, shading.by), scene.pane, step);
    show(on);
  }

  function draw(scene: Scene, shading: Shading, palette: Palette): void {
    last = [scene, shading, palette];
    for (const side of ["width", "height"] as const) canvas.style[side] = `${scene[side]}px`;
    if (drawer) return drawer.draw(scene, shading, words(palette, shading.by), Math.min(globalThis.devicePixelRatio || 1, 2));
    // frames that follow each other closely are of a map that moves; the last one is painted again in full
    const now = performance.now();
    const moving = now - painted < MOVING;
    painted = now;
    clearTimeout(resting);
    paint(canvas, scene, shading, palette, 1, moving);
    if (moving) resting = setTimeout(() => !drawer && paint(canvas, scene, shading, palette, 1), MOVING);
  }

  choose();
  return {
    draw,
    paint: (on, scene, shading, palette, ratio) => paint(on, scene, shading, palette, ratio),
    prefer(renderer) {
      if (renderer === wanted) return;
      wanted = renderer;
      choose();
    },
    close() {
      clearTimeout(resting);
      drawer?.close();
      drawer = null;
    },
  };
}

const NONE = new Uint32Array(256);
