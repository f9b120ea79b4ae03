/**
 * The profile on demand: how much of its length each path has behind it, from its start to its end. A line that rises evenly changes evenly.
 *
 * Hooks for tests: data-lw = "profile" (opens and closes), "profile-geodesic" and so on for each kind of path.
 */

import { DASHES, KINDS, TITLES } from "../model/path_kinds";
import type { Palette } from "../style/colour";
import { shortNumber } from "../style/density_scale";
import { html, polyline, set, svg } from "../style/dom";
import type { PathKind } from "../types";

const WIDE = 1000;
const TALL = 140;

export interface ProfiledPath {
  kind: PathKind;
  length: number;
  /** Speeds over the pieces of the path, of mean 1. */
  speeds: Float64Array;
}

/** Length behind each of the pieces' ends, from 0 to the whole. */
export function cumulativeLength({ length, speeds }: Pick<ProfiledPath, "length" | "speeds">): Float64Array {
  const along = new Float64Array(speeds.length + 1);
  speeds.forEach((speed, n) => (along[n + 1] = along[n] + (speed * length) / speeds.length));
  return along;
}

export interface Profile {
  draw(paths: ProfiledPath[], palette: Palette): void;
}

export function createProfile(parent: Element): Profile {
  const element = html("details", { class: "lw-profile" }, parent);
  html("summary", { "data-lw": "profile", text: "Length along the paths" }, element);
  const scale = html("p", { class: "lw-strip-words" }, element);
  const chart = svg("svg", { role: "img", viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", height: TALL, width: "100%" }, element);
  const frame = { fill: "none", "vector-effect": "non-scaling-stroke" };
  const axes = svg("path", { ...frame, d: `M0 0V${TALL}H${WIDE}` }, chart);
  const lines = [...KINDS].reverse().map((kind) => {
    const look = { "stroke-width": 2.25, "stroke-linecap": "round", "stroke-dasharray": DASHES[kind], "data-lw": `profile-${kind}` };
    return { kind, line: svg("path", { ...frame, ...look }, chart) };
  });
  let shown: [ProfiledPath[], Palette] | null = null;

  function paint(): void {
    if (!element.open || !shown) return;
    const [paths, palette] = shown;
    const top = Math.max(...paths.map(({ length }) => length), Number.MIN_VALUE);
    set(axes, { stroke: palette.faint });
    for (const { kind, line } of lines) {
      const path = paths.find((other) => other.kind === kind);
      const points = path ? Array.from(cumulativeLength(path)).flatMap((y, n) => [(WIDE * n) / path.speeds.length, TALL * (1 - y / top)]) : [];
      set(line, { d: polyline(points), stroke: palette[kind] });
    }
    scale.textContent = `from 0 at A to ${shortNumber(top)}, the longest, at B; a path that changes evenly rises evenly`;
    const words = paths.map(({ kind, length, speeds }) => {
      const half = cumulativeLength({ length, speeds })[Math.round(speeds.length / 2)];
      return `${TITLES[kind]}: ${shortNumber(half)} of ${shortNumber(length)} half way`;
    });
    set(chart, { "aria-label": `length along the paths; ${words.join("; ")}` });
  }

  element.addEventListener("toggle", paint);
  return {
    draw(paths, palette) {
      shown = [paths, palette];
      paint();
    },
  };
}
