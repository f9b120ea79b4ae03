/**
 * The line that says how the map is: being stretched, how true it is, or what went wrong.
 *
 * Hook for tests: data-lw = "status".
 */

import { MAP_NAMES } from "../model/map_methods";
import { shortNumber } from "../style/density_scale";
import { html } from "../style/dom";
import type { Model, Traits, WireMap } from "../types";

export interface StatusLine {
  /** Shows a message, or, without one, what the kernel says and how true the map is. */
  say(message?: string, state?: Traits["_status"]["state"]): void;
  /** Tells how many cells are folded at the stretch that is shown. */
  warn(folds: number): void;
}

export function createStatusLine(parent: Element, model: Model): StatusLine {
  const line = html("p", { class: "lw-status", "data-lw": "status", role: "status" }, parent);
  let folded = 0;
  const say: StatusLine["say"] = (message = "", state = "ready") => {
    const status = model.get("_status");
    const map = readMap(model);
    const shown = message || status.state === "ready" ? state : status.state;
    const own = map ? [describeMap(map), describeFolds(folded)].filter(Boolean).join("; ") : "";
    const text = message || (status.state !== "ready" ? status.message : own);
    // a line that is written anew is read aloud anew
    if (line.textContent !== text) line.textContent = text;
    line.dataset.state = shown === "ready" && map && (!map.converged || folded > 0) ? "warning" : shown;
    line.title = map?.message ?? "";
  };
  return {
    say,
    warn(folds) {
      if (folds === folded) return;
      folded = folds;
      say();
    },
  };
}

/** The stretched map that the kernel has sent, or null before it has. */
export function readMap(model: Model): WireMap | null {
  const map = model.get("_map");
  return "corners" in map ? (map as WireMap) : null;
}

/** What a map achieved: of a cartogram its areas, of the others shapes and areas. */
export function describeMap(map: WireMap): string {
  const folds = map.folds === 0 ? "no folds" : `${map.folds} folded cells`;
  if (map.method === "cartogram") return `Stretched map: largest area error ${percent(map.maxAreaError)}, ${folds}`;
  const name = MAP_NAMES[map.method];
  const achieved = `remaining anisotropy ${map.anisotropy.toFixed(2)}, area error ${percent(map.rmsAreaError)} (rms)`;
  return `${name[0].toUpperCase()}${name.slice(1)}: ${achieved}, ${folds}`;
}

function percent(part: number): string {
  return 100 * part < 0.01 ? "below 0.01 %" : `${shortNumber(100 * part)} %`;
}

/** What is to be said of a map that folds on the way from the plane. */
export function describeFolds(folds: number): string {
  if (folds === 0) return "";
  return `${folds === 1 ? "1 cell folds" : `${folds} cells fold`} at this stretch; 0 or 1 show none`;
}
