/** What lies between the colours of the map and its lines, painted as pixels: points, thumbnails, and the dimming around a highlight. */

import type { Finder } from "../field/point_location";
import type { Atlas } from "../model/atlas";
import type { Pictures } from "../model/sprites";
import type { Palette } from "../style/colour";
import { createFramebuffer, resizeCanvas } from "../style/dom";
import { dimOthers } from "./highlight";
import { createPointPainter, pointsOnMap } from "./points";
import type { Scene } from "./scene";
import { createThumbnails } from "./thumbnails";

export interface Layers {
  /** Paints at `ratio` device pixels per pixel; returns the places of the thumbnails, or null without any. */
  paint(canvas: HTMLCanvasElement, scene: Scene, palette: Palette, ratio: number, find: () => Finder): Float64Array | null;
  /** Pictures decoded exactly at places of thumbnails. */
  setDetail(places: Float64Array, pictures: Pictures): void;
  hasDetail(places: Float64Array): boolean;
}

export function createLayers(atlas: Atlas): Layers {
  const points = atlas.points && createPointPainter(pointsOnMap(atlas.points, atlas));
  const thumbnails = atlas.sprites && createThumbnails(atlas.sprites, atlas);
  const image = createFramebuffer();
  return {
    paint(canvas, scene, palette, ratio, find) {
      let places: Float64Array | null = null;
      const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
      const [dots, pictures] = [scene.shown.points && points, scene.shown.thumbnails && thumbnails];
      if (!dots && !pictures) resizeCanvas(canvas, width, height).clearRect(0, 0, width, height);
      else {
        const buffer = image(width, height);
        buffer.pixels.fill(0);
        if (dots) dots.paint(buffer, scene, palette, ratio);
        if (pictures) places = pictures.paint(buffer, scene, palette, ratio, find());
        buffer.show(canvas);
      }
      if (scene.highlight) dimOthers(canvas.getContext("2d")!, scene, scene.highlight, palette, ratio);
      return places;
    },
    setDetail: (places, pictures) => thumbnails?.setDetail(places, pictures),
    hasDetail: (places) => thumbnails?.hasDetail(places) ?? false,
  };
}
