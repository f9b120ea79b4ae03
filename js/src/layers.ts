/** What is painted on the map between the raster and the overlay: encoded points and decoded thumbnails. */

import type { Atlas, Points } from "./atlas";
import { labelColour, type Palette } from "./colour";
import type { Finder } from "./geometry";
import { onPage } from "./geometry";
import { toPage, toPixels, type Scene } from "./scene";
import { nearest } from "./pictures";
import { closeness } from "./zoom";

/** Pixels from one thumbnail on the map to the next. */
const PITCH = 46;
const THUMBNAIL = 34;
/** Pixels beyond the plot at which a point still shows a part of itself. */
const BRIM = 4;

/** Which points lie on the map; the others are never drawn, since their place on it is unknown. */
export function inside(points: Points, atlas: Pick<Atlas, "extent">): Int32Array {
  const [x0, x1, y0, y1] = atlas.extent;
  const found: number[] = [];
  for (let k = 0; k < points.xy.length / 2; k++) {
    const [x, y] = [points.xy[2 * k]!, points.xy[2 * k + 1]!];
    if (x >= x0 && x <= x1 && y >= y0 && y <= y1) found.push(k);
  }
  return Int32Array.from(found);
}

export interface Dot {
  x: number;
  y: number;
  colour: string;
}

/** Places and colours of those points that are seen, in pixels of the plot. */
export function dots(scene: Scene, points: Points, seen: Int32Array, palette: Palette): Dot[] {
  const plane = new Float64Array(2 * seen.length);
  seen.forEach((k, n) => {
    plane[2 * n] = points.xy[2 * k]!;
    plane[2 * n + 1] = points.xy[2 * k + 1]!;
  });
  const pixels = toPixels(scene, onPage(scene.mesh, plane));
  const colours = points.labels && points.names.map((_, k) => labelColour(k, points.names.length, palette));
  const marks: Dot[] = [];
  seen.forEach((k, n) => {
    const [x, y] = [pixels[2 * n]!, pixels[2 * n + 1]!];
    if (x < -BRIM || y < -BRIM || x > scene.width + BRIM || y > scene.height + BRIM) return;
    marks.push({ x, y, colour: colours ? colours[points.labels![k]!]! : palette.ink });
  });
  return marks;
}

/** Pixels, by how crowded `all` points would be if they lay evenly. */
export function dotRadius(scene: Pick<Scene, "pane" | "mesh">, all: number): number {
  const count = all / closeness(scene.pane, scene.mesh.extent) ** 2;
  return count > 20000 ? 1.1 : count > 4000 ? 1.6 : count > 500 ? 2.2 : 3;
}

/** Paints dots by stamping one picture per colour, which is many times quicker than a path each. */
export function paintDots(context: CanvasRenderingContext2D, marks: Dot[], radius: number, palette: Palette, ratio: number): void {
  const side = Math.ceil(2 * (radius + 1.5) * ratio);
  const stamps = new Map<string, HTMLCanvasElement>();
  for (const { x, y, colour } of marks) {
    let stamp = stamps.get(colour);
    if (!stamp) {
      stamp = document.createElement("canvas");
      stamp.width = stamp.height = side;
      const pen = stamp.getContext("2d")!;
      pen.translate(side / 2, side / 2);
      pen.scale(ratio, ratio);
      pen.beginPath();
      pen.arc(0, 0, radius, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.strokeStyle = palette.casing;
      pen.lineWidth = 0.8;
      pen.globalAlpha = 0.6;
      pen.stroke();
      pen.globalAlpha = 1;
      pen.fill();
      stamps.set(colour, stamp);
    }
    context.drawImage(stamp, x - side / (2 * ratio), y - side / (2 * ratio), side / ratio, side / ratio);
  }
}

/**
 * Lays thumbnails evenly over the page, each showing what is decoded at the place of the plane that lies there: as the map
 * is stretched, the pictures stay in their rows and what they show flows.
 */
export function paintThumbnails(
  context: CanvasRenderingContext2D,
  scene: Scene,
  atlas: Atlas,
  sheet: HTMLCanvasElement,
  find: Finder,
): void {
  if (!atlas.sprites) return;
  const [height, width] = atlas.sprites.size;
  const [x0, x1, y0, y1] = atlas.extent;
  const columns = Math.max(1, Math.floor(scene.width / PITCH));
  const rows = Math.max(1, Math.floor(scene.height / PITCH));
  const scale = THUMBNAIL / Math.max(width, height);
  const [w, h] = [width * scale, height * scale];
  context.imageSmoothingEnabled = true;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const px = ((j + 0.5) / columns) * scene.width;
      const py = ((i + 0.5) / rows) * scene.height;
      const [x, y] = find(...toPage(scene, px, py));
      const [sx, sy] = nearest(atlas.sprites, (x - x0) / (x1 - x0), (y - y0) / (y1 - y0));
      context.drawImage(sheet, sx, sy, width, height, px - w / 2, py - h / 2, w, h);
    }
  }
}
