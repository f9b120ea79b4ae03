/**
 * What lies under the pointer: coordinates, density and the picture decoded there.
 *
 * Hooks for tests: data-lw = "readout" (the words), "readout-picture".
 */

import { toFractions } from "../field/mesh";
import type { DrawnField } from "../map/scene";
import type { Atlas } from "../model/atlas";
import { blendPreviews, paintStrip } from "../model/sprites";
import type { Palette } from "../style/colour";
import { shortNumber } from "../style/density_scale";
import { html } from "../style/dom";
import type { Point } from "../types";

export interface Readout {
  show(at: Point | null, drawn: DrawnField | null, palette: Palette): void;
}

export function createReadout(parent: Element, atlas: Atlas): Readout {
  const element = html("div", { class: "lw-under" }, parent);
  const picture = html("canvas", { "data-lw": "readout-picture", role: "img", hidden: true }, element);
  const words = html("p", { class: "lw-readout", "data-lw": "readout" }, element);
  // the row keeps its height, so that nothing below jumps as the pointer comes and goes
  if (atlas.sprites) element.classList.add("lw-pictured");
  if (atlas.sprites && Math.max(...atlas.sprites.size) > 64) element.classList.add("lw-written");
  return {
    show(at, drawn, palette) {
      words.textContent = at && drawn ? describePlace(at, drawn, atlas) : "";
      picture.hidden = !at || !atlas.sprites;
      if (!at || !atlas.sprites) return;
      paintStrip(picture, blendPreviews(atlas.sprites, toFractions(at, atlas)), atlas.sprites.ink, palette);
      picture.setAttribute("aria-label", `decoded near ${shortNumber(at[0])}, ${shortNumber(at[1])}`);
      picture.title = "preview from the map's thumbnails";
    },
  };
}

export function describePlace(at: Point, drawn: DrawnField, atlas: Pick<Atlas, "extent" | "shape" | "axes">): string {
  const [rows, columns] = atlas.shape;
  const [u, v] = toFractions(at, atlas) as unknown as Point;
  const j = Math.min(Math.max(Math.floor(u * columns), 0), columns - 1);
  const i = Math.min(Math.max(Math.floor(v * rows), 0), rows - 1);
  const value = shortNumber(drawn.density[i * columns + j]);
  return `${atlas.axes[0]} ${shortNumber(at[0])}   ${atlas.axes[1]} ${shortNumber(at[1])}   magnification ${value}`;
}
