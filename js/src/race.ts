/** The race between the two handles: the paths, where each is sampled, what is decoded there, and how far a walk has come. */

import type { Atlas } from "./atlas";
import type { Path } from "./geodesic";
import { decodes } from "./kernel";
import { BEATS, pace, paceAt, placeAt } from "./pace";
import { previews, type Pictures } from "./pictures";
import { fractions } from "./readout";
import type { End, Scene } from "./scene";
import type { MetricField } from "./spline";
import type { Model, PathKind, Point } from "./types";
import { sampled, walker } from "./walk";

export const KINDS: PathKind[] = ["geodesic", "straight"];

/** A path as it is walked: evenly sampled points, and how fast the decoded output changes between them. */
export interface Track {
  points: Float64Array;
  paces: Float64Array;
}

export interface Race {
  /** Why the pictures are not the model's own, where they should be. */
  readonly note: string;
  /** Lays every path anew; `resting` is the end that does not move, from which a march is reused. */
  run(field: MetricField, start: Point, end: Point, resting: End): void;
  /** Samples the paths; where they have settled, the kernel is asked for the exact pictures. */
  sample(field: MetricField, count: number, settled: boolean): void;
  /** Where a walk is now, from 0 to 1; null when it is over. */
  walk(t: number | null): void;
  length(kind: PathKind): number;
  track(kind: PathKind): Track | undefined;
  /** Number of samples along a path. */
  count(kind: PathKind): number;
  walked(kind: PathKind): { t: number | null; speed: number };
  pictures(kind: PathKind): { pictures: Pictures | null; preview: boolean };
  /** What the map shows of it. */
  drawn(): Pick<Scene, "paths" | "samples" | "markers">;
  close(): void;
}

/** Calls `arrived` when the kernel's pictures have come, or the reason why there are none. */
export function createRace(model: Model, atlas: Atlas, arrived: () => void): Race {
  let lines: Partial<Record<PathKind, Path>> = {};
  let samples: Partial<Record<PathKind, Float64Array>> = {};
  let tracks: Partial<Record<PathKind, Track>> = {};
  let at: number | null = null;
  let exact: Map<PathKind, Pictures> | null = null;
  let note = "";
  const walk = walker();
  const kernel = decodes(model, (answer) => {
    if ("error" in answer) note = answer.error;
    else {
      exact = answer.pictures;
      note = "";
    }
    arrived();
  });

  return {
    get note() {
      return note;
    },
    run(field, start, end, resting) {
      lines = { ...walk.lines(field, start, end, resting) };
    },
    sample(field, count, settled) {
      samples = {};
      tracks = {};
      for (const kind of KINDS) {
        const path = lines[kind];
        if (!path) continue;
        samples[kind] = sampled(field, kind, path, count);
        const points = sampled(field, kind, path, BEATS + 1);
        tracks[kind] = { points, paces: pace(field, points) };
      }
      exact = null;
      kernel.drop();
      if (settled) kernel.ask(KINDS.map((kind) => ({ kind, points: pairs(samples[kind] ?? new Float64Array()) })));
    },
    walk(t) {
      at = t;
    },
    length: (kind) => lines[kind]?.length ?? 0,
    track: (kind) => tracks[kind],
    count: (kind) => (samples[kind]?.length ?? 0) / 2,
    walked: (kind) => ({ t: at, speed: tracks[kind] ? paceAt(tracks[kind].paces, at ?? 0) : 1 }),
    pictures(kind) {
      const decoded = exact?.get(kind);
      if (decoded) return { pictures: decoded, preview: false };
      const places = samples[kind];
      if (!atlas.sprites || !places) return { pictures: null, preview: true };
      return { pictures: previews(atlas.sprites, fractions(places, atlas)), preview: true };
    },
    drawn() {
      const paths: Scene["paths"] = {};
      const markers: Scene["markers"] = {};
      for (const kind of KINDS) {
        if (lines[kind]) paths[kind] = lines[kind].points;
        if (at !== null && tracks[kind]) markers[kind] = placeAt(tracks[kind].points, at);
      }
      return { paths, samples, markers };
    },
    close: () => kernel.close(),
  };
}

function pairs(points: Float64Array): Point[] {
  return Array.from({ length: points.length / 2 }, (_, k): Point => [points[2 * k]!, points[2 * k + 1]!]);
}
