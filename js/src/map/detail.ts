/** Thumbnails in full detail: once a closer look has come to rest, the kernel decodes exactly the places that are shown. */

import { createDecodeRequests } from "../model/decode_requests";
import type { Pictures } from "../model/sprites";
import type { Model, Point } from "../types";

/** Milliseconds of rest before the kernel is asked. */
const REST = 250;

export interface Detail {
  /** Plane points x0, y0, … whose pictures are shown from the sheet, or null for none. */
  request(points: Float64Array | null): void;
  close(): void;
}

export function createDetail(model: Model, arrived: (points: Float64Array, pictures: Pictures) => void): Detail {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: Float64Array | null = null;
  // a kernel without the model says so once, and is not asked again
  let refused = false;
  const kernel = createDecodeRequests<"map">(model, (answer) => {
    if ("error" in answer) refused = true;
    else if (asked) arrived(asked, answer.pictures.get("map")!);
  });
  return {
    request(points) {
      clearTimeout(timer);
      kernel.drop();
      if (!points || refused) return;
      timer = setTimeout(() => {
        asked = points;
        kernel.ask([{ kind: "map", points: Array.from({ length: points.length / 2 }, (_, k): Point => [points[2 * k], points[2 * k + 1]]) }]);
      }, REST);
    },
    close() {
      clearTimeout(timer);
      kernel.close();
    },
  };
}
