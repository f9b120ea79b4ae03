import { describe, expect, it, vi } from "vitest";
import { createAuditPanel, describeAudit } from "../../src/panels/audit";
import type { Audit, WireMap } from "../../src/types";

const MAP = { key: "3" } as WireMap;
const READY: Audit = {
  state: "ready",
  message: "90 points",
  key: "3",
  method: "isometric",
  stress: { plane: 0.2361, map: 0.0349, placebo: 0.4 },
  anisotropy: 1.0412,
  areaError: 0.0304,
  folds: 0,
};

function setUp(kernel = true) {
  const parent = document.createElement("div");
  document.body.replaceChildren(parent);
  const measure = vi.fn();
  const panel = createAuditPanel(parent, kernel, measure);
  const hook = (name: string) => parent.querySelector<HTMLElement>(`[data-lw="${name}"]`)!;
  return { panel, measure, hook, parent };
}

describe("the audit", () => {
  it("is measured when it is asked for, and not twice at once", () => {
    const { panel, measure, hook, parent } = setUp();
    panel.update({ state: "none", message: "" }, MAP);
    expect(parent.querySelector("details")!.open).toBe(false);
    expect(parent.querySelector("table")!.hidden).toBe(true);
    hook("audit-measure").click();
    expect(measure).toHaveBeenCalledTimes(1);
    panel.update({ state: "busy", message: "" }, MAP);
    expect(hook("audit-measure").getAttribute("aria-disabled")).toBe("true");
    expect(hook("audit-words").textContent).toContain("Measuring");
  });

  it("shows its numbers with what they mean", () => {
    const { panel, hook, parent } = setUp();
    panel.update(READY, MAP);
    const values = Array.from(parent.querySelectorAll("td"), (cell) => cell.textContent);
    expect(values).toEqual(["0.236", "0.035", "0.400", "1.04", "3.0 %"]);
    for (const row of parent.querySelectorAll("tr")) expect(row.querySelector("th small")!.textContent!.length).toBeGreaterThan(20);
    expect(hook("audit-words").textContent).toBe("Of the isometric map as it is now: 90 points");
    expect(hook("audit-words").getAttribute("role")).toBe("status");
  });

  it("says of which map it is, once there is another", () => {
    expect(describeAudit(READY, { key: "4" } as WireMap, true)).toContain("as it was before");
  });

  it("says what went wrong", () => {
    const { panel, hook } = setUp();
    panel.update({ state: "failed", message: "no room" }, MAP);
    expect(hook("audit-words").textContent).toBe("It could not be measured: no room");
    expect(hook("audit-words").dataset.state).toBe("error");
  });

  it("is shown without a kernel if it was measured, and cannot be measured there", () => {
    const { panel, hook, parent } = setUp(false);
    expect(hook("audit-measure").hidden).toBe(true);
    panel.update({ state: "none", message: "" }, MAP);
    expect(hook("audit-words").textContent).toContain("not measured before");
    panel.update(READY, MAP);
    expect(parent.querySelector("table")!.hidden).toBe(false);
  });
});
