/** What the map is coloured by: the shading of the mesh, what the legend says of it, and which choices there are. */

import { rgb } from "d3-color";
import { errorPlaces } from "../field/area_error";
import { averageOntoCorners } from "../field/field";
import type { Mesh } from "../field/mesh";
import type { Atlas, Points, Regions } from "../model/atlas";
import { labelColour, type Palette } from "../style/colour";
import { densityKey, errorKey, explainDensity, labelKey, type Key } from "../style/colour_key";
import { densityScale } from "../style/density_scale";
import type { ColourBy } from "../types";
import type { DrawnField, Shading } from "./scene";

export interface Colouring {
  shade(by: ColourBy, drawn: DrawnField, mesh: Mesh, palette: Palette): Shading;
  key(by: ColourBy, drawn: DrawnField, temper: number): Key;
  /** Why a choice is not open; "" where it is. */
  whyClosed(by: ColourBy, weights: number[]): string;
}

export function createColouring(atlas: Atlas): Colouring {
  let painted: { palette: Palette; cells: Uint32Array } | null = null;
  let misfit: { of: DrawnField; errors: Float32Array; places: Float32Array } | null = null;

  function cellsOf({ regions, names }: Points, palette: Palette): Uint32Array {
    if (regions && painted?.palette !== palette) painted = { palette, cells: regionColours(regions, names.length, palette) };
    return painted!.cells;
  }

  function errorsOf(drawn: DrawnField): NonNullable<typeof misfit> {
    if (misfit?.of !== drawn) {
      const errors = relativeErrors(atlas, drawn.weights);
      const scale = densityScale(errors);
      misfit = { of: drawn, errors, places: averageOntoCorners(errors.map((error) => scale.place(error)), atlas.shape) };
    }
    return misfit;
  }

  const known = (weights: number[]) => atlas.names.filter((_, k) => weights[k] > 0 && atlas.errors[k]);
  const closed = (by: ColourBy, weights: number[]): string => {
    if (by === "label" && !atlas.points?.regions) {
      return atlas.points?.labels?.length ? "no labelled point lies on the map" : "the atlas holds no labelled points";
    }
    if (by === "standard_error" && known(weights).length === 0) return "no measure that is on says how far off it may be";
    return "";
  };
  /** A choice that is not open is shown as the density, and the legend says what is shown. */
  const open = (by: ColourBy, { weights }: DrawnField): ColourBy => (closed(by, weights) ? "density" : by);

  return {
    whyClosed: closed,
    shade(wanted, drawn, mesh, palette) {
      const by = open(wanted, drawn);
      if (by === "label") return { by, cells: cellsOf(atlas.points!, palette) };
      if (by === "area_error") return { by, places: errorPlaces(mesh, drawn.density) };
      return { by, places: by === "density" ? drawn.places : errorsOf(drawn).places };
    },
    key(wanted, drawn, temper) {
      const by = open(wanted, drawn);
      if (by === "area_error") return errorKey();
      if (by === "label") return labelKey();
      const on = atlas.names.filter((_, k) => drawn.weights[k] > 0);
      if (by === "density") return densityKey(drawn.scale, explainDensity(on, temper));
      const title = `Relative error of ${known(drawn.weights).join(" + ").replaceAll("_", " ")} in each cell`;
      return { ...densityKey(densityScale(errorsOf(drawn).errors), title), by };
    },
  };
}

/** The errors of the measures that are on and know theirs, each in the part that its measure has in the cell's trace. */
export function relativeErrors({ fields, errors }: Pick<Atlas, "fields" | "errors">, weights: number[]): Float32Array {
  const count = fields[0].length / 3;
  const sum = new Float32Array(count);
  const parts = new Float32Array(count);
  fields.forEach((field, k) => {
    const error = errors[k];
    if (!error || !(weights[k] > 0)) return;
    for (let n = 0; n < count; n++) {
      const part = weights[k] * (field[3 * n] + field[3 * n + 2]);
      sum[n] += part * error[n];
      parts[n] += part;
    }
  });
  return sum.map((value, n) => (parts[n] > 0 ? value / parts[n] : 0));
}

/** A cell's colour as a word: its label's over the paper, as strongly as the region says, always faint enough for the points on it. */
export function regionColours({ labels, strength }: Regions, names: number, palette: Palette): Uint32Array {
  const paper = rgb(palette.ramp[0]);
  const tones = Array.from({ length: names }, (_, k) => rgb(labelColour(k, names, palette)));
  return Uint32Array.from(labels, (label, n) => {
    const tone = tones[label] ?? paper;
    const part = strength[n];
    const mix = (a: number, b: number) => Math.round(part * a + (1 - part) * b);
    return (255 << 24) | (mix(tone.b, paper.b) << 16) | (mix(tone.g, paper.g) << 8) | mix(tone.r, paper.r);
  });
}
