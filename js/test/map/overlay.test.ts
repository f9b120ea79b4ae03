import { describe, expect, it } from "vitest";
import { flatMesh } from "../../src/field/mesh";
import { createOverlay } from "../../src/map/overlay";
import { toPage, toPixels, type Scene } from "../../src/map/scene";
import { LIGHT } from "../../src/style/colour";
import { polyline } from "../../src/style/dom";

function sceneOf(extent: [number, number, number, number], label = "x"): Scene {
  const [x0, x1, y0, y1] = extent;
  return {
    width: 400,
    height: 200,
    mesh: flatMesh(extent, [8, 8]),
    page: extent,
    free: false,
    pane: extent,
    axes: [label, "y"],
    shown: { points: true, thumbnails: false, grid: true, contours: false, ellipses: false, straight: true, geodesic: true, slerp: false, stretched: false },
    start: [x0, y0],
    end: [x1, y1],
    paths: { straight: Float64Array.from(extent.length ? [x0, y0, x1, y1] : []) },
    markers: {},
  samples: { straight: Float64Array.from([x0, y0, x1, y1]) },
  };
}

describe("pixels", () => {
  it("have y up and come back", () => {
    const scene = sceneOf([0, 2, -1, 1]);
    expect(Array.from(toPixels(scene, [0, -1, 1, 1]))).toEqual([0, 200, 200, 0]);
    expect(toPage(scene, 100, 50)).toEqual([0.5, 0.5]);
    expect(polyline([0, 1, 2.06, 3])).toBe("M0.0 1.0L2.1 3.0");
  });
});

describe("overlay", () => {
  it("draws paths, samples and handles in place", () => {
    const overlay = createOverlay();
    overlay.update(sceneOf([0, 2, -1, 1]), LIGHT);
    expect(overlay.element.querySelector('[data-lw="path-straight"]')!.getAttribute("d")).toBe("M0.0 200.0L400.0 0.0");
    expect(overlay.handles.end.getAttribute("transform")).toBe("translate(400.0 0.0)");
    expect(overlay.handles.end.getAttribute("role")).toBe("slider");
    expect(overlay.handles.start.getAttribute("aria-valuetext")).toBe("x 0.00, y -1.00");
    overlay.update({ ...sceneOf([0, 2, -1, 1]), samples: {} }, LIGHT);
    expect(overlay.element.querySelectorAll("g[fill=none] circle")).toHaveLength(0);
  });

  it.each([
    [[0, 1e-6, 0, 2e-6]],
    [[-1e6, 1e6, 0, 5e5]],
    [[100000, 100001, 0, 1]],
  ] as [[number, number, number, number]][])("labels an extent of %j without crowding", (extent) => {
    const overlay = createOverlay();
    overlay.update(sceneOf(extent), LIGHT);
    const texts = Array.from(overlay.element.querySelectorAll("g[pointer-events=none] text"));
    const across = texts.filter((t) => t.getAttribute("text-anchor") === "middle" && t.hasAttribute("x"));
    const places = across.map((t) => Number(t.getAttribute("x"))).slice(0, -1);
    expect(places.length).toBeGreaterThan(1);
    places.slice(1).forEach((x, k) => expect(x - places[k]).toBeGreaterThanOrEqual(30));
    expect(new Set(across.map((t) => t.textContent)).size).toBe(across.length);
  });

  it("follows the part that is seen: finer ticks, clipped lines, handles at the border", () => {
    const overlay = createOverlay();
    const scene = sceneOf([0, 2, -1, 1]);
    overlay.update({ ...scene, pane: [0.5, 0.6, 0, 0.1] }, LIGHT);
    const ticks = Array.from(overlay.element.querySelectorAll("g[pointer-events=none] text[y]"));
    const read = (tick: Element) => [Number(tick.textContent), Number(tick.getAttribute("x"))] as const;
    const across = ticks.filter((tick) => tick.getAttribute("text-anchor") === "middle").slice(0, -1).map(read);
    expect(across.length).toBeGreaterThan(3);
    for (const [value, x] of across) expect(x).toBeCloseTo(46 + ((value - 0.5) / 0.1) * 400, 6);
    expect(overlay.element.querySelector("svg")!.getAttribute("overflow")).toBe("hidden");
    expect(overlay.handles.start.getAttribute("transform")).toBe("translate(0.0 200.0)");
    expect(overlay.handles.start.getAttribute("opacity")).toBe("0.5");
    overlay.update(scene, LIGHT);
    expect(overlay.handles.start.getAttribute("opacity")).toBe("1");
  });

  it("puts ticks where the stretched lines of the plane meet the edge", () => {
    const overlay = createOverlay();
    const scene = sceneOf([0, 1, 0, 1]);
    const corners = scene.mesh.corners.map((v, k) => (k % 2 === 0 ? v * v : v));
    overlay.update({ ...scene, mesh: { ...scene.mesh, corners }, pane: [0.25, 0.75, 0.25, 0.75] }, LIGHT);
    const texts = Array.from(overlay.element.querySelectorAll("g[pointer-events=none] text"));
    const tick = texts.find((t) => t.textContent === "0.7" && t.getAttribute("text-anchor") === "middle")!;
    // the corners go to their squares, and within a cell the page is linear in the plane
    const there = 0.4 * 0.625 ** 2 + 0.6 * 0.75 ** 2;
    expect(Number(tick.getAttribute("x"))).toBeCloseTo(46 + ((there - 0.25) / 0.5) * 400, 6);
  });

  it("writes names as text", () => {
    const overlay = createOverlay();
    overlay.update(sceneOf([0, 1, 0, 1], "<script>alert(1)</script>"), LIGHT);
    expect(overlay.element.querySelector("script")).toBeNull();
    expect(overlay.element.textContent).toContain("latent <script>alert(1)</script>");
  });
});
