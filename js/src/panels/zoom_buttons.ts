/**
 * Zooming by three small buttons.
 *
 * Hooks for tests: data-lw = "zoom-in", "zoom-out", "zoom-reset".
 */

import { CLOSEST, STEP, type Zoom } from "../map/zoom";
import { html } from "../style/dom";

/** Returns how to tell them how close the map is; those that have nothing left to do are switched off. */
export function createZoomButtons(parent: Element, zoom: Zoom): (times: number) => void {
  const group = html("div", { class: "lw-zoom", role: "group", "aria-label": "zoom" }, parent);
  const button = (name: string, text: string, words: string, act: () => void) => {
    const made = html("button", { type: "button", "data-lw": `zoom-${name}`, text, title: words, "aria-label": words }, group);
    made.addEventListener("click", act);
    return made;
  };
  const reset = button("reset", "1×", "Show the whole map", () => zoom.reset());
  const out = button("out", "−", "Zoom out", () => zoom.by(1 / STEP));
  const closer = button("in", "+", "Zoom in (also Ctrl or ⌘ with the wheel, or a double click)", () => zoom.by(STEP));
  return (times) => {
    const now = `${times < 9.95 ? Number(times.toFixed(1)) : Math.round(times)}×`;
    reset.textContent = now;
    // who speaks to the page says what is written on it
    reset.setAttribute("aria-label", `${now}: show the whole map`);
    reset.disabled = out.disabled = times <= 1;
    closer.disabled = times >= CLOSEST;
  };
}
