/**
 * The panel: stretch, measures with weights, tempering, what is shown, samples, export. Native inputs, so that keyboard,
 * touch and screen readers work by themselves.
 *
 * Hooks for tests: data-lw = "map-method", "stretch", "area-weight", "temper", "measure" (a row, data-name), "measure-toggle", "measure-weight"
 * (both data-name), "more", "smoothing", "show-points" and so on for each of SHOWN, "colour-by", "samples", "spacing"; those of
 * export_controls.ts.
 */

import options from "../../../latent_widget/display/options.json";
import type { Print } from "../model/figure_requests";
import { MAP_HINTS, MAP_METHODS, MAP_NAMES } from "../model/map_methods";
import { shortNumber } from "../style/density_scale";
import { html, set } from "../style/dom";
import type { ColourBy, MapMethod, Shown, Spacing } from "../types";
import { createExportControls, type Format } from "./export_controls";

export interface Choices {
  stretch: number;
  method: MapMethod;
  areaWeight: number;
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
  method(method: MapMethod): void;
  areaWeight(value: number, final: boolean): void;
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
const MOST_DECADES = 3;

/** The weight at a slider's position, in powers of ten. */
export function weightAt(position: number): number {
  return Number((10 ** position).toPrecision(3));
}

export function sliderPosition(weight: number): number {
  return Math.min(Math.max(Math.log10(weight), -MOST_DECADES), MOST_DECADES);
}

// ids of labels are unique over all views on a page
let serial = 0;

export function createControls(
  parent: Element,
  names: string[],
  has: { points: boolean; thumbnails: boolean; kernel: boolean; maps: readonly MapMethod[] },
  actions: Actions,
): Controls {
  const own = `lw${++serial}`;
  const parts = [
    createStretch(parent, own, has, actions),
    createMeasures(parent, names, actions),
    createShow(parent, has, actions),
    createColourBy(parent, actions),
    createMixing(parent, own, has.kernel, actions),
    createSpacing(parent, actions),
    createSamples(parent, actions),
  ];
  createExportControls(parent, has.kernel ? ["svg", "png", "pdf"] : ["svg", "png"], actions.save);
  return {
    update(choices) {
      for (const update of parts) update(choices);
    },
  };
}

/** What a trait may hold at least and at most. */
function rangeOf(trait: keyof typeof options.limits): { min: number; max: number } {
  const [min, max] = options.limits[trait];
  return { min, max };
}

/** Brings one group of controls up to date. */
type Update = (choices: Choices) => void;

/** How far towards which map. */
function createStretch(parent: Element, own: string, { maps }: { maps: readonly MapMethod[] }, actions: Actions): Update {
  const { group, input, value } = slider(parent, "Stretch", "stretch", { ...rangeOf("stretch"), step: 0.005 }, null, own);
  on(input, (final) => actions.stretch(Number(input.value), final));
  // the right end of the slider is the map that is chosen there
  const ends = html("div", { class: "lw-ends" }, group);
  html("span", { text: "latent space", "aria-hidden": "true" }, ends);
  const label = html("label", { class: "lw-colour", text: "Map " }, ends);
  // as for the spacing below
  const select = html("select", { "data-lw": "map-method", "data-lm-suppress-shortcuts": "true" }, label);
  for (const value of MAP_METHODS) {
    const known = maps.includes(value);
    const title = known ? MAP_HINTS[value] : "This page was saved without that map; it takes the widget in Python";
    html("option", { value, text: MAP_NAMES[value], title, disabled: !known }, select);
  }
  select.addEventListener("change", () => actions.method(select.value as MapMethod));
  return ({ stretch, method }) => {
    select.value = method;
    select.title = MAP_HINTS[method];
    put(input, stretch);
    value.textContent = `${Math.round(100 * stretch)} %`;
    set(input, { "aria-valuetext": `${Math.round(100 * stretch)} % of the way from the latent space to the ${MAP_NAMES[method]}` });
  };
}

/** What a map with a free outline is to keep true where it cannot keep all. */
function createAreaWeight(parent: Element, own: string, kernel: boolean, actions: Actions): Update {
  const range = { ...rangeOf("area_weight"), step: 0.01 };
  const { group, input, value } = slider(parent, "Angles or areas", "area-weight", range, ["true angles", "true areas"], own);
  on(input, (final) => actions.areaWeight(Number(input.value), final));
  input.disabled = !kernel;
  const why = "Where the measure is curved, not all can be true: what shall be, angles or areas";
  group.title = kernel ? why : "It takes the widget in Python to compute another map";
  return ({ method, areaWeight }) => {
    group.hidden = method === "cartogram";
    put(input, areaWeight);
    value.textContent = `${Math.round(100 * areaWeight)} %`;
    set(input, { "aria-valuetext": `${Math.round(100 * areaWeight)} % areas, the rest angles` });
  };
}

function createMeasures(parent: Element, names: string[], actions: Actions): Update {
  const group = html("fieldset", { class: "lw-group" }, parent);
  html("legend", { text: "Measures" }, group);
  let weights: Record<string, number> = {};
  const rows = names.map((name) => createMeasure(group, name, (weight, final) => actions.weights({ ...weights, [name]: weight }, final)));
  return (choices) => {
    weights = choices.weights;
    for (const [k, name] of names.entries()) rows[k](weights[name] ?? 0, choices.shares[name] ?? 0);
  };
}

/** A measure's switch and weight; returns how to bring them up to date. */
function createMeasure(parent: Element, name: string, change: (weight: number, final: boolean) => void): (weight: number, share: number) => void {
  const row = html("div", { class: "lw-measure", "data-lw": "measure", "data-name": name }, parent);
  const label = html("label", {}, row);
  const toggle = html("input", { type: "checkbox", "data-lw": "measure-toggle", "data-name": name }, label);
  html("span", { class: "lw-measure-name", text: name.replaceAll("_", " "), title: name }, label);
  const words = html("span", { class: "lw-value" }, row);
  const range = { type: "range", min: -MOST_DECADES, max: MOST_DECADES, step: 0.02 };
  const input = html("input", { ...range, "data-lw": "measure-weight", "data-name": name, "aria-label": `weight of ${name}` }, row);
  // a measure switched off remembers the weight that it had
  let kept: number | undefined;
  toggle.addEventListener("change", () => change(toggle.checked ? (kept ?? 1) : 0, true));
  on(input, (final) => change(weightAt(Number(input.value)), final));
  return (weight, share) => {
    const shown = weight > 0;
    if (shown) kept = weight;
    toggle.checked = shown;
    input.disabled = !shown;
    put(input, sliderPosition(kept ?? 1));
    set(input, { "aria-valuetext": `weight ${shortNumber(kept ?? 1)}` });
    const part = Math.round(100 * share);
    words.textContent = shown ? `× ${shortNumber(weight)} · ${part} %` : "off";
    words.title = shown ? `weight ${shortNumber(weight)}, ${part} % of the mixture's mean density` : "";
  };
}

function createShow(parent: Element, has: { points: boolean; thumbnails: boolean }, actions: Actions): Update {
  const group = html("fieldset", { class: "lw-group lw-show" }, parent);
  html("legend", { text: "Show" }, group);
  let shown: Shown | null = null;
  const offered = SHOWN.filter(([key]) => (key === "points" ? has.points : key === "thumbnails" ? has.thumbnails : true));
  const boxes = offered.map(([key, words, hint]) => {
    const label = html("label", { title: hint }, group);
    const box = html("input", { type: "checkbox", "data-lw": `show-${key}` }, label);
    html("span", { text: words }, label);
    box.addEventListener("change", () => shown && actions.show({ ...shown, [key]: box.checked }));
    return { key, box };
  });
  return (choices) => {
    shown = choices.shown;
    for (const { key, box } of boxes) box.checked = shown[key];
  };
}

function createColourBy(parent: Element, actions: Actions): Update {
  const label = html("label", { class: "lw-colour", text: "Colour by " }, parent);
  const select = html("select", { "data-lw": "colour-by" }, label);
  const options = COLOURS.map(([value, text]) => ({ value, option: html("option", { value, text }, select) }));
  select.addEventListener("change", () => actions.colour(select.value as ColourBy));
  return ({ colour, whyClosed }) => {
    for (const { value, option } of options) {
      option.disabled = whyClosed[value] !== "";
      option.title = whyClosed[value];
    }
    select.value = colour;
  };
}

/** What changes the mixed field or the map as a whole, behind "More". */
function createMixing(parent: Element, own: string, kernel: boolean, actions: Actions): Update {
  const more = html("details", { class: "lw-more" }, parent);
  html("summary", { text: "More", "data-lw": "more" }, more);
  const areaWeight = createAreaWeight(more, own, kernel, actions);
  const temper = slider(more, "Tempering", "temper", { ...rangeOf("temper"), step: 0.01 }, ["uniform", "as measured"], own);
  on(temper.input, (final) => actions.temper(Number(temper.input.value), final));
  const range = rangeOf("smoothing");
  const smoothing = slider(more, "Smoothing", "smoothing", { ...range, step: 0.1 }, ["none", `${range.max} cells`], own);
  on(smoothing.input, (final) => actions.smoothing(Number(smoothing.input.value), final));
  return (choices) => {
    areaWeight(choices);
    put(temper.input, choices.temper);
    temper.value.textContent = `${Math.round(100 * choices.temper)} %`;
    put(smoothing.input, choices.smoothing);
    const cells = choices.smoothing > 0 ? `${shortNumber(choices.smoothing)} cells` : "off";
    smoothing.value.textContent = cells;
    set(smoothing.input, { "aria-valuetext": cells });
  };
}

function createSpacing(parent: Element, actions: Actions): Update {
  const label = html("label", { class: "lw-colour", text: "Samples spaced " }, parent);
  // JupyterLab takes the arrow keys for its cells, except from what says so: keys.ts says it for the widget, but from the second key on
  const select = html("select", { "data-lw": "spacing", "data-lm-suppress-shortcuts": "true" }, label);
  for (const [value, text, title] of SPACINGS) html("option", { value, text, title }, select);
  select.addEventListener("change", () => actions.spacing(select.value as Spacing));
  return ({ spacing }) => {
    select.value = spacing;
    select.title = SPACINGS.find(([value]) => value === spacing)?.[2] ?? "";
  };
}

function createSamples(parent: Element, actions: Actions): Update {
  const row = html("div", { class: "lw-row" }, parent);
  const label = html("label", { class: "lw-samples", text: "Samples " }, row);
  const range = rangeOf("n_samples");
  const input = html("input", { type: "number", ...range, step: 1, "data-lw": "samples" }, label);
  input.addEventListener("change", () => {
    const wanted = Math.round(Number(input.value));
    if (wanted >= range.min && wanted <= range.max) actions.samples(wanted);
    else input.reportValidity();
  });
  return ({ samples }) => {
    if (document.activeElement !== input) input.value = String(samples);
  };
}

interface Slider {
  group: HTMLElement;
  input: HTMLInputElement;
  value: HTMLElement;
}

function slider(
  parent: Element,
  words: string,
  name: string,
  range: { min: number; max: number; step: number },
  ends: [string, string] | null,
  own: string,
): Slider {
  const group = html("div", { class: "lw-slider" }, parent);
  const head = html("div", { class: "lw-row" }, group);
  html("label", { for: `${own}-${name}`, text: words }, head);
  const value = html("span", { class: "lw-value" }, head);
  const input = html("input", { type: "range", id: `${own}-${name}`, "data-lw": name, ...range }, group);
  if (ends) {
    const under = html("div", { class: "lw-ends", "aria-hidden": "true" }, group);
    for (const end of ends) html("span", { text: end }, under);
  }
  return { group, input, value };
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
