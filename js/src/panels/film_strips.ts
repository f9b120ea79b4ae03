/**
 * The film strips underneath the map: what is decoded along each path.
 *
 * Hooks for tests: data-lw = "strip-geodesic" and so on for each kind of path, "speed-geodesic" likewise; class lw-preview while pictures come from the sprite sheet.
 */

import type { Paths } from "../geodesics/paths";
import { DASHES, TITLES } from "../model/path_kinds";
import { paintStrip, type Ink, type Pictures } from "../model/sprites";
import type { Palette } from "../style/colour";
import { shortNumber } from "../style/density_scale";
import { html, set, svg } from "../style/dom";
import type { PathKind, Shown } from "../types";
import { createProfile } from "./profile_chart";
import { createSpeedChart } from "./speed_chart";

export interface FilmStrips {
  draw(paths: Paths, shown: Shown, palette: Palette): void;
  /** Moves only the marks of somebody who walks the lines. */
  mark(paths: Paths): void;
}

/** A strip for each of the paths; the charts of their speeds share one scale. */
export function createFilmStrips(parent: Element, kinds: PathKind[], ink: Ink): FilmStrips {
  const element = html("div", { class: "lw-strips" }, parent);
  const strips = kinds.map((kind) => ({ kind, strip: createStrip(kind, element) }));
  const profile = createProfile(element);
  function mark(paths: Paths): void {
    for (const { kind, strip } of strips) {
      const { t, speed } = paths.marker(kind);
      strip.now(t, speed);
    }
  }
  return {
    draw(paths, shown, palette) {
      const seen = kinds.filter((kind) => shown[kind]);
      const top = Math.max(2, ...seen.flatMap((kind) => Array.from(paths.track(kind)?.speeds ?? [])));
      for (const { kind, strip } of strips) {
        strip.show(shown[kind]);
        if (!shown[kind]) continue;
        const { pictures, preview } = paths.pictures(kind);
        strip.caption(describePath(kind, paths), palette);
        strip.missing(paths.missing(kind) !== undefined);
        strip.draw(pictures, ink, palette, preview);
        const track = paths.track(kind);
        if (track) strip.pace(track.speeds, top, paths.count(kind));
      }
      element.title = paths.note;
      const tracks = seen.flatMap((kind) => {
        const track = paths.track(kind);
        return track ? [{ kind, length: paths.length(kind), speeds: track.speeds }] : [];
      });
      profile.draw(tracks, palette);
      mark(paths);
    },
    mark,
  };
}

interface Strip {
  element: HTMLElement;
  show(visible: boolean): void;
  caption(text: string, palette: Palette): void;
  missing(none: boolean): void;
  /** The speed of change along the line; `top` is the highest of all lines. */
  pace(speeds: Float64Array, top: number, samples: number): void;
  /** Where a walk is now, and how fast. */
  now(t: number | null, speed: number): void;
  draw(pictures: Pictures | null, ink: Ink, palette: Palette, preview: boolean): void;
}

function createStrip(kind: PathKind, parent: Element): Strip {
  const element = html("figure", { class: "lw-strip", "data-lw": `strip-${kind}` }, parent);
  const caption = html("figcaption", {}, element);
  const swatch = svg("svg", { class: "lw-swatch", width: 30, height: 6, "aria-hidden": "true" }, caption);
  svg("path", { d: "M2 3H28", stroke: "currentColor", "stroke-width": 2.25, "stroke-linecap": "round", "stroke-dasharray": DASHES[kind] }, swatch);
  html("b", { text: TITLES[kind] }, caption);
  const words = html("span", { class: "lw-strip-words" }, caption);
  const speeds = html("span", { class: "lw-speed", "data-lw": `speed-${kind}` }, caption);
  const reel = html("div", { class: "lw-reel" }, element);
  const canvas = html("canvas", { role: "img", "aria-label": `decoded along the ${TITLES[kind].toLowerCase()}` }, reel);
  const chart = createSpeedChart(reel);
  return {
    element,
    show(visible) {
      element.hidden = !visible;
    },
    caption(text, palette) {
      words.textContent = text;
      swatch.style.color = palette[kind];
      chart.element.style.color = palette[kind];
    },
    missing(none) {
      reel.hidden = none;
    },
    pace: chart.draw,
    now(t, speed) {
      chart.now(t);
      speeds.textContent = t === null ? "" : `speed ${speed.toFixed(1)} ×`;
    },
    draw(pictures, ink, palette, preview) {
      element.classList.toggle("lw-preview", preview);
      canvas.hidden = pictures === null;
      if (!pictures) return;
      paintStrip(canvas, pictures, ink, palette);
      set(canvas, { title: preview ? "preview from the map's thumbnails" : "decoded by the model" });
    },
  };
}

/** A path in plain words: why there is none, or how long it is. */
export function describePath(kind: PathKind, paths: Pick<Paths, "missing" | "length">): string {
  return paths.missing(kind) ?? compareLength(kind, paths.length(kind), paths.length("geodesic"));
}

/** A path's length in plain words, beside the geodesic's. */
export function compareLength(kind: PathKind, length: number, shortest: number): string {
  const own = `length ${shortNumber(length)}`;
  if (kind === "geodesic" || !(shortest > 0)) return own;
  const excess = 100 * (length / shortest - 1);
  if (excess < 0.05) return `${own}, as short as the geodesic`;
  return `${own}, ${excess >= 10 ? excess.toFixed(0) : excess.toFixed(1)} % longer than the geodesic`;
}
