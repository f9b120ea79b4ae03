/**
 * Looking closer: which part of the page is seen, and the wheel, pointer, keys and buttons that change it.
 *
 * Hooks for tests: data-lw = "zoom-in", "zoom-out", "zoom-reset".
 */

import { set } from "../style/dom";
import type { Extent, Point } from "../types";

/** A cell of a 128² map is then as wide as a thumbnail. */
export const CLOSEST = 32;

/** How many times closer than the whole map. */
export function closeness(pane: Extent, extent: Extent): number {
  return (extent[1] - extent[0]) / (pane[1] - pane[0]);
}

/** Looks `factor` times closer with the page point `at` staying where it is; never beyond the map's border. */
export function zoom(pane: Extent, extent: Extent, factor: number, at: Point = centre(pane)): Extent {
  const now = closeness(pane, extent);
  const wanted = Math.min(Math.max(now * factor, 1), CLOSEST);
  if (wanted < 1.0001) return extent;
  const by = now / wanted;
  const [x0, x1, y0, y1] = pane;
  return shiftInside(
    [at[0] + (x0 - at[0]) * by, at[0] + (x1 - at[0]) * by, at[1] + (y0 - at[1]) * by, at[1] + (y1 - at[1]) * by],
    extent,
  );
}

export function pan([x0, x1, y0, y1]: Extent, extent: Extent, dx: number, dy: number): Extent {
  return shiftInside([x0 + dx, x1 + dx, y0 + dy, y1 + dy], extent);
}

function centre([x0, x1, y0, y1]: Extent): Point {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

function shiftInside([x0, x1, y0, y1]: Extent, extent: Extent): Extent {
  const shift = (low: number, high: number, first: number, last: number) => Math.max(first - low, 0) + Math.min(last - high, 0);
  const dx = shift(x0, x1, extent[0], extent[1]);
  const dy = shift(y0, y1, extent[2], extent[3]);
  return [x0 + dx, x1 + dx, y0 + dy, y1 + dy];
}

/** A part of the map as it can be shown: within the map, of its proportions, not closer than is allowed. */
export function fitPane(wanted: Extent | null, extent: Extent): Extent {
  if (!wanted) return extent;
  const [wide, tall] = [extent[1] - extent[0], extent[3] - extent[2]];
  const part = Math.max((wanted[1] - wanted[0]) / wide, (wanted[3] - wanted[2]) / tall, 1 / CLOSEST);
  if (!(part < 0.9999)) return extent;
  const [x, y] = centre(wanted);
  return shiftInside([x - (part * wide) / 2, x + (part * wide) / 2, y - (part * tall) / 2, y + (part * tall) / 2], extent);
}

/** What the gestures are made on. */
export interface Stage {
  /** The whole map, in plane units of the page. */
  extent: Extent;
  /** The part of it that is seen now. */
  pane(): Extent;
  /** The page point under a pointer, or null off the plot. */
  at(event: Spot): Point | null;
  look(pane: Extent): void;
}

/** Zooming by something else than a gesture. */
export interface Zoom {
  by(factor: number): void;
  reset(): void;
}

/** Where something is on the screen. */
export type Spot = Pick<MouseEvent, "clientX" | "clientY">;

export const STEP = 1.5;

/** Lets `surface` be zoomed and dragged; a wheel without Ctrl or ⌘ does it only once the map itself has the focus. */
export function enableZoom(surface: SVGSVGElement, stage: Stage): Zoom {
  set(surface, { tabindex: 0, role: "group", "aria-label": "map: + and − zoom, 0 shows all, arrow keys move" });
  let held: { pointer: number; from: Point } | null = null;
  const by = (factor: number, at?: Point) => stage.look(zoom(stage.pane(), stage.extent, factor, at));
  const reset = () => stage.look(stage.extent);
  const close = () => closeness(stage.pane(), stage.extent) > 1;
  const onMap = (event: Event) => !(event.target as Element).closest(".lw-handle");

  surface.addEventListener(
    "wheel",
    (event) => {
      const wanted = event.ctrlKey || event.metaKey || hasFocus(surface);
      const at = stage.at(event);
      // at the end of the way out the page scrolls again
      if (!wanted || !at || (event.deltaY > 0 && !close() && !event.ctrlKey)) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      by(2 ** (-Math.min(Math.max(event.deltaY * lines, -120), 120) / 200), at);
    },
    { passive: false },
  );
  enablePinch(surface, stage, onMap, () => {
    // the first of two fingers may have begun to drag the map
    held = null;
    surface.classList.remove("lw-panning");
  });
  surface.addEventListener("pointerdown", (event) => {
    const at = stage.at(event);
    if (event.button !== 0 || (event.pointerType === "touch" && !event.isPrimary) || !at || !onMap(event) || !close()) return;
    held = { pointer: event.pointerId, from: at };
    surface.setPointerCapture(event.pointerId);
    surface.classList.add("lw-panning");
  });
  surface.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.pointer) return;
    const at = stage.at(event);
    if (at) stage.look(pan(stage.pane(), stage.extent, held.from[0] - at[0], held.from[1] - at[1]));
  });
  const release = () => {
    held = null;
    surface.classList.remove("lw-panning");
  };
  surface.addEventListener("pointerup", release);
  surface.addEventListener("pointercancel", release);
  surface.addEventListener("dblclick", (event) => {
    const at = stage.at(event);
    if (at && onMap(event)) by(event.shiftKey ? 0.5 : 2, at);
  });
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = PANS[event.key];
    if (event.key === "+" || event.key === "=") by(STEP);
    else if (event.key === "-") by(1 / STEP);
    else if (event.key === "0") reset();
    else if (way && onMap(event) && close()) {
      const [x0, x1, y0, y1] = stage.pane();
      stage.look(pan([x0, x1, y0, y1], stage.extent, 0.1 * way[0] * (x1 - x0), 0.1 * way[1] * (y1 - y0)));
    } else return;
    event.preventDefault();
    // notebooks have shortcuts of their own on these keys
    event.stopPropagation();
  });
  return { by, reset };
}

