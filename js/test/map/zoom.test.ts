import { describe, expect, it, vi } from "vitest";
import { closeness, CLOSEST, enableZoom, fitPane, pan, paneOf, transformOf, zoom } from "../../src/map/zoom";
import { createZoomButtons } from "../../src/panels/zoom_buttons";
import type { Extent } from "../../src/types";

const EXTENT: Extent = [-2, 2, 0, 1];

describe("looking closer", () => {
  it("keeps the point under the pointer where it is", () => {
    const pane = zoom(EXTENT, EXTENT, 4, [1, 0.25]);
    expect(pane).toEqual([0.25, 1.25, 0.1875, 0.4375]);
    expect((1 - pane[0]) / (pane[1] - pane[0])).toBeCloseTo((1 - EXTENT[0]) / 4);
    expect(closeness(pane, EXTENT)).toBe(4);
  });

  it("never leaves the map, and ends at the whole of it and at the closest", () => {
    expect(zoom([1, 2, 0.75, 1], EXTENT, 0.5, [1, 0.75])).toEqual([0, 2, 0.5, 1]);
    expect(zoom(EXTENT, EXTENT, 0.3)).toEqual(EXTENT);
    expect(closeness(zoom(EXTENT, EXTENT, 1e9), EXTENT)).toBeCloseTo(CLOSEST);
    expect(pan([0, 1, 0.5, 0.75], EXTENT, 50, -50)).toEqual([1, 2, 0, 0.25]);
  });
});

describe("a part that is asked for", () => {
  it("is shown whole, in the map's proportions, and within it", () => {
    expect(fitPane(null, EXTENT)).toBe(EXTENT);
    expect(fitPane([-2, 2, 0.2, 0.4], EXTENT)).toBe(EXTENT);
    expect(fitPane([0, 1, 0.5, 0.75], EXTENT)).toEqual([0, 1, 0.5, 0.75]);
    fitPane([1.9, 2, 0, 0.5], EXTENT).forEach((value, k) => expect(value).toBeCloseTo([0, 2, 0, 0.5][k], 9));
    expect(closeness(fitPane([0, 1e-9, 0, 1e-9], EXTENT), EXTENT)).toBeCloseTo(CLOSEST);
  });
});

