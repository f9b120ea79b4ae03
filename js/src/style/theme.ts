/** Light or dark: as asked for, or as the host is. */

import { lab } from "d3-color";
import { DARK, LIGHT, type Palette } from "./colour";

export function paletteFor(theme: "auto" | "light" | "dark", element: Element): Palette {
  if (theme === "dark") return DARK;
  if (theme === "light") return LIGHT;
  const background = getComputedStyle(element).getPropertyValue("--jp-layout-color0").trim();
  const lightness = background ? lab(background).l : Number.NaN;
  if (!Number.isNaN(lightness)) return lightness < 50 ? DARK : LIGHT;
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ? DARK : LIGHT;
}

/** Calls back when the host may have changed its theme; returns how to stop. */
export function watchTheme(changed: () => void): () => void {
  const query = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
  query?.addEventListener("change", changed);
  // JupyterLab marks its theme on the body
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  return () => {
    query?.removeEventListener("change", changed);
    observer.disconnect();
  };
}

export function prefersStillness(): boolean {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}
