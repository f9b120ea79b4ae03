/** The mesh between the latent plane and the stretched map, and the short glide from one stretched map to the next. */

import { blend, countFolds, flatMesh, type Mesh } from "../field/mesh";
import { fillsExtent, frameOf } from "../field/outline";
import type { Extent } from "../types";

/** Milliseconds of the glide. */
const GLIDE = 250;

export interface Morph {
  /** The corners as they are drawn. */
  readonly mesh: Mesh;
  /** The corners of the plane, and of the map as far as it can be stretched. */
  readonly flat: Float64Array;
  readonly full: Float64Array;
  /** Whether the map as far as it can be stretched has an outline of its own, not that of the plane. */
  readonly free: boolean;
  /** Folded cells of the mesh as it is drawn: the way to a map without folds may have some. */
  readonly folds: number;
  /** The page that holds the mesh as it is drawn, `aspect` times as high as wide where the outline is free. */
  page(aspect: number): Extent;
  /** Glides to another stretched map, or takes it at once. */
  setFull(corners: Float64Array, atOnce: boolean): void;
  /** Brings the mesh to `stretch` of the way; true while the glide goes on. */
  advance(now: number, stretch: number): boolean;
}

export function createMorph(extent: Mesh["extent"], shape: Mesh["shape"]): Morph {
  const flat = flatMesh(extent, shape).corners;
  const mesh = flatMesh(extent, shape);
  let full: Float64Array = flat;
  let free = false;
  let folds = 0;
  let glide: { from: Float64Array; to: Float64Array; since: number } | null = null;
  return {
    mesh,
    flat,
    get full() {
      return full;
    },
    get free() {
      return free;
    },
    get folds() {
      return folds;
    },
    page: (aspect) => (free ? frameOf(mesh.corners, aspect) : extent),
    setFull(corners, atOnce) {
      if (atOnce || full === flat) {
        full = corners;
        glide = null;
      } else glide = { from: Float64Array.from(full), to: corners, since: performance.now() };
    },
    advance(now, stretch) {
      if (glide) {
        const t = Math.min((now - glide.since) / GLIDE, 1);
        full = blend(glide.from, glide.to, t * (2 - t));
        if (t >= 1) glide = null;
      }
      blend(flat, full, stretch, mesh.corners);
      free = !fillsExtent({ ...mesh, corners: full });
      // the ends have their own reports
      folds = stretch > 0 && stretch < 1 ? countFolds(mesh) : 0;
      return glide !== null;
    },
  };
}
