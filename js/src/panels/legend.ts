/**
 * What the colours mean, in plain words: the density's bar and the labels of the points.
 *
 * Hook for tests: data-lw = "legend".
 */

import { labelColour, type Palette } from "../style/colour";
import { stops, type Key } from "../style/colour_key";
import { html } from "../style/dom";

/** More labels than this are counted, not listed. */
const LISTED = 24;

export interface Legend {
  element: HTMLElement;
  update(key: Key, palette: Palette): void;
}

export function createLegend(parent: Element, labels: string[] | null): Legend {
  const element = html("section", { class: "lw-legend", "data-lw": "legend", "aria-label": "legend" }, parent);
  const title = html("p", { class: "lw-legend-title" }, element);
  const bar = html("div", { class: "lw-legend-bar", role: "img" }, element);
  const ticks = html("div", { class: "lw-legend-ticks", "aria-hidden": "true" }, element);
  const list = html("ul", { class: "lw-labels", "aria-label": "labels of the points" }, element);
  const swatches: HTMLElement[] = [];
  let shown = "";
  if (labels && labels.length > 0) {
    labels.slice(0, LISTED).forEach((name) => {
      const item = html("li", {}, list);
      swatches.push(html("span", { class: "lw-dot" }, item));
      html("span", { class: "lw-label", text: name, title: name }, item);
    });
    if (labels.length > LISTED) html("li", { text: `and ${labels.length - LISTED} more` }, list);
  }
  return {
    element,
    update(key, palette) {
      // the legend stays as it is through a whole morph
      const shows = JSON.stringify([key, palette.dark]);
      if (shows === shown) return;
      shown = shows;
      title.textContent = key.title;
      bar.hidden = ticks.hidden = key.by === "label";
      if (key.by !== "label") {
        const colours = stops(key.by, palette).map(([at, colour]) => `${colour} ${100 * at}%`);
        bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
      }
      bar.setAttribute("aria-label", `colours from ${key.range}`);
      swatches.forEach((swatch, k) => {
        swatch.style.background = labelColour(k, labels!.length, palette);
      });
      ticks.replaceChildren();
      for (const [place, text] of key.ticks) {
        const mark = html("span", { text }, ticks);
        mark.style.left = `${100 * place}%`;
        mark.style.transform = `translateX(${place < 0.08 ? "0" : place > 0.92 ? "-100%" : "-50%"})`;
      }
    },
  };
}
