/**
 * Saving the figure: how wide, how fine, and in which format.
 *
 * Hooks for tests: data-lw = "export-width", "export-dpi", "export-svg", "export-png", "export-pdf"; the last only where a kernel answers.
 */

import options from "../../../latent_widget/display/options.json";
import type { Print } from "../model/figure_requests";
import { html } from "../style/dom";

/** More pixels than these on a side are more than browsers paint. */
const MOST_PIXELS = 14_000;

/** The kernel writes PDF; the browser draws the others. */
export type Format = "svg" | "png" | "pdf";

const HINTS: Record<Format, string> = {
  svg: "Lines and letters as such, the coloured map as a picture inside; letters are shown in the reader's own sans-serif",
  png: "A picture of so many inches at so many pixels per inch",
  pdf: "Lines and letters as such, the coloured map as a picture inside; written in Python, as by w.save('figure.pdf')",
};

const NO_PDF = "A PDF is written in Python: w.save('figure.pdf')";

export function createExportControls(parent: Element, formats: Format[], save: (format: Format, print: Print) => void): void {
  const group = html("fieldset", { class: "lw-group lw-saver" }, parent);
  html("legend", { text: "Save the figure" }, group);
  const sizes = html("div", { class: "lw-row" }, group);
  const number = (name: string, words: string, unit: string, range: Record<string, number>) => {
    const label = html("label", { text: `${words} ` }, sizes);
    const input = html("input", { type: "number", "data-lw": `export-${name}`, ...range }, label);
    label.append(` ${unit}`);
    return input;
  };
  const { figure_width: inches, figure_dpi: dots } = options.limits;
  const width = number("width", "", "in wide", { min: inches[0], max: inches[1], step: 0.1, value: 7 });
  const dpi = number("dpi", "", "dpi", { min: dots[0], max: dots[1], step: 1, value: 300 });
  const buttons = html("div", { class: "lw-row" }, group);
  if (!formats.includes("pdf")) buttons.title = NO_PDF;
  for (const format of formats) {
    const button = html("button", { type: "button", "data-lw": `export-${format}`, text: format.toUpperCase(), title: HINTS[format] }, buttons);
    button.addEventListener("click", () => {
      const print = { width: Number(width.value), dpi: Number(dpi.value) };
      dpi.setCustomValidity(print.width * print.dpi > MOST_PIXELS ? `Width times dpi must be at most ${MOST_PIXELS}` : "");
      for (const input of [width, dpi]) if (!input.reportValidity()) return;
      save(format, print);
    });
  }
}
