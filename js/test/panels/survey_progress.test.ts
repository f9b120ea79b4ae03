import { beforeEach, describe, expect, it, vi } from "vitest";
import { describeProgress, mountAfterSurvey } from "../../src/panels/survey_progress";
import type { Traits } from "../../src/types";
import { recordedModel } from "../recorded_model";

const hook = (name: string) => document.querySelector<HTMLElement>(`[data-lw='${name}']`)!;
const surveying = (done: number): Traits["_status"] => ({ state: "surveying", message: "measuring pullback", done, total: 8 });

describe("the survey on screen", () => {
  let host: HTMLElement;
  const mountMap = vi.fn((_: unknown, parent: HTMLElement) => {
    const map = document.createElement("i");
    parent.append(map);
    return () => map.remove();
  });

  beforeEach(() => {
    document.body.replaceChildren();
    host = document.body.appendChild(document.createElement("div"));
    mountMap.mockClear();
  });

  it("gives way to the map when the fields have come, and is taken down with it", async () => {
    const model = recordedModel({ _fields: [], theme: "light", _status: surveying(2) });
    const unmount = mountAfterSurvey(model, host, mountMap);
    expect(hook("survey-progress").getAttribute("value") ?? (hook("survey-progress") as HTMLProgressElement).value).toBe("0.25");
    expect(mountMap).not.toHaveBeenCalled();
    model.set("_fields", [{} as never]);
    await Promise.resolve();
    expect(mountMap).toHaveBeenCalledOnce();
    expect(hook("survey")).toBeNull();
    unmount();
    expect(host.childElementCount).toBe(0);
  });

  it("does not come at all where the fields are there", () => {
    mountAfterSurvey(recordedModel({ _fields: [{} as never] }), host, mountMap);
    expect(mountMap).toHaveBeenCalledOnce();
    expect(hook("survey")).toBeNull();
  });

  it("says errors as text, and offers to start again", () => {
    const model = recordedModel({ _fields: [], theme: "light", _status: surveying(0) });
    const unmount = mountAfterSurvey(model, host, mountMap);
    hook("survey-cancel").click();
    expect(model.sent).toEqual([{ type: "cancel" }]);
    model.set("_status", { state: "failed", message: "<img src=x onerror=alert(1)>" });
    expect(hook("survey-words").textContent).toBe("<img src=x onerror=alert(1)>");
    expect(hook("survey-words").getAttribute("role")).toBe("alert");
    expect(document.querySelector("img")).toBeNull();
    expect(hook("survey-cancel").hidden).toBe(true);
    hook("survey-again").click();
    expect(model.sent[1]).toEqual({ type: "survey" });
    unmount();
    model.set("_fields", [{} as never]);
    expect(mountMap).not.toHaveBeenCalled();
  });

  it("tells the time that is left in words", () => {
    expect(describeProgress(surveying(2), null)).toBe("measuring pullback · 25 %");
    expect(describeProgress(surveying(2), 30_000)).toBe("measuring pullback · 25 % · about 30 seconds left");
    expect(describeProgress(surveying(2), 600_000)).toBe("measuring pullback · 25 % · about 10 minutes left");
    expect(describeProgress({ state: "surveying", message: "decoding" }, null)).toBe("decoding …");
  });
});
