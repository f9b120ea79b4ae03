import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import type { Extent } from "../../src/types";
import { mountView } from "../../src/view/view";
import { recordedModel, type Recorded } from "../recorded_model";

let unmount = (): void => undefined;
// what a view has under way must not outlive the page
afterEach(() => unmount());

/** What jsdom lacks: a 2-D canvas, sizes and frames. Frames are run by hand; `painted` counts rasters. */
let painted = 0;
let frames: FrameRequestCallback[] = [];

function runFrames(): void {
  for (let k = 0; k < 100 && frames.length > 0; k++) {
    const due = frames;
    frames = [];
    for (const callback of due) callback(performance.now());
  }
}

beforeEach(() => {
  painted = 0;
  frames = [];
  const context = new Proxy<Record<string, unknown>>({}, {
    get: (target, name: string) => {
      if (name === "putImageData") return (image: { data: Uint8ClampedArray }) => (image.data.length > 4 * 50_000 ? painted++ : 0);
      return target[name] ?? (() => undefined);
    },
  });
  HTMLCanvasElement.prototype.getContext = (() => context) as never;
  vi.stubGlobal(
    "ImageData",
    class {
      data: Uint8ClampedArray;
      constructor(public width: number, public height: number) {
        this.data = new Uint8ClampedArray(4 * width * height);
      }
    },
  );
  vi.stubGlobal("requestAnimationFrame", (callback: FrameRequestCallback) => frames.push(callback));
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(private told: (entries: { contentRect: { width: number } }[]) => void) {}
      observe() {
        this.told([{ contentRect: { width: 500 } }]);
      }
      disconnect() {}
    },
  );
});

const EXTENT: Extent = [-2, 2, -2, 2];
const SHAPE: [number, number] = [12, 12];

export function packet(array: Float32Array, shape: number[]) {
  return { dtype: "float32" as const, shape, buffer: new DataView(array.buffer) };
}

function mounted(): { model: Recorded; host: HTMLElement; hook: (name: string) => Element } {
  const metric = new Float32Array(144 * 3);
  for (let k = 0; k < 144; k++) metric.set([1 + (k % 12), 0, 1], 3 * k);
  const model = recordedModel({
    weights: { pullback: 1 },
    temper: 1,
    smoothing: 0,
    view: null,
    highlight: null,
    renderer: "cpu",
    stretch: 0,
    start: [-1, 0],
    end: [1, 0.5],
    n_samples: 5,
    spacing: "own",
    theme: "light",
    colour_by: "density",
    show: { points: true, thumbnails: false, grid: false, contours: false, ellipses: false, straight: true, geodesic: true, slerp: false, stretched: false },
    _lattice: { extent: EXTENT, shape: SHAPE, names: ["x", "y"], around: { foot: [0, 0], gram: [1, 0, 1], height: 0 } },
    _fields: [{ name: "pullback", metric: packet(metric, [12, 12, 3]), error: null, info: {} }],
    _points: null,
    _sprites: null,
    map_method: "cartogram",
    area_weight: 0.5,
    _audit: { state: "none", message: "" },
    _map: {
      corners: packet(Float32Array.from(flatMesh(EXTENT, SHAPE).corners), [13, 13, 2]),
      maxAreaError: 0,
      folds: 0,
      converged: true,
      method: "cartogram",
      unit: 1,
      rmsAreaError: 0,
      anisotropy: 1,
      message: "",
      key: "0",
    },
    _status: { state: "ready", message: "" },
  });
  const host = document.createElement("div");
  document.body.replaceChildren(host);
  unmount = mountView(model, host);
  runFrames();
  return { model, host, hook: (name) => host.querySelector(`[data-lw="${name}"]`)! };
}

