/** The race between the two handles: the paths, where each is sampled, what is decoded there, and how far a walk has come. */

import { toFractions } from "../field/mesh";
import type { Scene } from "../map/scene";
import type { Atlas } from "../model/atlas";
import { createDecodeRequests } from "../model/decode_requests";
import { KINDS, spacingOf } from "../model/path_kinds";
import { blendPreviews, type Pictures } from "../model/sprites";
import type { End, MetricField, Model, PathKind, Point, Shown, Spacing } from "../types";
import { measureLine, straight, type Path } from "./geodesic";
import { slerp, stretched, type StretchedMap } from "./lines";
import { createLiveGeodesic, samplePath } from "./live";
import { PIECES, placeAt, speedAt, speeds } from "./speed";

/** A path as it is walked: evenly sampled points, and how fast the decoded output changes between them. */
export interface Track {
  points: Float64Array;
  speeds: Float64Array;
}

export interface Paths {
  /** Why the pictures are not the model's own, where they should be. */
  readonly note: string;
  /** Whether the geodesic is final: neither in a hand nor still with the worker. */
  readonly final: boolean;
  /** Lays the paths that are shown, and always the geodesic; `resting` is the end that does not move, null where none does. */
  find(field: MetricField, start: Point, end: Point, resting: End | null, shown: Shown): void;
  /** Whether every path that is shown took part in the last run. */
  covers(shown: Shown): boolean;
  /** The stretched map has changed. */
  useMap(map: StretchedMap): void;
  /** Samples the paths; where they are final, the kernel is asked for the exact pictures. */
  sample(field: MetricField, count: number, spacing: Spacing): void;
  /** Where a walk is now, from 0 to 1; null when it is over. */
  moveMarkers(t: number | null): void;
  length(kind: PathKind): number;
  /** Why there is no such path, where there is none. */
  missing(kind: PathKind): string | undefined;
  track(kind: PathKind): Track | undefined;
  /** Number of samples along a path. */
  count(kind: PathKind): number;
  marker(kind: PathKind): { t: number | null; speed: number };
  pictures(kind: PathKind): { pictures: Pictures | null; preview: boolean };
  /** What the map shows of it. */
  drawing(): Pick<Scene, "paths" | "samples" | "markers">;
  close(): void;
}

/** Calls `pictured` when the kernel's pictures have come, or the reason why there are none, and `refined` when the geodesic is to be found again. */
export function createPaths(model: Model, atlas: Atlas, pictured: () => void, refined: () => void): Paths {
  let lines: Partial<Record<PathKind, Path>> = {};
  let missing: Partial<Record<PathKind, string>> = {};
  let runners: PathKind[] = [];
  let map: StretchedMap | null = null;
  let samples: Partial<Record<PathKind, Float64Array>> = {};
  let tracks: Partial<Record<PathKind, Track>> = {};
  let at: number | null = null;
  let exact: Map<PathKind, Pictures> | null = null;
  let note = "";
  let final = false;
  const walk = createLiveGeodesic(refined);
  const kernel = createDecodeRequests(model, (answer) => {
    if ("error" in answer) note = answer.error;
    else {
      exact = answer.pictures;
      note = "";
    }
    pictured();
  });

  function addLine(kind: PathKind, field: MetricField, points: Float64Array | string, straightLength: number): void {
    if (typeof points === "string") missing[kind] = points;
    else lines[kind] = measureLine(field, points, straightLength);
  }

  return {
    get final() {
      return final;
    },
    get note() {
      return note;
    },
    find(field, start, end, resting, shown) {
      runners = KINDS.filter((kind) => shown[kind]);
      missing = {};
      const line = straight(field, start, end);
      const found = walk.geodesic(field, start, end, resting);
      lines = { geodesic: found.path };
      final = found.final && resting === null;
      if (shown.straight) lines.straight = line;
      if (shown.slerp) addLine("slerp", field, slerp(atlas.around, atlas.extent, start, end), line.length);
      if (shown.stretched) {
        addLine("stretched", field, map ? stretched(map, start, end) : "the map has not been stretched", line.length);
      }
    },
    covers: (shown) => KINDS.every((kind) => !shown[kind] || runners.includes(kind)),
    useMap(stretched) {
      map = stretched;
    },
    sample(field, count, spacing) {
      samples = {};
      tracks = {};
      for (const kind of KINDS) {
        const path = lines[kind];
        if (!path) continue;
        const by = spacingOf(kind, spacing);
        samples[kind] = samplePath(field, by, path, count);
        const points = samplePath(field, by, path, PIECES + 1);
        tracks[kind] = { points, speeds: speeds(field, points) };
      }
      exact = null;
      kernel.drop();
      const wanted = runners.flatMap((kind) => (samples[kind] ? [{ kind, points: pairs(samples[kind]) }] : []));
      if (final && wanted.length > 0) kernel.ask(wanted);
    },
    moveMarkers(t) {
      at = t;
    },
    length: (kind) => lines[kind]?.length ?? 0,
    missing: (kind) => missing[kind],
    track: (kind) => tracks[kind],
    count: (kind) => (samples[kind]?.length ?? 0) / 2,
    marker: (kind) => ({ t: at, speed: tracks[kind] ? speedAt(tracks[kind].speeds, at ?? 0) : 1 }),
    pictures(kind) {
      const decoded = exact?.get(kind);
      if (decoded) return { pictures: decoded, preview: false };
      const places = samples[kind];
      if (!atlas.sprites || !places) return { pictures: null, preview: true };
      return { pictures: blendPreviews(atlas.sprites, toFractions(places, atlas)), preview: true };
    },
    drawing() {
      const paths: Scene["paths"] = {};
      const markers: Scene["markers"] = {};
      for (const kind of KINDS) {
        if (lines[kind]) paths[kind] = lines[kind].points;
        if (at !== null && tracks[kind]) markers[kind] = placeAt(tracks[kind].points, at);
      }
      return { paths, samples, markers };
    },
    close() {
      kernel.close();
      walk.close();
    },
  };
}

function pairs(points: Float64Array): Point[] {
  return Array.from({ length: points.length / 2 }, (_, k): Point => [points[2 * k]!, points[2 * k + 1]!]);
}
