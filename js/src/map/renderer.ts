/** What paints the coloured map: a graphics card where there is one, else the CPU, which always can. */

import type { Atlas } from "../model/atlas";
import { colours, colourWord, tabulate, type Palette } from "../style/colour";
import { createFramebuffer, html } from "../style/dom";
import type { Ramp, Renderer } from "../types";
import { coarseness, rasterise, rasteriseCells } from "./cpu_renderer";
import type { Scene, Shading } from "./scene";
import { createCardRenderer, type CardRenderer } from "./webgl_renderer";

const NO_RAMP = new Uint32Array(256);
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
export function createRenderer(parent: HTMLElement, { shape }: Pick<Atlas, "shape">): MapRenderer {
  const ramps = createRamps();
  const cpu = createCpuRenderer(ramps);
  let wanted: Renderer = "cpu";
  let canvas = putCanvas(parent);
  let card: CardRenderer | null = null;
  let last: [Scene, Shading, Palette] | null = null;

  function choose(): void {
    card?.close();
    card = null;
    canvas = putCanvas(parent);
    if (wanted !== "cpu") {
      card = createCardRenderer(canvas, shape, wanted === "auto");
      if (!card) canvas = putCanvas(parent);
      else canvas.addEventListener("webglcontextlost", goOnByCpu);
    }
    parent.dataset.renderer = card ? "webgl" : "cpu";
  }

  /** Browsers take cards away, from the oldest of many maps first; such a map is drawn by the CPU from then on. */
  function goOnByCpu(event: Event): void {
    if (event.target !== canvas || !card) return;
    card = null;
    canvas = putCanvas(parent);
    parent.dataset.renderer = "cpu";
    if (last) draw(...last);
  }

  function draw(scene: Scene, shading: Shading, palette: Palette): void {
    last = [scene, shading, palette];
    for (const side of ["width", "height"] as const) canvas.style[side] = `${scene[side]}px`;
    if (card) card.draw(scene, shading, ramps(palette, shading.by), palette.paper, Math.min(globalThis.devicePixelRatio || 1, 2));
    else cpu.draw(canvas, scene, shading, palette);
  }

  choose();
  return {
    draw,
    paint: (on, scene, shading, palette, ratio) => cpu.paint(on, scene, shading, palette, ratio),
    prefer(renderer) {
      if (renderer === wanted) return;
      cpu.rest();
      wanted = renderer;
      choose();
    },
    close() {
      cpu.rest();
      card?.close();
      card = null;
    },
  };
}

/** A canvas that has been drawn on in one way cannot be drawn on in the other. */
function putCanvas(parent: HTMLElement): HTMLCanvasElement {
  const made = html("canvas", { class: "lw-raster", "aria-hidden": "true" });
  parent.querySelector(".lw-raster")?.remove();
  parent.prepend(made);
  return made;
}

type Ramps = (palette: Palette, by: Shading["by"]) => Uint32Array;

/** The 256 colours of each ramp, tabulated once for a palette. */
function createRamps(): Ramps {
  let known: { palette: Palette; words: Partial<Record<Ramp, Uint32Array>> } | null = null;
  return (palette, by) => {
    if (known?.palette !== palette) known = { palette, words: {} };
    return by === "label" ? NO_RAMP : (known.words[by] ??= tabulate(colours(by, palette)));
  };
}

interface CpuRenderer {
  /** Draws a frame; coarsely while frames follow each other closely, and again in full when the map has come to rest. */
  draw(canvas: HTMLCanvasElement, scene: Scene, shading: Shading, palette: Palette): void;
  paint(canvas: HTMLCanvasElement, scene: Scene, shading: Shading, palette: Palette, ratio: number, coarsely?: boolean): void;
  /** Paints no more by itself. */
  rest(): void;
}

function createCpuRenderer(ramps: Ramps): CpuRenderer {
  const image = createFramebuffer();
  let painted = -Infinity;
  let resting: ReturnType<typeof setTimeout> | undefined;

  function paint(on: HTMLCanvasElement, scene: Scene, shading: Shading, palette: Palette, ratio: number, coarsely = false): void {
    const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
    const buffer = image(width, height);
    if (scene.free) buffer.pixels.fill(colourWord(palette.paper));
    const step = coarsely ? coarseness(scene.mesh, scene.pane, width, height) : 1;
    if (shading.by === "label") rasteriseCells(buffer, scene.mesh, shading.cells, scene.pane);
    else rasterise(buffer, scene.mesh, shading.places, ramps(palette, shading.by), scene.pane, step);
    buffer.show(on);
  }

  return {
    paint,
    draw(canvas, scene, shading, palette) {
      const now = performance.now();
      const moving = now - painted < MOVING;
      painted = now;
      clearTimeout(resting);
      paint(canvas, scene, shading, palette, 1, moving);
      if (moving) resting = setTimeout(() => paint(canvas, scene, shading, palette, 1), MOVING);
    },
    rest: () => clearTimeout(resting),
  };
}
