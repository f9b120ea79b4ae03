/** When a view is drawn again: at most once a frame, and only the parts that changed. */

/**
 * The map (colours, points, thumbnails, axes) is by far the slowest to paint, and stays while an end is dragged: then only the
 * lines are drawn. Markers move over lines and strips that stay.
 */
export type Part = "map" | "lines" | "panel" | "strips" | "markers";

export interface Frames {
  schedule(...parts: Part[]): void;
  close(): void;
}

/** Calls `render` in the next frame with the parts that were scheduled; they wait for a frame in which the view is `visible`. */
export function createFrames(visible: () => boolean, render: (now: number, takeParts: () => Set<Part>) => void): Frames {
  const waiting = new Set<Part>();
  let frame = 0;

  function takeParts(): Set<Part> {
    const parts = new Set(waiting);
    waiting.clear();
    return parts;
  }

  function run(now: number): void {
    frame = 0;
    if (visible()) render(now, takeParts);
  }

  return {
    schedule(...parts) {
      for (const part of parts) waiting.add(part);
      frame ||= requestAnimationFrame(run);
    },
    close: () => cancelAnimationFrame(frame),
  };
}
