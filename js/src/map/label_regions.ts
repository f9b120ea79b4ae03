/** Which label the cells of the map belong to: the majority of the labelled points that lie nearest. */

import { rgb } from "d3-color";
import { labelColour, type Palette } from "../style/colour";
import type { Extent, Shape } from "../types";
import type { PointsOnMap } from "./points";

/** So many of the nearest points vote. */
export const VOTERS = 7;

export interface Regions {
  /** The label of each cell, the share of votes that it had, and how far the nearest voter is, as a part of the map's diagonal. */
  labels: Int32Array;
  shares: Float32Array;
  gaps: Float32Array;
}

/** The gap at which a label's colour has half gone. */
const FAINT = 0.12;

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
        if (held === wanted && reach * reach > far[held - 1]!) break;
        const [top, bottom] = [Math.min(i + ring, rows - 1), Math.max(i - ring, 0)];
        for (let a = bottom; a <= top; a++) {
          const rim = a === i + ring || a === i - ring;
          for (let b = j - ring; b <= j + ring; b += rim || ring === 0 ? 1 : 2 * ring) {
            if (b < 0 || b >= columns) continue;
            const cell = a * columns + b;
            for (let k = first[cell]!; k < first[cell + 1]!; k++) {
              const point = order[k]!;
              const d = (points.plane[2 * point]! - x) ** 2 + (points.plane[2 * point + 1]! - y) ** 2;
              if (held === wanted && d >= far[held - 1]!) continue;
              let place = held < wanted ? held++ : held - 1;
              for (; place > 0 && far[place - 1]! > d; place--) {
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
        const label = points.labels[nearest[k]!]!;
        let votes = 0;
        for (let other = 0; other < held; other++) if (points.labels[nearest[other]!] === label) votes++;
        if (votes > most) {
          most = votes;
          labels[n] = label;
        }
      }
      shares[n] = most / held;
      gaps[n] = Math.sqrt(far[0]!) / Math.hypot(x1 - x0, y1 - y0);
    }
  }
  return { labels, shares, gaps };
}

/** Points in the order of their cells; those of cell n are `order[first[n]]` up to `order[first[n + 1]]`. */
function binPoints({ plane }: PointsOnMap, rows: number, columns: number, x0: number, y0: number, w: number, h: number) {
  const count = plane.length / 2;
  const cells = new Int32Array(count);
  const first = new Int32Array(rows * columns + 1);
  for (let k = 0; k < count; k++) {
    const j = Math.min(Math.max(Math.floor((plane[2 * k]! - x0) / w), 0), columns - 1);
    const i = Math.min(Math.max(Math.floor((plane[2 * k + 1]! - y0) / h), 0), rows - 1);
    cells[k] = i * columns + j;
    first[cells[k]! + 1]!++;
  }
  for (let n = 0; n < rows * columns; n++) first[n + 1]! += first[n]!;
  const next = first.slice();
  const order = new Int32Array(count);
  for (let k = 0; k < count; k++) order[next[cells[k]!]!++] = k;
  return { first, order };
}

/**
 * A cell's colour as a word: its label's over the ground, fainter where fewer agree and far from any point, always faint enough for
 * the points on it.
 */
export function regionColours({ labels, shares, gaps }: Regions, names: number, palette: Palette): Uint32Array {
  const ground = rgb(palette.ramp[0]!);
  const tones = Array.from({ length: names }, (_, k) => rgb(labelColour(k, names, palette)));
  return Uint32Array.from(labels, (label, n) => {
    const tone = tones[label] ?? ground;
    const part = (0.55 * shares[n]! ** 2) / (1 + (gaps[n]! / FAINT) ** 2);
    const mix = (a: number, b: number) => Math.round(part * a + (1 - part) * b);
    return (255 << 24) | (mix(tone.b, ground.b) << 16) | (mix(tone.g, ground.g) << 8) | mix(tone.r, ground.r);
  });
}
