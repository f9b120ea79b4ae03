import { beforeEach, describe, expect, it, vi } from "vitest";
import { placeAt, speedAt, speedsAlong } from "../../src/geodesics/speed";
import { createPlayButton, DURATION } from "../../src/panels/play_button";
import { createSpeedChart } from "../../src/panels/speed_chart";

const field = {
  shape: [4, 4] as [number, number],
  extent: [0, 4, 0, 4] as [number, number, number, number],
  // four times the metric, twice the length, where x > 2
  metric: Float32Array.from({ length: 48 }, (_, k) => (k % 3 === 1 ? 0 : Math.floor(k / 3) % 4 > 1 ? 4 : 1)),
};

describe("pace", () => {
  it("is each piece's length over the mean", () => {
    const even = speedsAlong(field, [0, 0, 0, 1, 0, 2]);
    expect(Array.from(even)).toEqual([1, 1]);
    const [slow, still] = speedsAlong(field, [0.1, 1, 0.3, 1, 0.3, 1]);
    expect(slow).toBeGreaterThan(0);
    expect(still).toBe(0);
    const across = speedsAlong(field, [0, 1, 1, 1, 2, 1, 3, 1, 4, 1]);
    expect(across[3] / across[0]).toBeCloseTo(2, 1);
    expect(across.reduce((a, b) => a + b) / 4).toBeCloseTo(1);
  });

  it("is 1 where there is no length", () => {
    expect(Array.from(speedsAlong(field, [1, 1, 1, 1]))).toEqual([1]);
    expect(speedsAlong(field, [])).toHaveLength(0);
  });

  it("and place are read at any fraction of the walk", () => {
    const points = [0, 0, 2, 0, 2, 4];
    expect(placeAt(points, 0)).toEqual([0, 0]);
    expect(placeAt(points, 0.25)).toEqual([1, 0]);
    expect(placeAt(points, 1)).toEqual([2, 4]);
    expect(speedAt(Float64Array.of(0.5, 1.5), 0.49)).toBe(0.5);
    expect(speedAt(Float64Array.of(0.5, 1.5), 1)).toBe(1.5);
  });

  it("is drawn on a common scale, said in words, and marked", () => {
    const chart = createSpeedChart(document.createElement("div"));
    chart.draw(Float64Array.of(0.5, 1.5), 2, 3);
    expect(chart.element.getAttribute("viewBox")).toBe("-0.5 0 3 24");
    expect(chart.element.getAttribute("aria-label")).toBe("speed of change along the line: 0.5 to 1.5 times its mean");
    expect(chart.element.querySelector("path")!.getAttribute("d")).toBe("M0.0 24.0L0.0 18.0L1.0 18.0L1.0 6.0L2.0 6.0L2.0 24.0Z");
    const mark = chart.element.querySelectorAll("line")[1];
    chart.now(0.5);
    expect([mark.getAttribute("x1"), mark.getAttribute("visibility")]).toEqual(["1", "visible"]);
    chart.now(null);
    expect(mark.getAttribute("visibility")).toBe("hidden");
  });
});

describe("the walk", () => {
  let frames: FrameRequestCallback[] = [];
  const tick = (now: number) => frames.splice(0).forEach((run) => run(now));
  beforeEach(() => {
    frames = [];
    vi.stubGlobal("requestAnimationFrame", (run: FrameRequestCallback) => frames.push(run));
    vi.stubGlobal("cancelAnimationFrame", () => frames.splice(0));
  });

  it("goes from end to end, pauses, goes on and is over", () => {
    const steps: (number | null)[] = [];
    const host = document.createElement("div");
    createPlayButton(host, (t) => steps.push(t));
    const button = host.querySelector<HTMLButtonElement>("[data-lw=play]")!;
    expect(button.textContent).toBe("▶ Walk");
    button.click();
    expect(button.textContent).toBe("❚❚ Pause");
    tick(1000);
    tick(1000 + DURATION / 4);
    button.click();
    tick(9000);
    expect(steps).toEqual([0, 0.25]);
    button.click();
    // the pause does not count
    tick(20_000);
    tick(20_000 + DURATION / 4);
    tick(20_000 + DURATION);
    expect(steps).toEqual([0, 0.25, 0.25, 0.5, null]);
    expect(button.textContent).toBe("▶ Walk");
    expect(frames).toHaveLength(0);
  });
});