function staged() {
  const surface = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  document.body.replaceChildren(surface);
  let pane = EXTENT;
  const look = vi.fn((wanted: Extent) => void (pane = wanted));
  const zoom = enableZoom(surface, {
    page: () => EXTENT,
    pane: () => pane,
    plot: () => ({ left: 0, top: 0, width: 100, height: 100 }),
    inPlot: ({ clientX, clientY }) => clientX >= 0 && clientX <= 100 && clientY >= 0 && clientY <= 100,
    look,
  });
  const wheel = (init: WheelEventInit) => {
    const event = new WheelEvent("wheel", { cancelable: true, bubbles: true, clientX: 50, clientY: 50, ...init });
    surface.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const key = (name: string) => surface.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  return { surface, look, zoom, wheel, key, pane: () => pane };
}

describe("the transform of a pane", () => {
  it("and back is the same pane, wherever the plot lies", () => {
    const plot = { left: 46, top: 10, width: 400, height: 100 };
    const pane: Extent = [0.5, 1.5, 0.25, 0.5];
    const transform = transformOf(pane, EXTENT, plot);
    // the pane's upper left corner stands in that of the plot
    expect(transform.apply([46 + (2.5 / 4) * 400, 10 + 0.5 * 100])).toEqual([46, 10]);
    paneOf(transform, EXTENT, plot).forEach((value, k) => expect(value).toBeCloseTo(pane[k], 12));
    expect(paneOf(transformOf(EXTENT, EXTENT, plot), EXTENT, plot)).toBe(EXTENT);
  });
});

describe("gestures", () => {
  it("leave the wheel to the page until the map has the focus or Ctrl is held", () => {
    const { surface, wheel, pane } = staged();
    expect(wheel({ deltaY: -100 })).toBe(false);
    expect(pane()).toEqual(EXTENT);
    expect(wheel({ deltaY: -100, ctrlKey: true })).toBe(true);
    expect(closeness(pane(), EXTENT)).toBeGreaterThan(1.3);
    surface.focus();
    expect(wheel({ deltaY: 120 })).toBe(true);
    expect(wheel({ deltaY: 120 })).toBe(false);
    expect(pane()).toEqual(EXTENT);
  });

  it("zoom, move and reset by keys", () => {
    const { key, pane } = staged();
    key("ArrowRight");
    expect(pane()).toEqual(EXTENT);
    key("+");
    key("+");
    const [x0, x1] = pane();
    expect(closeness(pane(), EXTENT)).toBeCloseTo(2.25);
    key("ArrowRight");
    expect(pane()[0]).toBeCloseTo(x0 + 0.1 * (x1 - x0));
    key("-");
    expect(closeness(pane(), EXTENT)).toBeCloseTo(1.5);
    key("0");
    expect(pane()).toEqual(EXTENT);
  });

  it("drag a map that is zoomed, with the point held under the pointer", () => {
    const { surface, zoom, look, pane } = staged();
    const move = (type: string, x: number) => {
      const event = new MouseEvent(type, { clientX: x, clientY: 50, bubbles: true });
      // d3-zoom follows the mouse on the event's window
      Object.defineProperty(event, "view", { value: window });
      (type === "mousedown" ? surface : window).dispatchEvent(event);
    };
    move("mousedown", 50);
    move("mousemove", 80);
    expect(look).not.toHaveBeenCalled();
    zoom.by(4);
    const before = pane();
    move("mousedown", 50);
    move("mousemove", 40);
    move("mousemove", 30);
    move("mouseup", 30);
    move("mousemove", 90);
    expect(pane()[0]).toBeCloseTo(before[0] + 0.2 * 1);
    expect(closeness(pane(), EXTENT)).toBeCloseTo(4);
  });

  it("come as buttons too", () => {
    const { zoom, pane } = staged();
    const host = document.createElement("div");
    const show = createZoomButtons(host, zoom);
    const button = (name: string) => host.querySelector<HTMLButtonElement>(`[data-lw=zoom-${name}]`)!;
    show(1);
    expect([button("in").disabled, button("out").disabled, button("reset").disabled]).toEqual([false, true, true]);
    button("in").click();
    show(closeness(pane(), EXTENT));
    expect(button("reset").textContent).toBe("1.5×");
    button("reset").click();
    expect(pane()).toEqual(EXTENT);
    show(CLOSEST);
    expect(button("in").disabled).toBe(true);
  });

  it("pinch and move by two fingers, the places under them staying under them", () => {
    const { surface, pane } = staged();
    const held = new Map<number, { identifier: number; clientX: number; clientY: number }>();
    const finger = (kind: string, id: number, x: number, y: number) => {
      const touch = { identifier: id, clientX: x, clientY: y };
      if (kind === "touchend") held.delete(id);
      else held.set(id, touch);
      const event = new Event(kind, { bubbles: true, cancelable: true });
      surface.dispatchEvent(Object.assign(event, { touches: [...held.values()], changedTouches: [touch], view: window }));
    };
    finger("touchstart", 1, 40, 50);
    finger("touchmove", 1, 44, 50);
    // one finger on the whole map scrolls the page
    expect(pane()).toEqual(EXTENT);
    finger("touchmove", 1, 40, 50);
    finger("touchstart", 2, 60, 50);
    finger("touchmove", 2, 80, 50);
    finger("touchmove", 1, 20, 50);
    expect(closeness(pane(), EXTENT)).toBeCloseTo(3, 9);
    expect((pane()[0] + pane()[1]) / 2).toBeCloseTo(0, 9);
    const before = pane();
    finger("touchmove", 1, 30, 50);
    finger("touchmove", 2, 90, 50);
    expect(closeness(pane(), EXTENT)).toBeCloseTo(3, 9);
    expect(pane()[0]).toBeCloseTo(before[0] - (0.1 * 4) / 3, 9);
    finger("touchend", 1, 30, 50);
    const [x0, x1] = pane();
    // the finger that stays goes on to drag
    finger("touchmove", 2, 80, 50);
    expect(pane()[0]).toBeCloseTo(x0 + 0.1 * (x1 - x0), 9);
    finger("touchend", 2, 80, 50);
    const left = pane();
    finger("touchmove", 2, 10, 10);
    expect(pane()).toEqual(left);
  });
});
