import { describe, expect, it, vi } from "vitest";
import { MAP_METHODS } from "../../src/model/map_methods";
import { createControls, sliderPosition, weightAt, type Choices } from "../../src/panels/controls";

const choices: Choices = {
  stretch: 0.25,
  method: "cartogram",
  areaWeight: 0.5,
  temper: 1,
  smoothing: 0,
  weights: { pullback: 1, "<img src=x onerror=alert(1)>": 0 },
  shares: { pullback: 1, "<img src=x onerror=alert(1)>": 0 },
  shown: { points: true, thumbnails: false, grid: false, contours: false, ellipses: false, straight: true, geodesic: true, slerp: false, stretched: false },
  samples: 10,
  spacing: "own",
  colour: "density",
  whyClosed: { density: "", label: "", area_error: "", standard_error: "nobody knows" },
};

const EVERYTHING = { points: true, thumbnails: true, kernel: true, maps: MAP_METHODS };

function setUp(has: Parameters<typeof createControls>[2] = EVERYTHING) {
  // a checkbox outside the document tells nobody that it was clicked
  const panel = document.createElement("div");
  document.body.replaceChildren(panel);
  const actions = {
    ...{ method: vi.fn(), areaWeight: vi.fn(), stretch: vi.fn(), temper: vi.fn(), smoothing: vi.fn(), weights: vi.fn(), show: vi.fn() },
    ...{ samples: vi.fn(), spacing: vi.fn(), save: vi.fn(), colour: vi.fn() },
  };
  const controls = createControls(panel, Object.keys(choices.weights), has, actions);
  controls.update(choices);
  const hook = (name: string, k = 0) => panel.querySelectorAll<HTMLInputElement>(`[data-lw="${name}"]`)[k];
  const slide = (input: HTMLInputElement, value: number) => {
    input.value = String(value);
    input.dispatchEvent(new Event("input"));
    input.dispatchEvent(new Event("change"));
  };
  return { panel, actions, controls, hook, slide };
}

