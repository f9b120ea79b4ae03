/**
 * The line that says how the map is: being stretched, how true it is, or what went wrong.
 *
 * Hook for tests: data-lw = "status".
 */

import { shortNumber } from "../style/density_scale";
import { html } from "../style/dom";
import type { Model, Traits, WireCartogram } from "../types";

export interface StatusLine {
  /** Shows a message, or, without one, what the kernel says and how true the map is. */
  say(message?: string, state?: Traits["_status"]["state"]): void;
}

export function createStatusLine(parent: Element, model: Model): StatusLine {
  const line = html("p", { class: "lw-status", "data-lw": "status", role: "status" }, parent);
  return {
    say(message = "", state = "ready") {
      const status = model.get("_status");
      const cart = readCartogram(model);
      const shown = message || status.state === "ready" ? state : status.state;
      line.textContent = message || (status.state !== "ready" ? status.message : cart ? describeMap(cart) : "");
      line.dataset.state = shown === "ready" && cart && !cart.converged ? "warning" : shown;
      line.title = cart?.message ?? "";
    },
  };
}

/** The stretched map that the kernel has sent, or null before it has. */
export function readCartogram(model: Model): WireCartogram | null {
  const cart = model.get("_cartogram");
  return "corners" in cart ? (cart as WireCartogram) : null;
}

export function describeMap(cart: WireCartogram): string {
  const percent = 100 * cart.maxAreaError;
  const error = percent < 0.01 ? "below 0.01 %" : `${shortNumber(percent)} %`;
  const folds = cart.folds === 0 ? "no folds" : `${cart.folds} folded cells`;
  return `Stretched map: largest area error ${error}, ${folds}`;
}
