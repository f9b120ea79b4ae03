/** Decoded pictures on the map, as pixels: each sprite is scaled once, when it first comes into sight, and copied from then on. */

import { rgb } from "d3-color";
import type { Finder } from "../field/point_location";
import type { Atlas } from "../model/atlas";
import { nearestSprite, type Pictures, type Sprites } from "../model/sprites";
import type { Palette } from "../style/colour";
import type { PixelImage } from "../style/dom";
import { composite } from "./points";
import { toPage, type Scene } from "./scene";
import { closeness } from "./zoom";

/** Pixels from one thumbnail to the next on the whole map, and at most, and the part of that which the picture fills. */
const PITCH = 28;
const WIDEST = 96;
const FILLED = 0.86;
/** More scaled sprites than this are not kept. */
const KEPT = 4000;

/**
 * Pixels between thumbnails, by level of detail: looked at closer they show places that lie closer together, and grow; and they
 * are never so many that the sheet has no picture for each.
 */
export function pitch({ pane, page, width }: Pick<Scene, "pane" | "page" | "width">, columns: number): number {
  const times = closeness(pane, page);
  return Math.min(Math.max(PITCH * times ** 0.4, (width * times) / columns), WIDEST);
}

export interface Thumbnails {
  /**
   * Lays thumbnails evenly over the page, as far as the map reaches, each showing what is decoded at the place of the plane that lies there: as the map
   * is stretched, the pictures stay in their rows and what they show flows. Returns those places, x0, y0, x1, y1, …
   */
  paint(image: PixelImage, scene: Scene, palette: Palette, ratio: number, find: Finder): Float64Array;
  /** Pictures decoded exactly at places that were painted, shown in place of the sheet's as long as it shows those places. */
  setDetail(places: Float64Array, pictures: Pictures): void;
  /** True where the places have such pictures. */
  hasDetail(places: Float64Array): boolean;
}

export function createThumbnails(sprites: Sprites, { extent: [x0, x1, y0, y1] }: Pick<Atlas, "extent">): Thumbnails {
  const [tall, wide] = sprites.size;
  let of = "";
  let scaled = new Map<number, Uint32Array>();
  let exact: { places: Float64Array; sheet: Sprites } | null = null;
  const detailed = (places: Float64Array) =>
    exact?.places.length === places.length && exact.places.every((value, k) => value === places[k]);

  return {
    hasDetail: detailed,
    setDetail(places, { count, size, rgba }) {
      exact = { places, sheet: { ...sprites, shape: [count, 1], size, sheet: Uint8Array.from(rgba) } };
      scaled = new Map();
    },
    paint(image, scene, palette, ratio, find) {
      // a text that is drawn smaller than it was set cannot be read
      const apart = sprites.blend === false ? wide / FILLED : pitch(scene, sprites.shape[1]);
      const columns = Math.max(1, Math.floor(scene.width / apart));
      const rows = Math.max(1, Math.floor(scene.height / apart));
      const scale = (apart * FILLED * ratio) / Math.max(tall, wide);
      const size: [number, number] = [Math.max(1, Math.round(tall * scale)), Math.max(1, Math.round(wide * scale))];
      const middles = Array.from({ length: rows * columns }, (_, n): [number, number] => [
        (((n % columns) + 0.5) / columns) * scene.width,
        ((Math.floor(n / columns) + 0.5) / rows) * scene.height,
      ]).filter((middle) => !scene.free || find.holds(...toPage(scene, ...middle)));
      const places = new Float64Array(2 * middles.length);
      middles.forEach((middle, n) => places.set(find(...toPage(scene, ...middle)), 2 * n));
      const sheet = exact && detailed(places) ? exact.sheet : sprites;
      const now = [...size, palette.dark, sheet === sprites].join();
      if (now !== of || scaled.size > KEPT) scaled = new Map();
      of = now;
      for (const [n, [px, py]] of middles.entries()) {
        const [x, y] = [places[2 * n], places[2 * n + 1]];
        const [left, top] =
          sheet === sprites ? nearestSprite(sprites, (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)) : [0, n * sheet.size[0]];
        const which = top * sheet.shape[1] * sheet.size[1] + left;
        let picture = scaled.get(which);
        if (!picture) scaled.set(which, (picture = resize(sheet, left, top, size, palette)));
        composite(image, picture, size[1], Math.round(px * ratio - size[1] / 2), Math.round(py * ratio - size[0] / 2));
      }
      return places;
    },
  };
}

/** One sprite toned and scaled to `size`: averaged over the pixels that fall together, bilinear where there are more than before. */
export function resize(sprites: Sprites, left: number, top: number, [rows, columns]: [number, number], palette: Palette): Uint32Array {
  const [tall, wide] = sprites.size;
  const stride = sprites.shape[1] * wide;
  const ink = rgb(palette.ink);
  const across = filter(wide, columns);
  const down = filter(tall, rows);
  // colours times opacity first, row by row, then down
  const half = new Float32Array(tall * columns * 4);
  for (let i = 0; i < tall; i++) {
    for (let j = 0; j < columns; j++) {
      const to = 4 * (i * columns + j);
      for (const [k, weight] of across[j]) {
        const from = 4 * ((top + i) * stride + left + k);
        const alpha = sprites.ink ? Math.abs(sprites.sheet[from] - sprites.ink.background) : sprites.sheet[from + 3];
        const part = (weight * alpha) / 255;
        half[to] += part * (sprites.ink ? ink.r : sprites.sheet[from]);
        half[to + 1] += part * (sprites.ink ? ink.g : sprites.sheet[from + 1]);
        half[to + 2] += part * (sprites.ink ? ink.b : sprites.sheet[from + 2]);
        half[to + 3] += weight * alpha;
      }
    }
  }
  const words = new Uint32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let [red, green, blue, alpha] = [0, 0, 0, 0];
      for (const [k, weight] of down[i]) {
        const from = 4 * (k * columns + j);
        red += weight * half[from];
        green += weight * half[from + 1];
        blue += weight * half[from + 2];
        alpha += weight * half[from + 3];
      }
      if (alpha < 0.5) continue;
      const by = 255 / alpha;
      words[i * columns + j] =
        (Math.round(alpha) << 24) | (Math.round(blue * by) << 16) | (Math.round(green * by) << 8) | Math.round(red * by);
    }
  }
  return words;
}

/** Which of `from` pixels enter each of `to` pixels, with weights that sum to 1: a triangle as wide as the coarser of both. */
function filter(from: number, to: number): [number, number][][] {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, n) => {
    const centre = (n + 0.5) * scale - 0.5;
    const taps: [number, number][] = [];
    for (let k = Math.max(Math.ceil(centre - reach), 0); k <= Math.min(Math.floor(centre + reach), from - 1); k++) {
      const weight = 1 - Math.abs(k - centre) / reach;
      if (weight > 0) taps.push([k, weight]);
    }
    const sum = taps.reduce((total, [, weight]) => total + weight, 0);
    return taps.map(([k, weight]) => [k, weight / sum]);
  });
}
