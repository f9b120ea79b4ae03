/**
 * The button that moves a marker along each path.
 *
 * Hook for tests: data-lw = "play".
 */

import { html } from "../style/dom";

/** Milliseconds from one end to the other. */
export const DURATION = 4000;

/** Calls `step` with fractions 0 … 1 while the markers move, and with null when it is over; a second press pauses, a third goes on. */
export function createPlayButton(parent: Element, step: (t: number | null) => void): { close(): void } {
  const button = html("button", { type: "button", class: "lw-play", "data-lw": "play" }, parent);
  let at = 0;
  let before: number | null = null;
  let frame = 0;

  function label(): void {
    const playing = frame !== 0;
    button.textContent = playing ? "❚❚ Pause" : "▶ Walk";
    button.title = playing ? "Pause" : "Walk both lines in step: the chart under each film shows how fast the output changes";
  }

  function run(now: number): void {
    at += before === null ? 0 : (now - before) / DURATION;
    before = now;
    frame = at < 1 ? requestAnimationFrame(run) : 0;
    step(at < 1 ? at : null);
    if (frame === 0) at = 0;
    label();
  }

  button.addEventListener("click", () => {
    before = null;
    if (frame !== 0) {
      cancelAnimationFrame(frame);
      frame = 0;
    } else frame = requestAnimationFrame(run);
    label();
  });
  label();
  return { close: () => cancelAnimationFrame(frame) };
}
