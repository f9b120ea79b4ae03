/**
 * What the map is worth: how true its distances, shapes and areas are, measured when somebody asks for it.
 *
 * Hooks for tests: data-lw = "audit" (opens and closes), "audit-measure" (the button), "audit-words", "audit-stress" and so on for
 * each row.
 */

import { MAP_NAMES } from "../model/map_methods";
import { html } from "../style/dom";
import type { Audit, WireMap } from "../types";

export interface AuditPanel {
  /** Shows what was measured, and whether it was of the map that is shown. */
  update(audit: Audit, map: WireMap | null): void;
}

interface Row {
  name: string;
  words: string;
  value(audit: Audit): string;
  hint: string;
}

const STRESS = "How far distances on the page are from geodesic distances, in parts of them: 0 is true";
const ROWS: Row[] = [
  { name: "stress-plane", words: "Stress, latent plane", value: ({ stress }) => decimals(stress?.plane), hint: STRESS },
  { name: "stress-map", words: "Stress, this map", value: ({ stress }) => decimals(stress?.map), hint: "The same on the map; below the line above, stretching has helped" },
  {
    name: "stress-placebo",
    words: "Stress, placebo",
    value: ({ stress }) => decimals(stress?.placebo),
    hint: "The same on the map of the measure turned by half a turn; a map that is not better than this owes nothing to the measure",
  },
  { name: "anisotropy", words: "Anisotropy", value: ({ anisotropy }) => decimals(anisotropy, 2), hint: "Largest over smallest stretch where the points lie, on average: 1 keeps shapes" },
  { name: "area-error", words: "Area error", value: ({ areaError }) => percent(areaError), hint: "Root mean square where the points lie: 0 gives each cell its part of the measure" },
];

export function createAuditPanel(parent: Element, kernel: boolean, measure: () => void): AuditPanel {
  const element = html("details", { class: "lw-more lw-audit" }, parent);
  html("summary", { text: "What is this map worth?", "data-lw": "audit" }, element);
  const words = html("p", { "data-lw": "audit-words", role: "status" }, element);
  const table = html("table", { "aria-label": "what the map is worth", hidden: true }, element);
  const cells = ROWS.map(({ name, words: title, hint }) => {
    const row = html("tr", { "data-lw": `audit-${name}` }, table);
    const head = html("th", { scope: "row", text: title }, row);
    html("small", { text: hint }, head);
    return html("td", {}, row);
  });
  const button = html("button", { type: "button", "data-lw": "audit-measure", text: "Measure" }, element);
  button.hidden = !kernel;
  button.addEventListener("click", measure);
  return {
    update(audit, map) {
      const text = describeAudit(audit, map, kernel);
      if (words.textContent !== text) words.textContent = text;
      words.dataset.state = audit.state === "failed" ? "error" : "";
      // a button that is disabled would lose the focus
      button.setAttribute("aria-disabled", String(audit.state === "busy"));
      button.textContent = audit.state === "ready" ? "Measure again" : "Measure";
      table.hidden = audit.state !== "ready";
      ROWS.forEach((row, k) => (cells[k].textContent = audit.state === "ready" ? row.value(audit) : ""));
    },
  };
}

export function describeAudit(audit: Audit, map: WireMap | null, kernel: boolean): string {
  if (audit.state === "busy") return "Measuring: geodesics between points, and the map of a placebo …";
  if (audit.state === "failed") return `It could not be measured: ${audit.message}`;
  if (audit.state === "none" || !audit.method) {
    return kernel
      ? "Compare distances on the page with geodesic distances, and the map with that of a placebo."
      : "It was not measured before this page was saved.";
  }
  const of = `Of the ${MAP_NAMES[audit.method]}`;
  return map?.key === audit.key ? `${of} as it is now: ${audit.message}` : `${of} as it was before: measure again for the present one.`;
}

function decimals(value: number | undefined, places = 3): string {
  return value === undefined ? "–" : value.toFixed(places);
}

function percent(part: number | undefined): string {
  return part === undefined ? "–" : `${(100 * part).toFixed(1)} %`;
}
