/** Decoded pictures: previews blended from the sprite sheet, and the tone in which pictures are drawn. */

import { rgb } from "d3-color";
import type { Palette } from "../style/colour";
import { resizeCanvas } from "../style/dom";
import type { Shape } from "../types";

/** n pictures of one size, RGBA, one after the other. */
export interface Pictures {
  count: number;
  size: Shape;
  rgba: Uint8Array | Uint8ClampedArray;
}

/** The sheet of thumbnails: one picture at each place of an h × w lattice. */
export interface Sprites {
  shape: Shape;
  size: Shape;
  sheet: Uint8Array;
  ink: Ink;
  /** False where neighbours must not be mixed: texts. */
  blend?: boolean | undefined;
}

/**
 * How grey drawings on an empty background are shown: as ink of the theme's colour, as dark as the picture differs from its
 * background. Colour pictures and photographs are shown as they are (null).
 */
export type Ink = { background: 0 | 255 } | null;

export function detectInk(rgba: Uint8Array): Ink {
  let [dark, bright, count] = [0, 0, 0];
  const step = 4 * Math.max(1, Math.floor(rgba.length / 4 / 40000));
  for (let k = 0; k < rgba.length; k += step) {
    const [r, g, b, a] = [rgba[k], rgba[k + 1], rgba[k + 2], rgba[k + 3]];
    if (Math.abs(r - g) > 8 || Math.abs(g - b) > 8 || a < 255) return null;
    if (r < 26) dark++;
    if (r > 229) bright++;
    count++;
  }
  if (dark > 0.33 * count && dark > bright) return { background: 0 };
  return bright > 0.33 * count ? { background: 255 } : null;
}

/** Pictures toned for a palette, on a canvas in one row. */
export function paintRow(pictures: Pictures, ink: Ink, palette: Palette): HTMLCanvasElement {
  const { count, size, rgba } = pictures;
  const [height, width] = size;
  const canvas = document.createElement("canvas");
  const context = resizeCanvas(canvas, Math.max(1, width * count), height);
  const image = context.createImageData(canvas.width, height);
  const colour = rgb(palette.ink);
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < height; y++) {
      let from = ((n * height + y) * width) * 4;
      let to = (y * canvas.width + n * width) * 4;
      for (let x = 0; x < width; x++, from += 4, to += 4) {
        if (ink) {
          image.data[to] = colour.r;
          image.data[to + 1] = colour.g;
          image.data[to + 2] = colour.b;
          image.data[to + 3] = Math.abs(rgba[from] - ink.background);
        } else {
          for (let c = 0; c < 4; c++) image.data[to + c] = rgba[from + c]!;
        }
      }
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Previews at fractional lattice places: the four nearest sprites blended, or the nearest. `places` are x, y in 0..1 of the extent. */
export function blendPreviews(sprites: Sprites, places: ArrayLike<number>): Pictures {
  const [rows, columns] = sprites.shape;
  const [height, width] = sprites.size;
  const count = places.length / 2;
  const rgba = new Uint8ClampedArray(count * height * width * 4);
  const stride = columns * width * 4;
  for (let n = 0; n < count; n++) {
    const s = Math.min(Math.max(places[2 * n] * columns - 0.5, 0), columns - 1);
    const t = Math.min(Math.max(places[2 * n + 1] * rows - 0.5, 0), rows - 1);
    const [j, i] = [Math.floor(s), Math.floor(t)];
    const [u, v] = sprites.blend === false ? [Math.round(s - j), Math.round(t - i)] : [s - j, t - i];
    const [right, up] = [Math.min(j + 1, columns - 1), Math.min(i + 1, rows - 1)];
    const corners = [
      [i, j, (1 - u) * (1 - v)],
      [i, right, u * (1 - v)],
      [up, j, (1 - u) * v],
      [up, right, u * v],
    ] as const;
    for (let y = 0; y < height; y++) {
      const to = (n * height + y) * width * 4;
      for (let x = 0; x < 4 * width; x++) {
        let value = 0;
        for (const [a, b, weight] of corners) {
          value += weight * sprites.sheet[(a * height + y) * stride + b * width * 4 + x];
        }
        rgba[to + x] = value;
      }
    }
  }
  return { count, size: sprites.size, rgba };
}

/** The one sprite nearest to a place, for the map, where hundreds are drawn: its pixel offset in the sheet. */
export function nearestSprite(sprites: Sprites, x: number, y: number): [number, number] {
  const [rows, columns] = sprites.shape;
  const j = Math.min(Math.max(Math.floor(x * columns), 0), columns - 1);
  const i = Math.min(Math.max(Math.floor(y * rows), 0), rows - 1);
  return [j * sprites.size[1], i * sprites.size[0]];
}

/** Pixels of one picture in a film strip, whole multiples of the decoded ones where they are small. */
export function displaySide(side: number): number {
  return side >= 96 ? side : side * Math.max(1, Math.floor(96 / side));
}

/** Paints pictures side by side, enlarged without smoothing so that every decoded pixel is seen as it is. */
export function paintStrip(canvas: HTMLCanvasElement, pictures: Pictures, ink: Ink, palette: Palette): void {
  const [height, width] = pictures.size;
  const scale = displaySide(Math.max(height, width)) / Math.max(height, width);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  const gap = Math.max(2, Math.round(w / 12));
  const context = resizeCanvas(canvas, pictures.count * w + (pictures.count - 1) * gap, h);
  context.clearRect(0, 0, canvas.width, canvas.height);
  // decoded pixels are shown as they are; texts and drawings, which come larger, are shrunk smoothly
  canvas.style.imageRendering = Math.max(height, width) > 64 ? "auto" : "";
  const row = paintRow(pictures, ink, palette);
  context.imageSmoothingEnabled = false;
  for (let n = 0; n < pictures.count; n++) {
    if (ink) {
      context.fillStyle = palette.cell;
      context.fillRect(n * (w + gap), 0, w, h);
    }
    context.drawImage(row, n * width, 0, width, height, n * (w + gap), 0, w, h);
  }
}
