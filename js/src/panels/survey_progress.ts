/**
 * What is seen before there is a map: how far the survey is, a button to cancel it, and what went wrong.
 *
 * Hooks for tests: data-lw = "survey", "survey-progress", "survey-words", "survey-cancel", "survey-again".
 */

import { html } from "../style/dom";
import { paletteFor, watchTheme } from "../style/theme";
import type { Model, Status } from "../types";

/** Shows the survey until its map has come, then the map. */
export function mountAfterSurvey(
  model: Model,
  host: HTMLElement,
  mountMap: (model: Model, host: HTMLElement) => () => void,
): () => void {
  const measured = () => (model.get("_fields") ?? []).length > 0;
  if (measured()) return mountMap(model, host);
  let unmount = mountSurvey(model, host);
  const arrive = () => {
    if (!measured()) return;
    model.off("change:_fields", arrive);
    // the rest of the traits come in the same message
    queueMicrotask(() => {
      if (closed) return;
      unmount();
      unmount = mountMap(model, host);
    });
  };
  let closed = false;
  model.on("change:_fields", arrive);
  return () => {
    closed = true;
    model.off("change:_fields", arrive);
    unmount();
  };
}

function mountSurvey(model: Model, host: HTMLElement): () => void {
  const root = html("div", { class: "lw-root lw-survey", "data-lw": "survey", role: "group", "aria-label": "survey of a latent space" }, host);
  const title = html("h3", {}, root);
  const bar = html("progress", { "data-lw": "survey-progress", max: 1, "aria-label": "measured so far" }, root);
  const words = html("p", { "data-lw": "survey-words" }, root);
  const cancel = html("button", { type: "button", "data-lw": "survey-cancel", text: "Cancel" }, root);
  const again = html("button", { type: "button", "data-lw": "survey-again", text: "Start again" }, root);
  let first: { done: number; at: number } | null = null;
  cancel.addEventListener("click", () => {
    cancel.disabled = true;
    cancel.textContent = "Cancelling after this band …";
    model.send({ type: "cancel" });
  });
  again.addEventListener("click", () => model.send({ type: "survey" }));

  function update(): void {
    const status = model.get("_status");
    const failed = status.state === "failed";
    title.textContent = failed ? "The survey ended without a map" : "Measuring the latent space";
    bar.hidden = cancel.hidden = failed;
    again.hidden = !failed;
    words.setAttribute("role", failed ? "alert" : "status");
    if (failed) {
      first = null;
      cancel.disabled = false;
      cancel.textContent = "Cancel";
      words.textContent = status.message;
      return;
    }
    const [done, total] = [status.done ?? 0, status.total ?? 0];
    if (total > 0) bar.value = done / total;
    else bar.removeAttribute("value");
    const now = performance.now();
    if (done > 0) first ??= { done, at: now };
    words.textContent = describeProgress(status, first && done > first.done ? ((now - first.at) / (done - first.done)) * (total - done) : null);
  }

  const dress = () => {
    root.dataset.theme = paletteFor(model.get("theme"), root).dark ? "dark" : "light";
  };
  const unwatch = watchTheme(dress);
  // the host's theme cannot be read before the view hangs in its page
  const frame = requestAnimationFrame(dress);
  dress();
  update();
  model.on("change:_status", update);
  return () => {
    cancelAnimationFrame(frame);
    unwatch();
    model.off("change:_status", update);
    root.remove();
  };
}

/** How far it is, in words; `left` milliseconds, where they can be told. */
export function describeProgress(status: Status, left: number | null): string {
  const [done, total] = [status.done ?? 0, status.total ?? 0];
  const far = total > 0 ? ` · ${Math.floor((100 * done) / total)} %` : " …";
  if (left === null || done >= total) return `${status.message}${far}`;
  const seconds = left / 1000;
  const time = seconds < 1.5 ? "a second" : seconds < 90 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;
  return `${status.message}${far} · about ${time} left`;
}
