/** Looking closer: which part of the page is seen, and the wheel, pointer, touches and keys that change it, by d3-zoom. */

import { select } from "d3-selection";
import { zoom as createBehaviour, ZoomTransform } from "d3-zoom";
import { set } from "../style/dom";
import type { Extent, Point } from "../types";

/** A cell of a 128² map is then as wide as a thumbnail. */
export const CLOSEST = 32;
/** What is not closer than this is the whole page. */
const WHOLE = 1.0001;

export function isWhole(pane: Extent, page: Extent): boolean {
  return closeness(pane, page) < WHOLE;
}

/** How many times closer than the whole page. */
export function closeness(pane: Extent, page: Extent): number {
  return (page[1] - page[0]) / (pane[1] - pane[0]);
}

/** Looks `factor` times closer with the page point `at` staying where it is; never beyond the page's border. */
export function zoom(pane: Extent, page: Extent, factor: number, at: Point = centre(pane)): Extent {
  const now = closeness(pane, page);
  const wanted = Math.min(Math.max(now * factor, 1), CLOSEST);
  if (wanted < WHOLE) return page;
  const by = now / wanted;
  const [x0, x1, y0, y1] = pane;
  return shiftInside(
    [at[0] + (x0 - at[0]) * by, at[0] + (x1 - at[0]) * by, at[1] + (y0 - at[1]) * by, at[1] + (y1 - at[1]) * by],
    page,
  );
}

export function pan([x0, x1, y0, y1]: Extent, page: Extent, dx: number, dy: number): Extent {
  return shiftInside([x0 + dx, x1 + dx, y0 + dy, y1 + dy], page);
}

function centre([x0, x1, y0, y1]: Extent): Point {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

function shiftInside([x0, x1, y0, y1]: Extent, page: Extent): Extent {
  const shift = (low: number, high: number, first: number, last: number) => Math.max(first - low, 0) + Math.min(last - high, 0);
  const dx = shift(x0, x1, page[0], page[1]);
  const dy = shift(y0, y1, page[2], page[3]);
  return [x0 + dx, x1 + dx, y0 + dy, y1 + dy];
}

/** A part of the page as it can be shown: within the page, of its proportions, not closer than is allowed. */
export function fitPane(wanted: Extent | null, page: Extent): Extent {
  if (!wanted) return page;
  const [wide, tall] = [page[1] - page[0], page[3] - page[2]];
  const part = Math.max((wanted[1] - wanted[0]) / wide, (wanted[3] - wanted[2]) / tall, 1 / CLOSEST);
  if (!(part < 0.9999)) return page;
  const [x, y] = centre(wanted);
  return shiftInside([x - (part * wide) / 2, x + (part * wide) / 2, y - (part * tall) / 2, y + (part * tall) / 2], page);
}

/** The plot within the surface, in the surface's own pixels. */
export interface Plot {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What the gestures are made on. */
export interface Stage {
  /** The whole page, which grows and shrinks with the map on it. */
  page(): Extent;
  /** The part of it that is seen now. */
  pane(): Extent;
  plot(): Plot;
  /** Whether a pointer is on the plot. */
  inPlot(event: Spot): boolean;
  look(pane: Extent): void;
}

/** Zooming by something else than a gesture. */
export interface Zoom {
  by(factor: number): void;
  reset(): void;
}

/** Where something is on the screen. */
export type Spot = Pick<MouseEvent, "clientX" | "clientY">;

/** By how much keys and buttons zoom. */
export const STEP = 1.5;
/** Pixels of a wheel's line, the most that one turn counts for, and how many double the closeness. */
const WHEEL = { line: 16, most: 120, doubling: 200 };
/** Parts of what is seen by which an arrow key moves. */
const PAN_STEP = 0.1;

/** d3-zoom's transform that shows a pane: from the whole page's pixels to those of what is seen. */
export function transformOf(pane: Extent, page: Extent, { left, top, width, height }: Plot): ZoomTransform {
  const times = closeness(pane, page);
  const x = left + ((pane[0] - page[0]) / (page[1] - page[0])) * width;
  const y = top + ((page[3] - pane[3]) / (page[3] - page[2])) * height;
  return new ZoomTransform(times, left - times * x, top - times * y);
}

/** The pane that a transform shows. */
export function paneOf({ k, x, y }: ZoomTransform, page: Extent, { left, top, width, height }: Plot): Extent {
  if (k < WHOLE) return page;
  const [wide, tall] = [page[1] - page[0], page[3] - page[2]];
  const x0 = page[0] + (((left - x) / k - left) / width) * wide;
  const y1 = page[3] - (((top - y) / k - top) / height) * tall;
  return [x0, x0 + wide / k, y1 - tall / k, y1];
}

/** Lets `surface` be zoomed and dragged; a wheel without Ctrl or ⌘ does it only once the map itself has the focus. */
export function enableZoom(surface: SVGSVGElement, stage: Stage): Zoom {
  set(surface, { tabindex: 0, role: "group", "aria-label": "map: + and − zoom, 0 shows all, arrow keys move" });
  enableGestures(surface, stage);
  const by = (factor: number): void => stage.look(zoom(stage.pane(), stage.page(), factor));
  const reset = (): void => stage.look(stage.page());
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = PANS[event.key] as Point | undefined;
    if (event.key === "+" || event.key === "=") by(STEP);
    else if (event.key === "-") by(1 / STEP);
    else if (event.key === "0") reset();
    else if (way && onMap(event) && isClose(stage)) {
      const [x0, x1, y0, y1] = stage.pane();
      stage.look(pan([x0, x1, y0, y1], stage.page(), PAN_STEP * way[0] * (x1 - x0), PAN_STEP * way[1] * (y1 - y0)));
    } else return;
    event.preventDefault();
    // notebooks have shortcuts of their own on these keys
    event.stopPropagation();
  });
  return { by, reset };
}

