/** What the map is coloured by: the shading of the mesh, what the legend says of it, and which choices there are. */

import { errorPlaces } from "../field/area_error";
import { averageOntoCorners } from "../field/field";
import type { Mesh } from "../field/mesh";
import type { Atlas } from "../model/atlas";
import type { Palette } from "../style/colour";
import { densityKey, errorKey, explainDensity, type Key } from "../style/colour_key";
import { densityScale } from "../style/density_scale";
import type { ColourBy } from "../types";
import { regionColours, regions, VOTERS, type Regions } from "./label_regions";
import { pointsOnMap } from "./points";
import type { DrawnField, Shading } from "./scene";

export interface Colouring {
  shade(by: ColourBy, ground: DrawnField, mesh: Mesh, palette: Palette): Shading;
  key(by: ColourBy, ground: DrawnField, temper: number): Key;
  /** Why a choice is not open; "" where it is. */
  whyClosed(by: ColourBy, weights: number[]): string;
}

export function createColouring(atlas: Atlas): Colouring {
  let territory: Regions | null = null;
  let painted: { palette: Palette; cells: Uint32Array } | null = null;
  let misfit: { of: DrawnField; errors: Float32Array; places: Float32Array } | null = null;

  function labelled(palette: Palette): Uint32Array {
    territory ??= regions(pointsOnMap(atlas.points!, atlas), atlas.shape, atlas.extent);
    if (painted?.palette !== palette) {
      painted = { palette, cells: regionColours(territory, atlas.points!.names.length, palette) };
    }
    return painted.cells;
  }

  function errorsOf(ground: DrawnField): NonNullable<typeof misfit> {
    if (misfit?.of !== ground) {
      const errors = relativeErrors(atlas, ground.weights);
      const scale = densityScale(errors);
      misfit = { of: ground, errors, places: averageOntoCorners(errors.map((error) => scale.place(error)), atlas.shape) };
    }
    return misfit;
  }

  const known = (weights: number[]) => atlas.names.filter((_, k) => weights[k]! > 0 && atlas.errors[k]);
  const closed = (by: ColourBy, weights: number[]): string => {
    if (by === "label" && !atlas.points?.labels?.length) return "the atlas holds no labelled points";
    if (by === "standard_error" && known(weights).length === 0) return "no measure that is on says how far off it may be";
    return "";
  };
  /** A choice that is not open is shown as the density, and the legend says what is shown. */
  const open = (by: ColourBy, { weights }: DrawnField): ColourBy => (closed(by, weights) ? "density" : by);

  return {
    whyClosed: closed,
    shade(wanted, ground, mesh, palette) {
      const by = open(wanted, ground);
      if (by === "label") return { by, cells: labelled(palette) };
      if (by === "area_error") return { by, places: errorPlaces(mesh, ground.density) };
      return { by, places: by === "density" ? ground.places : errorsOf(ground).places };
    },
    key(wanted, ground, temper) {
      const by = open(wanted, ground);
      if (by === "area_error") return errorKey();
      if (by === "label") {
        const voters = Math.min(VOTERS, atlas.points!.labels!.length);
        return {
          by,
          title: `Label of most of the ${voters} encoded points that lie nearest; paler where fewer agree or none is near`,
          ticks: [],
          range: "the labels' colours",
        };
      }
      const on = atlas.names.filter((_, k) => ground.weights[k]! > 0);
      if (by === "density") return densityKey(ground.scale, explainDensity(on, temper));
      const title = `Relative error of ${known(ground.weights).join(" + ").replaceAll("_", " ")} in each cell`;
      return { ...densityKey(densityScale(errorsOf(ground).errors), title), by };
    },
  };
}

/** The errors of the measures that are on and know theirs, each in the part that its measure has in the cell's trace. */
export function relativeErrors({ fields, errors }: Pick<Atlas, "fields" | "errors">, weights: number[]): Float32Array {
  const count = fields[0]!.length / 3;
  const sum = new Float32Array(count);
  const parts = new Float32Array(count);
  fields.forEach((field, k) => {
    const error = errors[k];
    if (!error || !(weights[k]! > 0)) return;
    for (let n = 0; n < count; n++) {
      const part = weights[k]! * (field[3 * n]! + field[3 * n + 2]!);
      sum[n]! += part * error[n]!;
      parts[n]! += part;
    }
  });
  return sum.map((value, n) => (parts[n]! > 0 ? value / parts[n]! : 0));
}
