/** Keys between the widget and its host. */

/**
 * JupyterLab acts on keys before any element hears of them: Enter would open the cell's editor, Ctrl+Z take back an edit. It leaves
 * alone what carries this mark, which is put on only for keys that the widget has a use for, so that Ctrl+S still saves.
 */
const MARK = "data-lm-suppress-shortcuts";

/** Keeps plain keys, and Ctrl or ⌘ with Z, for the widget while the focus is in it; returns how to stop. */
export function keepKeys(root: HTMLElement): () => void {
  const listener = (event: KeyboardEvent) => {
    if (!root.contains(event.composedPath()[0] as Node)) return;
    const chord = event.ctrlKey || event.metaKey || event.altKey;
    root.toggleAttribute(MARK, !chord || event.key.toLowerCase() === "z");
  };
  window.addEventListener("keydown", listener, { capture: true });
  return () => window.removeEventListener("keydown", listener, { capture: true });
}