/** Wheel, drag, double click and two fingers, by d3-zoom. */
function enableGestures(surface: SVGSVGElement, stage: Stage): void {
  const behaviour = createBehaviour<SVGSVGElement, unknown>();
  const corners = (): [Point, Point] => {
    const { left, top, width, height } = stage.plot();
    return [
      [left, top],
      [left + width, top + height],
    ];
  };
  const selection = select(surface);
  behaviour
    .scaleExtent([1, CLOSEST])
    .extent(corners)
    .duration(0)
    .touchable(true)
    // browsers make a double click of two taps by themselves
    .tapDistance(-1)
    .wheelDelta((event: WheelEvent) => {
      const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL.line : 1);
      return -Math.min(Math.max(turned, -WHEEL.most), WHEEL.most) / WHEEL.doubling;
    })
    .filter((event: MouseEvent | TouchEvent) => {
      if (!accepts(event, surface, stage)) return false;
      // the view may have changed by other means since the last gesture
      behaviour.translateExtent(corners());
      selection.property("__zoom", transformOf(stage.pane(), stage.page(), stage.plot()));
      return true;
    })
    .on("start", ({ sourceEvent }: Gesture) => {
      if (sourceEvent && sourceEvent.type !== "wheel") surface.classList.add("lw-panning");
    })
    .on("zoom", ({ sourceEvent, transform }: Gesture) => {
      if (sourceEvent) stage.look(paneOf(transform, stage.page(), stage.plot()));
    })
    .on("end", () => surface.classList.remove("lw-panning"));
  // also where nothing changes, at the closest: else the browser would zoom its page
  surface.addEventListener("wheel", (event) => accepts(event, surface, stage) && event.preventDefault(), { passive: false });
  // a gesture goes on without asking the filter, so that the first transform is needed too
  selection.call(behaviour);
}

interface Gesture {
  sourceEvent: Event | null;
  transform: ZoomTransform;
}

/** Which events begin a gesture. */
function accepts(event: MouseEvent | TouchEvent, surface: SVGSVGElement, stage: Stage): boolean {
  if (!onMap(event)) return event.type === "wheel" && acceptsWheel(event as WheelEvent, surface, stage);
  if ("touches" in event) return event.touches.length > 1 || (isClose(stage) && stage.inPlot(event.touches[0]));
  if (event.type === "wheel") return acceptsWheel(event as WheelEvent, surface, stage);
  if (!stage.inPlot(event)) return false;
  return event.type === "dblclick" || (event.button === 0 && isClose(stage));
}

/** At the end of the way out the page scrolls again. */
function acceptsWheel(event: WheelEvent, surface: SVGSVGElement, stage: Stage): boolean {
  const wanted = event.ctrlKey || event.metaKey || hasFocus(surface);
  return wanted && stage.inPlot(event) && (event.deltaY <= 0 || isClose(stage) || event.ctrlKey);
}

function onMap(event: Event): boolean {
  return !(event.target as Element).closest(".lw-handle");
}

function isClose(stage: Stage): boolean {
  return closeness(stage.pane(), stage.page()) > 1;
}

/** True where the map itself, not one of its handles, has the focus. */
function hasFocus(surface: Element): boolean {
  return (surface.getRootNode() as Document | ShadowRoot).activeElement === surface;
}

const PANS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
