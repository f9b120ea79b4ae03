/** Encoded points as pixels: all of them in one pass over an image, many times quicker than a path or a picture drawn for each. */

import { rgb } from "d3-color";
import { moveOntoPage } from "../field/mesh";
import type { Atlas, Points } from "../model/atlas";
import { labelColour, type Palette } from "../style/colour";
import type { PixelImage } from "../style/dom";
import { toPixels, type Scene } from "./scene";
import { closeness } from "./zoom";

/** Pixels beyond the plot at which a point still shows a part of itself. */
const BRIM = 4;
/** Discs are kept at this many places within a pixel, along x and y, so that they glide and do not hop. */
const PHASES = 4;
/** The light rim that parts a dot from the colours under it, pixels, and its opacity. */
const RIM = 0.4;
const RIM_OPACITY = 0.6;

/** The points that lie on the map, in the plane's coordinates; the others are never drawn, since their place on it is unknown. */
export interface PointsOnMap {
  plane: Float32Array;
  labels: Int32Array | null;
  names: string[];
}

export function pointsOnMap(points: Omit<Points, "regions">, { extent: [x0, x1, y0, y1] }: Pick<Atlas, "extent">): PointsOnMap {
  const found: number[] = [];
  for (let k = 0; k < points.xy.length / 2; k++) {
    const [x, y] = [points.xy[2 * k], points.xy[2 * k + 1]];
    if (x >= x0 && x <= x1 && y >= y0 && y <= y1) found.push(k);
  }
  return {
    plane: Float32Array.from({ length: 2 * found.length }, (_, n) => points.xy[2 * found[n >> 1] + (n & 1)]),
    labels: points.labels && Int32Array.from(found, (k) => points.labels![k]),
    names: points.names,
  };
}

/** Pixels, by how crowded `all` points would be if they lay evenly. */
export function dotRadius(scene: Pick<Scene, "pane" | "page">, all: number): number {
  const count = all / closeness(scene.pane, scene.page) ** 2;
  return count > 20000 ? 1.1 : count > 4000 ? 1.6 : count > 500 ? 2.2 : 3;
}

export interface Dot {
  x: number;
  y: number;
  colour: string;
}

/** Places and colours of those points that are in sight, in pixels of the plot, for figures in vectors. */
export function dots(scene: Scene, points: PointsOnMap, palette: Palette): Dot[] {
  const pixels = toPixels(scene, moveOntoPage(scene.mesh, points.plane));
  const colours = labelColours(points, palette);
  const marks: Dot[] = [];
  for (let n = 0; n < pixels.length; n += 2) {
    const [x, y] = [pixels[n], pixels[n + 1]];
    if (x < -BRIM || y < -BRIM || x > scene.width + BRIM || y > scene.height + BRIM) continue;
    marks.push({ x, y, colour: colours[points.labels?.[n / 2] ?? 0] });
  }
  return marks;
}

function labelColours({ labels, names }: PointsOnMap, palette: Palette): string[] {
  return labels ? names.map((_, k) => labelColour(k, names.length, palette)) : [palette.ink];
}

export interface PointPainter {
  /** Blends the points over an image of `ratio` device pixels per pixel. */
  paint(image: PixelImage, scene: Scene, palette: Palette, ratio: number): void;
}

/** Keeps what stays the same from frame to frame. */
export function createPointPainter(points: PointsOnMap): PointPainter {
  const page = new Float64Array(points.plane.length);
  let discs: { of: string; side: number; words: (Uint32Array | undefined)[]; colours: string[] } | null = null;

  return {
    paint(image, scene, palette, ratio) {
      const { width, height } = image;
      const radius = dotRadius(scene, points.plane.length / 2) * ratio;
      const rim = RIM * ratio;
      const reach = Math.ceil(radius + rim + 0.5);
      const of = [radius, ratio, palette.dark].join();
      if (discs?.of !== of) discs = { of, side: 2 * reach + 1, words: [], colours: labelColours(points, palette) };
      const { side, words, colours } = discs;
      moveOntoPage(scene.mesh, points.plane, page);
      const [x0, x1, y0, y1] = scene.pane;
      const [sx, sy] = [(scene.width * ratio) / (x1 - x0), (scene.height * ratio) / (y1 - y0)];
      for (let n = 0; n < page.length; n += 2) {
        const x = (page[n] - x0) * sx;
        const y = (y1 - page[n + 1]) * sy;
        const j = Math.floor(x);
        const i = Math.floor(y);
        if (j + reach < 0 || i + reach < 0 || j - reach >= width || i - reach >= height) continue;
        const label = points.labels ? points.labels[n >> 1] : 0;
        const phase = ((y - i) * PHASES) | 0;
        const which = (label * PHASES + phase) * PHASES + (((x - j) * PHASES) | 0);
        const disc = (words[which] ??= drawDisc(side, radius, rim, which % PHASES, phase, colours[label], palette.casing));
        composite(image, disc, side, j - reach, i - reach);
      }
    },
  };
}

/** A disc with a rim, its centre at a phase of the middle pixel; RGBA words, colour not multiplied by opacity. */
function drawDisc(side: number, radius: number, rim: number, u: number, v: number, colour: string, casing: string): Uint32Array {
  const [ink, edge] = [rgb(colour), rgb(casing)];
  const words = new Uint32Array(side * side);
  const [cx, cy] = [Math.floor(side / 2) + (u + 0.5) / PHASES, Math.floor(side / 2) + (v + 0.5) / PHASES];
  const covered = (distance: number, reach: number) => Math.min(Math.max(reach - distance + 0.5, 0), 1);
  for (let k = 0; k < words.length; k++) {
    const distance = Math.hypot((k % side) + 0.5 - cx, Math.floor(k / side) + 0.5 - cy);
    const disc = covered(distance, radius);
    const under = (1 - disc) * RIM_OPACITY * covered(distance, radius + rim);
    const alpha = disc + under;
    const mix = (a: number, b: number) => (alpha > 0 ? Math.round((a * disc + b * under) / alpha) : 0);
    words[k] = (Math.round(255 * alpha) << 24) | (mix(ink.b, edge.b) << 16) | (mix(ink.g, edge.g) << 8) | mix(ink.r, edge.r);
  }
  return words;
}

/** Lays a `side`-wide picture over an image, its upper left corner at (left, top). */
export function composite({ pixels, width, height }: PixelImage, picture: Uint32Array, side: number, left: number, top: number): void {
  const first = Math.max(-left, 0);
  const last = Math.min(width - left, side);
  const bottom = Math.min(height - top, picture.length / side);
  for (let i = Math.max(-top, 0); i < bottom; i++) {
    const row = (top + i) * width + left;
    for (let j = first; j < last; j++) {
      const over = picture[i * side + j];
      const alpha = over >>> 24;
      if (alpha === 0) continue;
      const under = alpha === 255 ? 0 : pixels[row + j];
      pixels[row + j] = under === 0 ? over : compositePixel(over, alpha, under);
    }
  }
}

function compositePixel(over: number, alpha: number, under: number): number {
  const rest = ((under >>> 24) * (255 - alpha)) / 255;
  const sum = alpha + rest;
  const red = ((over & 255) * alpha + (under & 255) * rest) / sum;
  const green = (((over >>> 8) & 255) * alpha + ((under >>> 8) & 255) * rest) / sum;
  const blue = (((over >>> 16) & 255) * alpha + ((under >>> 16) & 255) * rest) / sum;
  return ((sum + 0.5) << 24) | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5);
}
