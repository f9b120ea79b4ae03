/**
 * The atlas in the browser: lattice, metric and error of each measure, encoded points, thumbnails. Read once from the
 * private traits, since it does not change while a view lives.
 */

import { meanDensity } from "../field/field";
import type { Around, Extent, Model, Shape } from "../types";
import { toArray, toFloats } from "./serialization";
import { detectInk, type Sprites } from "./sprites";

export interface Points {
  xy: Float32Array;
  labels: Int32Array | null;
  names: string[];
  /** Where labelled points lie on the map. */
  regions: Regions | null;
}

/** The label of each cell, and how strongly it is to be coloured, 0 to 1. */
export interface Regions {
  labels: Int32Array;
  strength: Float32Array;
}

export interface Atlas {
  extent: Extent;
  shape: Shape;
  axes: [string, string];
  around: Around;
  names: string[];
  fields: Float32Array[];
  /** By these measures that are mixed are divided. */
  meanDensities: number[];
  /** Relative error of each measure in each cell, where it knows that. */
  errors: (Float32Array | null)[];
  points: Points | null;
  sprites: Sprites | null;
}

export function readAtlas(model: Model): Atlas {
  const lattice = model.get("_lattice");
  const fields = model.get("_fields");
  const points = model.get("_points");
  const sprites = model.get("_sprites");
  const metrics = fields.map((field) => toFloats(field.metric));
  return {
    extent: lattice.extent,
    shape: lattice.shape,
    axes: lattice.names,
    around: lattice.around,
    names: fields.map((field) => field.name),
    fields: metrics,
    meanDensities: metrics.map(meanDensity),
    errors: fields.map((field) => field.error && toFloats(field.error)),
    points: points && {
      xy: toFloats(points.xy),
      labels: points.labels && Int32Array.from(toArray(points.labels)),
      names: points.names,
      regions: points.regions
        ? { labels: Int32Array.from(toArray(points.regions.labels)), strength: toFloats(points.regions.strength) }
        : null,
    },
    sprites: sprites && { ...withInk(sprites.shape, sprites.size, Uint8Array.from(toArray(sprites.sheet))), blend: sprites.blend },
  };
}

function withInk(shape: Shape, size: Shape, sheet: Uint8Array): Sprites {
  return { shape, size, sheet, ink: detectInk(sheet) };
}