describe("controls", () => {
  it("say why a colouring is not open", () => {
    const { hook } = setUp();
    const option = (value: string) => hook("colour-by").querySelector<HTMLOptionElement>(`[value=${value}]`)!;
    expect(option("label").disabled).toBe(false);
    expect(option("standard_error").disabled).toBe(true);
    expect(option("standard_error").title).toBe("nobody knows");
  });

  it("choose the map, which the slider names, and weigh areas for the isometric one alone", () => {
    const { controls, actions, hook, slide } = setUp();
    const weight = () => hook("area-weight").closest<HTMLElement>(".lw-slider")!;
    expect(hook("map-method").value).toBe("cartogram");
    expect(hook("map-method").closest("label")!.textContent).toMatch(/^Map /);
    expect(weight().hidden).toBe(true);
    hook("map-method").value = "isometric";
    hook("map-method").dispatchEvent(new Event("change"));
    expect(actions.method).toHaveBeenCalledWith("isometric");
    controls.update({ ...choices, method: "isometric", areaWeight: 0.3 });
    expect(hook("map-method").value).toBe("isometric");
    expect(hook("stretch").getAttribute("aria-valuetext")).toBe("25 % of the way from the latent space to the isometric map");
    expect(weight().hidden).toBe(false);
    expect(hook("area-weight").value).toBe("0.3");
    slide(hook("area-weight"), 0.8);
    expect(actions.areaWeight.mock.calls).toEqual([[0.8, false], [0.8, true]]);
  });

  it("offer no map that nobody can compute", () => {
    const { hook } = setUp({ ...EVERYTHING, kernel: false, maps: ["cartogram"] });
    const option = (value: string) => hook("map-method").querySelector<HTMLOptionElement>(`[value=${value}]`)!;
    expect(option("cartogram").disabled).toBe(false);
    expect(option("isometric").disabled).toBe(true);
    expect(option("isometric").title).toContain("Python");
    expect(option("distances").disabled).toBe(true);
    expect(hook("area-weight").disabled).toBe(true);
  });

  it("smooth by tenths of a cell", () => {
    const { hook, slide, actions } = setUp();
    slide(hook("smoothing"), 1.5);
    expect(actions.smoothing.mock.calls).toEqual([[1.5, false], [1.5, true]]);
    expect(hook("smoothing").closest("details")!.open).toBe(false);
  });

  it("show the choices", () => {
    const { hook } = setUp();
    expect(hook("stretch").value).toBe("0.25");
    expect(hook("measure-toggle").checked).toBe(true);
    expect(hook("measure-toggle", 1).checked).toBe(false);
    expect(hook("measure-weight", 1).disabled).toBe(true);
    expect(hook("show-thumbnails").checked).toBe(false);
    expect(hook("samples").value).toBe("10");
  });

  it("tell moves from letting go", () => {
    const { actions, hook, slide } = setUp();
    slide(hook("stretch"), 0.5);
    expect(actions.stretch.mock.calls).toEqual([
      [0.5, false],
      [0.5, true],
    ]);
    slide(hook("temper"), 0.3);
    expect(actions.temper).toHaveBeenLastCalledWith(0.3, true);
  });

  it("switch measures and remember the weight that they had", () => {
    const { actions, controls, hook, slide } = setUp();
    slide(hook("measure-weight"), 1);
    expect(actions.weights).toHaveBeenLastCalledWith({ ...choices.weights, pullback: 10 }, true);
    controls.update({ ...choices, weights: { ...choices.weights, pullback: 10 } });
    controls.update({ ...choices, weights: { ...choices.weights, pullback: 0 } });
    actions.weights.mockClear();
    hook("measure-toggle").click();
    expect(actions.weights).toHaveBeenLastCalledWith({ ...choices.weights, pullback: 10 }, true);
  });

  it("ask for a figure, for layers and for samples", () => {
    const { actions, hook } = setUp();
    hook("export-svg").click();
    hook("export-width").value = "3.5";
    hook("export-dpi").value = "600";
    hook("export-png").click();
    expect(actions.save.mock.calls).toEqual([
      ["svg", { width: 7, dpi: 300 }],
      ["png", { width: 3.5, dpi: 600 }],
    ]);
    // more than a browser paints
    hook("export-width").value = "40";
    hook("export-pdf").click();
    expect(actions.save).toHaveBeenCalledTimes(2);
    hook("show-grid").click();
    expect(actions.show).toHaveBeenCalledWith({ ...choices.shown, grid: true });
    hook("samples").value = "500";
    hook("samples").dispatchEvent(new Event("change"));
    expect(actions.samples).not.toHaveBeenCalled();
    hook("samples").value = "12";
    hook("samples").dispatchEvent(new Event("change"));
    expect(actions.samples).toHaveBeenCalledWith(12);
  });

  it("offer a PDF only where a kernel can write it, and say where else it is written", () => {
    expect(setUp().hook("export-pdf")).toBeDefined();
    const { hook } = setUp({ ...EVERYTHING, kernel: false });
    expect(hook("export-pdf")).toBeUndefined();
    expect(hook("export-png").parentElement!.title).toContain("w.save('figure.pdf')");
  });

  it("choose what the colours say", () => {
    const { actions, controls, hook } = setUp();
    expect(hook("colour-by").value).toBe("density");
    hook("colour-by").value = "area_error";
    hook("colour-by").dispatchEvent(new Event("change"));
    expect(actions.colour).toHaveBeenCalledWith("area_error");
    controls.update({ ...choices, colour: "area_error" });
    expect(hook("colour-by").value).toBe("area_error");
  });

  it("offer no layers that an atlas lacks", () => {
    const { hook } = setUp({ ...EVERYTHING, points: false, thumbnails: false });
    expect(hook("show-points")).toBeUndefined();
    expect(hook("show-grid")).toBeDefined();
  });

  it("set names as text, never as markup", () => {
    const { panel } = setUp();
    expect(panel.querySelector("img")).toBeNull();
    expect(panel.textContent).toContain("<img src=x onerror=alert(1)>");
  });

  it("have a name for every input", () => {
    const { panel } = setUp();
    for (const input of panel.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")) {
      const named = input.closest("label") ?? panel.querySelector(`label[for="${input.id}"]`) ?? input.getAttribute("aria-label");
      expect(named, input.outerHTML).toBeTruthy();
    }
  });
});

describe("weights on the slider", () => {
  it("run over six decades and back", () => {
    for (const weight of [0.001, 0.05, 1, 20, 1000]) expect(weightAt(sliderPosition(weight))).toBeCloseTo(weight, 6);
    expect(sliderPosition(1e9)).toBe(3);
  });
});