/** Two fingers zoom by their distance and move the map by their middle; `begin` is called when the second comes down. */
function enablePinch(surface: SVGSVGElement, stage: Stage, onMap: (event: Event) => boolean, begin: () => void): void {
  const fingers = new Map<number, Spot>();
  surface.addEventListener(
    "touchstart",
    // else the browser takes two fingers for itself
    (event) => event.touches.length > 1 && event.preventDefault(),
    { passive: false },
  );
  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || !onMap(event) || fingers.size === 2) return;
    fingers.set(event.pointerId, event);
    if (fingers.size < 2) return;
    for (const finger of fingers.keys()) surface.setPointerCapture(finger);
    begin();
  });
  surface.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, event);
    if (fingers.size < 2) return;
    const [from, to] = [spread(before), spread([...fingers.values()])];
    const [was, now] = [stage.at(from.middle), stage.at(to.middle)];
    if (!was || !now || !(from.apart > 0)) return;
    const closer = zoom(stage.pane(), stage.extent, to.apart / from.apart, now);
    stage.look(closer === stage.extent ? closer : pan(closer, stage.extent, was[0] - now[0], was[1] - now[1]));
  });
  const lift = (event: PointerEvent) => void fingers.delete(event.pointerId);
  surface.addEventListener("pointerup", lift);
  surface.addEventListener("pointercancel", lift);
}

function spread([a, b]: Spot[]): { middle: Spot; apart: number } {
  const middle = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
  return { middle, apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
}

/** True where the map itself, not one of its handles, has the focus. */
function hasFocus(surface: Element): boolean {
  return (surface.getRootNode() as Document | ShadowRoot).activeElement === surface;
}

const PANS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
