/** The two ends of the paths as handles: dragged by the pointer, moved by the arrow keys. */

import type { End, Extent, Point } from "../types";

const KEYS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** Parts of the extent by which a key moves an end, and with Shift. */
const STEP = 0.01;
const FAR_STEP = 0.1;

export interface HandleHost {
  extent: Extent;
  /** Where an end is now; null before anything is drawn. */
  at(end: End): Point | null;
  /** The plane point under a pointer that holds a handle off its centre by so many pixels. */
  under(event: PointerEvent, grip: Point): Point | null;
  /** `done` when the end is let go. */
  drag(end: End, to: Point, done: boolean): void;
}

export function enableHandles(handles: Record<End, SVGGElement>, host: HandleHost): void {
  for (const end of ["start", "end"] as const) {
    enableDragging(handles[end], end, host);
    enableKeys(handles[end], end, host);
  }
}

function enableDragging(handle: SVGGElement, end: End, host: HandleHost): void {
  let grip: Point | null = null;
  let moved = false;
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const box = handle.getBoundingClientRect();
    grip = [event.clientX - (box.left + box.width / 2), event.clientY - (box.top + box.height / 2)];
    moved = false;
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    const to = grip && host.under(event, grip);
    if (!to) return;
    moved = true;
    host.drag(end, to, false);
  });
  const release = (event: PointerEvent): void => {
    const to = grip && host.under(event, grip);
    grip = null;
    if (to && moved) host.drag(end, to, true);
  };
  handle.addEventListener("pointerup", release);
  handle.addEventListener("pointercancel", release);
}

function enableKeys(handle: SVGGElement, end: End, host: HandleHost): void {
  handle.addEventListener("keydown", (event) => {
    const way = KEYS[event.key] as Point | undefined;
    const at = host.at(end);
    if (!way || !at) return;
    const [x0, x1, y0, y1] = host.extent;
    const step = event.shiftKey ? FAR_STEP : STEP;
    const to: Point = [
      Math.min(Math.max(at[0] + way[0] * step * (x1 - x0), x0), x1),
      Math.min(Math.max(at[1] + way[1] * step * (y1 - y0), y0), y1),
    ];
    host.drag(end, to, true);
    event.preventDefault();
    // the notebook has shortcuts of its own on the arrow keys
    event.stopPropagation();
  });
}
