/** What the map is coloured by: the shading of the mesh, what the legend says of it, and which choices there are. */

import { rgb } from "d3-color";
import { errorPlaces } from "../field/area_error";
import { averageOntoCorners } from "../field/field";
import type { Mesh } from "../field/mesh";
import type { Atlas } from "../model/atlas";
import { labelColour, type Palette } from "../style/colour";
import { densityKey, errorKey, explainDensity, type Key } from "../style/colour_key";
import { densityScale } from "../style/density_scale";
import type { ColourBy, Extent, Shape } from "../types";
import { pointsOnMap, type PointsOnMap } from "./points";
import type { DrawnField, Shading } from "./scene";

export interface Colouring {
  shade(by: ColourBy, drawn: DrawnField, mesh: Mesh, palette: Palette): Shading;
  key(by: ColourBy, drawn: DrawnField, temper: number): Key;
  /** Why a choice is not open; "" where it is. */
  whyClosed(by: ColourBy, weights: number[]): string;
}

export function createColouring(atlas: Atlas): Colouring {
  let regionsFound: Regions | null = null;
  let painted: { palette: Palette; cells: Uint32Array } | null = null;
  let misfit: { of: DrawnField; errors: Float32Array; places: Float32Array } | null = null;

  function labelled(palette: Palette): Uint32Array {
    regionsFound ??= regions(pointsOnMap(atlas.points!, atlas), atlas.shape, atlas.extent);
    if (painted?.palette !== palette) {
      painted = { palette, cells: regionColours(regionsFound, atlas.points!.names.length, palette) };
    }
    return painted.cells;
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
    if (by === "label" && !atlas.points?.labels?.length) return "the atlas holds no labelled points";
    if (by === "standard_error" && known(weights).length === 0) return "no measure that is on says how far off it may be";
    return "";
  };
  /** A choice that is not open is shown as the density, and the legend says what is shown. */
  const open = (by: ColourBy, { weights }: DrawnField): ColourBy => (closed(by, weights) ? "density" : by);

  return {
    whyClosed: closed,
    shade(wanted, drawn, mesh, palette) {
      const by = open(wanted, drawn);
      if (by === "label") return { by, cells: labelled(palette) };
      if (by === "area_error") return { by, places: errorPlaces(mesh, drawn.density) };
      return { by, places: by === "density" ? drawn.places : errorsOf(drawn).places };
    },
    key(wanted, drawn, temper) {
      const by = open(wanted, drawn);
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

/** So many of the nearest points vote. */

export const VOTERS = 7;
export interface Regions {
  /** The label of each cell, the share of votes that it had, and how far the nearest voter is, as a part of the map's diagonal. */
  labels: Int32Array;
  shares: Float32Array;
  gaps: Float32Array;
}

/** The gap at which a label's colour has half gone. */
export const FAINT = 0.12;
/** For each cell the majority among the `voters` labelled points nearest to its centre; of equals, the one with the nearest point. */

export function regions(points: PointsOnMap, [rows, columns]: Shape, [x0, x1, y0, y1]: Extent, voters = VOTERS): Regions {
  const labels = new Int32Array(rows * columns);
  const shares = new Float32Array(rows * columns);
  const gaps = new Float32Array(rows * columns).fill(1);
  const count = points.plane.length / 2;
  const wanted = Math.min(voters, count);
  if (!points.labels || wanted === 0) return { labels, shares, gaps };
  const [w, h] = [(x1 - x0) / columns, (y1 - y0) / rows];
  const { first, order } = binPoints(points, rows, columns, x0, y0, w, h);
  const nearest = new Int32Array(wanted);
  const far = new Float64Array(wanted);
  for (let i = 0, n = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, n++) {
      const [x, y] = [x0 + (j + 0.5) * w, y0 + (i + 0.5) * h];
      let held = 0;
      // rings of cells, until no cell further out can hold a nearer point
      for (let ring = 0; ring < rows + columns; ring++) {
        const reach = Math.max(ring - 0.5, 0) * Math.min(w, h);
        if (held === wanted && reach * reach > far[held - 1]) break;
        const [top, bottom] = [Math.min(i + ring, rows - 1), Math.max(i - ring, 0)];
        for (let a = bottom; a <= top; a++) {
          const rim = a === i + ring || a === i - ring;
          for (let b = j - ring; b <= j + ring; b += rim || ring === 0 ? 1 : 2 * ring) {
            if (b < 0 || b >= columns) continue;
            const cell = a * columns + b;
            for (let k = first[cell]; k < first[cell + 1]; k++) {
              const point = order[k];
              const d = (points.plane[2 * point] - x) ** 2 + (points.plane[2 * point + 1] - y) ** 2;
              if (held === wanted && d >= far[held - 1]) continue;
              let place = held < wanted ? held++ : held - 1;
              for (; place > 0 && far[place - 1] > d; place--) {
                far[place] = far[place - 1]!;
                nearest[place] = nearest[place - 1]!;
              }
              far[place] = d;
              nearest[place] = point;
            }
          }
        }
      }
      let most = 0;
      for (let k = 0; k < held; k++) {
        const label = points.labels[nearest[k]];
        let votes = 0;
        for (let other = 0; other < held; other++) if (points.labels[nearest[other]] === label) votes++;
        if (votes > most) {
          most = votes;
          labels[n] = label;
        }
      }
      shares[n] = most / held;
      gaps[n] = Math.sqrt(far[0]) / Math.hypot(x1 - x0, y1 - y0);
    }
  }
  return { labels, shares, gaps };
}

/** Points in the order of their cells; those of cell n are `order[first[n]]` up to `order[first[n + 1]]`. */

export function binPoints({ plane }: PointsOnMap, rows: number, columns: number, x0: number, y0: number, w: number, h: number) {
  const count = plane.length / 2;
  const cells = new Int32Array(count);
  const first = new Int32Array(rows * columns + 1);
  for (let k = 0; k < count; k++) {
    const j = Math.min(Math.max(Math.floor((plane[2 * k] - x0) / w), 0), columns - 1);
    const i = Math.min(Math.max(Math.floor((plane[2 * k + 1] - y0) / h), 0), rows - 1);
    cells[k] = i * columns + j;
    first[cells[k] + 1]++;
  }
  for (let n = 0; n < rows * columns; n++) first[n + 1] += first[n];
  const next = first.slice();
  const order = new Int32Array(count);
  for (let k = 0; k < count; k++) order[next[cells[k]]++] = k;
  return { first, order };
}

/**
 * A cell's colour as a word: its label's over the paper, fainter where fewer agree and far from any point, always faint enough for
 * the points on it.
 */

export function regionColours({ labels, shares, gaps }: Regions, names: number, palette: Palette): Uint32Array {
  const paper = rgb(palette.ramp[0]);
  const tones = Array.from({ length: names }, (_, k) => rgb(labelColour(k, names, palette)));
  return Uint32Array.from(labels, (label, n) => {
    const tone = tones[label] ?? paper;
    const part = (0.55 * shares[n] ** 2) / (1 + (gaps[n] / FAINT) ** 2);
    const mix = (a: number, b: number) => Math.round(part * a + (1 - part) * b);
    return (255 << 24) | (mix(tone.b, paper.b) << 16) | (mix(tone.g, paper.g) << 8) | mix(tone.r, paper.r);
  });
}
