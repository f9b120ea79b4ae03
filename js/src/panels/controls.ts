/**
 * The panel: stretch, measures with weights, tempering, what is shown, samples, export. Native inputs, so that keyboard,
 * touch and screen readers work by themselves.
 *
 * Hooks for tests: data-lw = "stretch", "temper", "measure" (a row, data-name), "measure-toggle", "measure-weight"
 * (both data-name), "more", "smoothing", "show-points" and so on for each of SHOWN, "colour-by", "samples", "spacing"; those of
 * saver.ts.
 */

import type { Format, Print } from "../export/file_formats";
import { shortNumber } from "../style/density_scale";
import { html, set } from "../style/dom";
import type { ColourBy, Shown, Spacing } from "../types";
import { createExportControls } from "./export_controls";

export interface Choices {
  stretch: number;
  temper: number;
  smoothing: number;
  weights: Record<string, number>;
  shares: Record<string, number>;
  shown: Shown;
  samples: number;
  spacing: Spacing;
  colour: ColourBy;
  /** Why one cannot colour by something. */
  whyClosed: Record<ColourBy, string>;
}

export interface Actions {
  stretch(value: number, final: boolean): void;
  temper(value: number, final: boolean): void;
  smoothing(cells: number, final: boolean): void;
  weights(weights: Record<string, number>, final: boolean): void;
  show(shown: Shown): void;
  samples(count: number): void;
  spacing(by: Spacing): void;
  colour(by: ColourBy): void;
  save(format: Format, print: Print): void;
}

export interface Controls {
  update(choices: Choices): void;
}

const SHOWN: [keyof Shown, string, string][] = [
  ["points", "Points", "Encoded data, coloured by label"],
  ["thumbnails", "Thumbnails", "What is decoded there"],
  ["grid", "Lattice", "Lines of equal latent coordinates"],
  ["contours", "Contours", "Lines of equal magnification"],
  ["ellipses", "Ellipses", "Equal steps of the measure in every direction: round where the stretched map is true to shape"],
  ["geodesic", "Geodesic", "The shortest line in the measure"],
  ["straight", "Straight line", "The straight line of latent space"],
  ["slerp", "Spherical line", "Spherical linear interpolation (slerp): around the latent origin"],
  ["stretched", "Stretched line", "The straight line of the stretched map, brought back to latent space"],
];

const COLOURS: [ColourBy, string][] = [
  ["density", "magnification"],
  ["label", "label"],
  ["area_error", "how true areas are"],
  ["standard_error", "error of the measure"],
];

const SPACINGS: [Spacing, string, string][] = [
  ["own", "each its own", "The geodesic in equal steps of the measure, slerp in equal steps of its angle, the others in equal steps where they are straight"],
  ["latent", "by latent distance", "Every path in equal steps of latent space"],
  ["measure", "by the measure", "Every path in equal steps of the measure"],
];

/** Weights run over 10^-3 … 10^3 on a logarithmic slider. */
export function weightAt(position: number): number {
  return Number((10 ** position).toPrecision(3));
}

export function sliderPosition(weight: number): number {
  return Math.min(Math.max(Math.log10(weight), -3), 3);
}

let serial = 0;