describe("a view", () => {
  it("paints the ground once, and not again while an end moves", () => {
    const { model, hook } = mounted();
    expect(painted).toBe(1);
    const before = hook("path-geodesic").getAttribute("d");
    model.set("end", [0.5, -1]);
    runFrames();
    expect(hook("path-geodesic").getAttribute("d")).not.toBe(before);
    expect(hook("handle-end").getAttribute("aria-valuenow")).toBe("0.5");
    expect(painted).toBe(1);
    model.set("stretch", 0.5);
    runFrames();
    expect(painted).toBe(2);
  });

  it("says what the kernel says, and then how true the map is", () => {
    const { model, hook } = mounted();
    expect(hook("status").textContent).toContain("no folds");
    model.set("_status", { state: "error", message: "every weight is 0" });
    expect(hook("status").textContent).toBe("every weight is 0");
    expect((hook("status") as HTMLElement).dataset.state).toBe("error");
    model.set("_status", { state: "ready", message: "" });
    expect(hook("status").textContent).toContain("no folds");
  });

  it("glides to a map with a free outline, whose page holds it all, and counts the folds on the way", () => {
    const { model, hook } = mounted();
    const folds = () => /(\d+) cells? folds?/.exec(hook("status").textContent ?? "")?.[1];
    // turned by half a turn and stretched by 2 and 1/2: everything folds half-way
    const corners = flatMesh(EXTENT, SHAPE).corners.map((value, k) => (k % 2 === 0 ? -2 : -0.5) * value);
    const map = { ...model.get("_map"), method: "isometric" as const, anisotropy: 4, rmsAreaError: 0.03, key: "1" };
    model.set("_map", { ...map, corners: packet(Float32Array.from(corners), [13, 13, 2]) } as never);
    model.set("map_method", "isometric");
    runFrames();
    expect(hook("status").textContent).toBe("Isometric map: remaining anisotropy 4.00, area error 3 % (rms), no folds");
    expect(hook("outline").getAttribute("d")).not.toBe("");
    model.set("stretch", 0.5);
    runFrames();
    expect(folds()).toBe("144");
    expect(hook("status").textContent).toContain("at this stretch; 0 or 1 show none");
    expect((hook("status") as HTMLElement).dataset.state).toBe("warning");
    model.set("stretch", 1);
    runFrames();
    expect(folds()).toBeUndefined();
    // the page is 8 wide, and as high: the end at (1, 0.5) has come to (-2, -0.25)
    const [, x, y] = /translate\(([\d.]+) ([\d.]+)\)/.exec(hook("handle-end").getAttribute("transform")!)!.map(Number);
    const side = 500 - 46 - 12;
    expect(x).toBeCloseTo(((-2 + 4) / 8) * side, 0);
    expect(y).toBeCloseTo(((4 + 0.25) / 8) * side, 0);
  });

  it("asks what the map is worth", () => {
    const { model, hook } = mounted();
    (hook("audit-measure") as HTMLButtonElement).click();
    expect(model.sent).toContainEqual({ type: "audit" });
    model.set("_audit", { state: "busy", message: "" });
    runFrames();
    const asked = model.sent.length;
    (hook("audit-measure") as HTMLButtonElement).click();
    expect(model.sent).toHaveLength(asked);
    expect(hook("audit-words").textContent).toContain("Measuring");
  });

  it("walks both lines without painting the ground", () => {
    const { host, hook } = mounted();
    expect(hook("marker-geodesic")).toBeNull();
    (hook("play") as HTMLButtonElement).click();
    runFrames();
    expect(hook("marker-geodesic")).not.toBeNull();
    expect(hook("speed-straight").textContent).toMatch(/^speed \d\.\d ×$/);
    expect(host.querySelector(".lw-pace")!.getAttribute("aria-label")).toContain("times its mean");
    expect(painted).toBe(1);
  });

  it("lays the other lines when they are asked for, and asks the kernel for their pictures", { timeout: 20_000 }, async () => {
    const { model, host, hook } = mounted();
    const wanted = () => (model.sent.at(-1) as { paths: { kind: string }[] } | undefined)?.paths.map(({ kind }) => kind);
    // once the geodesic is final
    await vi.waitFor(() => expect(wanted()).toEqual(["geodesic", "straight"]), 10_000);
    model.emit("msg:custom", { type: "error", id: (model.sent.at(-1) as { id: number }).id, message: "no decoder" });
    model.set("show", { ...model.get("show"), slerp: true, stretched: true });
    runFrames();
    expect(wanted()).toEqual(["geodesic", "straight", "slerp", "stretched"]);
    expect(host.querySelector<HTMLElement>(".lw-root")!.dataset.settled).toBe("true");
    for (const kind of ["slerp", "stretched"]) {
      expect((hook(`strip-${kind}`) as HTMLElement).hidden).toBe(false);
      expect(hook(`path-${kind}`).getAttribute("d")).toMatch(/^M/);
      expect(hook(`strip-${kind}`).textContent).toContain("length");
    }
    const grounds = painted;
    model.set("start", [-1, -0.5]);
    runFrames();
    expect(hook("strip-slerp").textContent).toContain("opposite directions");
    expect(hook("path-slerp").parentElement!.getAttribute("visibility")).toBe("hidden");
    expect(painted).toBe(grounds);
  });

  it("spaces the samples as asked", () => {
    const { model, hook } = mounted();
    const places = () => Array.from(hook("path-straight").parentElement!.querySelectorAll("circle"), (dot) => Number(dot.getAttribute("cx")));
    const own = places();
    const steps = (xs: number[]) => xs.slice(1).map((x, k) => x - xs[k]);
    expect(Math.max(...steps(own)) - Math.min(...steps(own))).toBeLessThan(0.25);
    model.set("spacing", "measure");
    runFrames();
    // the metric grows from left to right, and with it the number of steps
    expect(steps(places())[0]).toBeGreaterThan(1.3 * steps(places()).at(-1)!);
    expect((hook("spacing") as HTMLSelectElement).value).toBe("measure");
    expect(painted).toBe(1);
  });

  it("follows the number of samples", () => {
    const { model, hook } = mounted();
    model.set("n_samples", 7);
    runFrames();
    expect((hook("samples") as HTMLInputElement).value).toBe("7");
    expect(hook("path-geodesic").parentElement!.querySelectorAll("circle")).toHaveLength(7);
    expect(painted).toBe(1);
  });

  it("takes back the last change, step by step", () => {
    const { model, hook } = mounted();
    const undo = hook("undo") as HTMLButtonElement;
    expect(undo.disabled).toBe(true);
    const box = hook("show-grid") as HTMLInputElement;
    box.click();
    const stretch = hook("stretch") as HTMLInputElement;
    for (const value of ["0.2", "0.4", "0.6"]) {
      stretch.value = value;
      stretch.dispatchEvent(new Event("input"));
    }
    expect(model.get("stretch")).toBe(0.6);
    undo.click();
    expect(model.get("stretch")).toBe(0);
    expect(model.get("show").grid).toBe(true);
    hook("stretch").dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true }));
    expect(model.get("show").grid).toBe(false);
    expect(undo.disabled).toBe(true);
  });

  it("shows the part of the map that the trait names, and tells the trait of what it shows", () => {
    const { model, hook } = mounted();
    expect(hook("zoom-reset").textContent).toBe("1×");
    model.set("view", [0, 1, 0, 1]);
    runFrames();
    expect(hook("zoom-reset").textContent).toBe("4×");
    (hook("zoom-reset") as HTMLButtonElement).click();
    runFrames();
    expect(model.get("view")).toBeNull();
    (hook("zoom-in") as HTMLButtonElement).click();
    expect(model.get("view")![1] - model.get("view")![0]).toBeCloseTo(4 / 1.5, 9);
  });
});
