/** A model without a kernel, for pages that stand alone: it holds the exported traits and tells its views of changes. */

import type { MapMethod, Model, Traits } from "../types";

/** Traits as the page holds them, arrays as base64 text; and under `maps` the other maps that can be chosen, by method. */
export type Packed = Record<string, unknown>;

const STALE_MAP = "The stretched map is still that of the measures as exported; to stretch it anew, run the widget in Python";

export function createOfflineModel(state: Packed): Model {
  const { maps: exported, ...values } = decodeBase64(state) as Traits & { maps?: Partial<Record<MapMethod, Traits["_map"]>> };
  const maps = { ...exported, [values.map_method]: values._map };
  const asExported = mixture(values);
  const listeners = new Map<string, Set<(...args: never[]) => void>>();

  function put<K extends keyof Traits>(name: K, value: Traits[K]): void {
    values[name] = value;
    for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
  }

  return {
    offline: true,
    maps: Object.keys(maps) as MapMethod[],
    get: (name) => values[name],
    set(name, value) {
      put(name, value);
      const map = name === "map_method" && maps[value as MapMethod];
      if (map) put("_map", map);
      if (!MIXING.includes(name)) return;
      const same = mixture(values) === asExported;
      put("_status", same ? { state: "ready", message: "" } : { state: "warning", message: STALE_MAP });
    },
    save_changes: () => undefined,
    on(event, callback) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event)!.add(callback);
    },
    off: (event, callback) => void listeners.get(event)?.delete(callback),
    // nobody decodes here: the film strips show previews from the thumbnails
    send: () => undefined,
  };
}

/** Traits on which the stretched map depends. */
const MIXING: (keyof Traits)[] = ["weights", "temper", "smoothing"];

function mixture({ weights, temper, smoothing }: Traits): string {
  return JSON.stringify([Object.entries(weights).sort(), temper, smoothing]);
}

/** Puts bytes back in the place of {dtype, shape, base64}, at any depth. */
export function decodeBase64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeBase64);
  if (value === null || typeof value !== "object") return value;
  const { base64, ...rest } = value as Packed;
  if (typeof base64 === "string") {
    const text = atob(base64);
    return { ...rest, buffer: Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer };
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, decodeBase64(inner)]));
}