export function createControls(
  parent: Element,
  names: string[],
  has: { points: boolean; thumbnails: boolean },
  actions: Actions,
): Controls {
  const own = `lw${++serial}`;
  const stretch = slider(parent, "Stretch", "stretch", { min: 0, max: 1, step: 0.005 }, ["latent space", "cartogram"], own);
  on(stretch.input, (final) => actions.stretch(Number(stretch.input.value), final));

  const measures = html("fieldset", { class: "lw-group" }, parent);
  html("legend", { text: "Measures" }, measures);
  let weights: Record<string, number> = {};
  // a measure switched off remembers the weight that it had
  const kept: Record<string, number> = {};
  const rows = names.map((name) => {
    const row = html("div", { class: "lw-measure", "data-lw": "measure", "data-name": name }, measures);
    const label = html("label", {}, row);
    const toggle = html("input", { type: "checkbox", "data-lw": "measure-toggle", "data-name": name }, label);
    html("span", { class: "lw-measure-name", text: name.replaceAll("_", " "), title: name }, label);
    const share = html("span", { class: "lw-value" }, row);
    const weight = html(
      "input",
      { type: "range", min: -3, max: 3, step: 0.02, "data-lw": "measure-weight", "data-name": name, "aria-label": `weight of ${name}` },
      row,
    );
    toggle.addEventListener("change", () => {
      actions.weights({ ...weights, [name]: toggle.checked ? (kept[name] ?? 1) : 0 }, true);
    });
    on(weight, (final) => actions.weights({ ...weights, [name]: weightAt(Number(weight.value)) }, final));
    return { name, toggle, weight, share };
  });

  const show = html("fieldset", { class: "lw-group lw-show" }, parent);
  html("legend", { text: "Show" }, show);
  let shown: Shown | null = null;
  const boxes = SHOWN.filter(([key]) => (key === "points" ? has.points : key === "thumbnails" ? has.thumbnails : true)).map(
    ([key, words, hint]) => {
      const label = html("label", { title: hint }, show);
      const box = html("input", { type: "checkbox", "data-lw": `show-${key}` }, label);
      html("span", { text: words }, label);
      box.addEventListener("change", () => shown && actions.show({ ...shown, [key]: box.checked }));
      return { key, box };
    },
  );

  const by = html("label", { class: "lw-colour", text: "Colour by " }, parent);
  const colour = html("select", { "data-lw": "colour-by" }, by);
  const options = COLOURS.map(([value, words]) => ({ value, option: html("option", { value, text: words }, colour) }));
  colour.addEventListener("change", () => actions.colour(colour.value as ColourBy));

  const more = html("details", { class: "lw-more" }, parent);
  html("summary", { text: "More", "data-lw": "more" }, more);
  const temper = slider(more, "Tempering", "temper", { min: 0, max: 1, step: 0.01 }, ["uniform", "as measured"], own);
  on(temper.input, (final) => actions.temper(Number(temper.input.value), final));
  const smoothing = slider(more, "Smoothing", "smoothing", { min: 0, max: 8, step: 0.1 }, ["none", "8 cells"], own);
  on(smoothing.input, (final) => actions.smoothing(Number(smoothing.input.value), final));

  const evenly = html("label", { class: "lw-colour", text: "Samples spaced " }, parent);
  // JupyterLab takes the arrow keys for its cells, except from what says so: keys.ts says it for the widget, but from the second key on
  const spacing = html("select", { "data-lw": "spacing", "data-lm-suppress-shortcuts": "true" }, evenly);
  for (const [value, text, title] of SPACINGS) html("option", { value, text, title }, spacing);
  spacing.addEventListener("change", () => actions.spacing(spacing.value as Spacing));

  const last = html("div", { class: "lw-row" }, parent);
  const count = html("label", { class: "lw-samples", text: "Samples " }, last);
  const samples = html("input", { type: "number", min: 2, max: 100, step: 1, "data-lw": "samples" }, count);
  samples.addEventListener("change", () => {
    const wanted = Math.round(Number(samples.value));
    if (wanted >= 2 && wanted <= 100) actions.samples(wanted);
    else samples.reportValidity();
  });
  createExportControls(parent, actions.save);

  return {
    update(choices) {
      weights = choices.weights;
      shown = choices.shown;
      put(stretch.input, choices.stretch);
      stretch.value.textContent = `${Math.round(100 * choices.stretch)} %`;
      put(temper.input, choices.temper);
      temper.value.textContent = `${Math.round(100 * choices.temper)} %`;
      put(smoothing.input, choices.smoothing);
      const cells = choices.smoothing > 0 ? `${shortNumber(choices.smoothing)} cells` : "off";
      smoothing.value.textContent = cells;
      set(smoothing.input, { "aria-valuetext": cells });
      for (const { name, toggle, weight, share } of rows) {
        const value = weights[name] ?? 0;
        if (value > 0) kept[name] = value;
        toggle.checked = value > 0;
        weight.disabled = !(value > 0);
        put(weight, sliderPosition(kept[name] ?? 1));
        set(weight, { "aria-valuetext": `weight ${shortNumber(kept[name] ?? 1)}` });
        const part = Math.round(100 * (choices.shares[name] ?? 0));
        share.textContent = value > 0 ? `× ${shortNumber(value)} · ${part} %` : "off";
        share.title = value > 0 ? `weight ${shortNumber(value)}, ${part} % of the mixed metric` : "";
      }
      for (const { key, box } of boxes) box.checked = choices.shown[key];
      for (const { value, option } of options) {
        option.disabled = choices.whyClosed[value] !== "";
        option.title = choices.whyClosed[value];
      }
      colour.value = choices.colour;
      spacing.value = choices.spacing;
      spacing.title = SPACINGS.find(([value]) => value === choices.spacing)?.[2] ?? "";
      if (document.activeElement !== samples) samples.value = String(choices.samples);
    },
  };
}

interface Slider {
  input: HTMLInputElement;
  value: HTMLElement;
}

function slider(
  parent: Element,
  words: string,
  name: string,
  range: { min: number; max: number; step: number },
  ends: [string, string],
  own: string,
): Slider {
  const group = html("div", { class: "lw-slider" }, parent);
  const head = html("div", { class: "lw-row" }, group);
  html("label", { for: `${own}-${name}`, text: words }, head);
  const value = html("span", { class: "lw-value" }, head);
  const input = html("input", { type: "range", id: `${own}-${name}`, "data-lw": name, ...range }, group);
  const under = html("div", { class: "lw-ends", "aria-hidden": "true" }, group);
  for (const end of ends) html("span", { text: end }, under);
  return { input, value };
}

/** Calls back on every move, and once more with `final` when the slider is let go. */
function on(input: HTMLInputElement, moved: (final: boolean) => void): void {
  input.addEventListener("input", () => moved(false));
  input.addEventListener("change", () => moved(true));
}

/** Sets a slider without fighting the hand that holds it. */
function put(input: HTMLInputElement, value: number): void {
  if (Math.abs(Number(input.value) - value) > Number(input.step) / 2) input.value = String(value);
}
