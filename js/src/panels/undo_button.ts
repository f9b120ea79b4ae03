/**
 * Taking the last change back: a button, and Ctrl or ⌘ with Z anywhere in the widget.
 *
 * Hook for tests: data-lw = "undo".
 */

import type { History } from "../model/history";
import { html } from "../style/dom";

export function createUndoButton(root: HTMLElement, parent: Element, history: History): { close(): void } {
  const words = "Take the last change back (Ctrl or ⌘ with Z)";
  const button = html("button", { type: "button", "data-lw": "undo", text: "↶", title: words, "aria-label": words }, parent);
  const update = () => {
    button.disabled = history.empty;
  };
  button.addEventListener("click", () => history.undo());
  root.addEventListener("keydown", (event) => {
    const asked = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
    // a field that is typed in takes back its own letters
    if (!asked || (event.target as Element).matches("input[type=number], input[type=text], textarea")) return;
    history.undo();
    event.preventDefault();
    // the notebook would take back something of its own
    event.stopPropagation();
  });
  update();
  return { close: history.watch(update) };
}
