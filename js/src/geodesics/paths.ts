/** The paths between the two handles: their lines, where each is sampled, what is decoded there, and where the markers are on them. */

import { toFractions } from "../field/mesh";
import type { Atlas } from "../model/atlas";
import { createDecodeRequests } from "../model/decode_requests";
import { KINDS, spacingOf } from "../model/path_kinds";
import { blendPreviews, type Pictures } from "../model/sprites";
import type { End, Model, PathKind, Point, Shown, Spacing } from "../types";
import type { Path } from "./geodesic";
import { measureLine, slerp, straight, stretched, type StretchedMap } from "./lines";
import { createLiveGeodesic } from "./live";
import type { EikonalProblem } from "./problem";
import { samplePath } from "./sampling";
import { PIECES, placeAt, speedAt, speedsAlong } from "./speed";

type ByKind<T> = Partial<Record<PathKind, T>>;

/** A path as its marker runs over it: evenly sampled points, and how fast the decoded output changes between them. */
export interface Track {
  points: Float64Array;
  speeds: Float64Array;
}

/** The two ends; `resting` is the one that does not move, null where none does. */
export interface Ends {
  start: Point;
  end: Point;
  resting: End | null;
}

/** What the map draws of the paths, in plane coordinates. */
export interface PathDrawing {
  paths: ByKind<Float64Array>;
  samples: ByKind<Float64Array>;
  markers: ByKind<Point>;
}

export interface Paths {
  /** Why the pictures are not the model's own, where they should be. */
  readonly note: string;
  /** Whether the geodesic is final: neither in a hand nor still being refined. */
  readonly final: boolean;
  /** Finds the paths that are shown, and always the geodesic. */
  find(problem: EikonalProblem, ends: Ends, shown: Shown): void;
  /** Whether every path that is shown was found the last time. */
  covers(shown: Shown): boolean;
  /** The stretched map has changed. */
  useMap(map: StretchedMap): void;
  /** Samples the paths; where they are final, the kernel is asked for the exact pictures. */
  sample(problem: EikonalProblem, count: number, spacing: Spacing): void;
  /** Moves the markers to fraction t of each path; null takes them away. */
  moveMarkers(t: number | null): void;
  length(kind: PathKind): number;
  /** Why there is no such path, where there is none. */
  missing(kind: PathKind): string | undefined;
  track(kind: PathKind): Track | undefined;
  /** Number of samples along a path. */
  count(kind: PathKind): number;
  marker(kind: PathKind): { t: number | null; speed: number };
  pictures(kind: PathKind): { pictures: Pictures | null; preview: boolean };
  drawing(): PathDrawing;
  close(): void;
}

/** Calls `pictured` when the kernel's pictures have come, or the reason why there are none, and `refined` when the geodesic is to be found again. */
export function createPaths(model: Model, atlas: Atlas, pictured: () => void, refined: () => void): Paths {
  let found: Lines = { paths: {}, missing: {}, kinds: [] };
  let final = false;
  let map: StretchedMap | null = null;
  let samples: ByKind<Float64Array> = {};
  let tracks: ByKind<Track> = {};
  let at: number | null = null;
  const live = createLiveGeodesic(refined);
  const decoded = createDecodedPaths(model, pictured);

  return {
    get final() {
      return final;
    },
    get note() {
      return decoded.note;
    },
    find(problem, { start, end, resting }, shown) {
      const geodesic = live.find(problem, start, end, resting);
      final = geodesic.final && resting === null;
      found = findLines(problem, atlas, map, { start, end }, shown);
      found.paths.geodesic = geodesic.path;
    },
    covers: (shown) => KINDS.every((kind) => !shown[kind] || found.kinds.includes(kind)),
    useMap(stretched) {
      map = stretched;
    },
    sample(problem, count, spacing) {
      ({ samples, tracks } = samplePaths(problem, found.paths, count, spacing));
      decoded.request(final ? found.kinds : [], samples);
    },
    moveMarkers(t) {
      at = t;
    },
    length: (kind) => found.paths[kind]?.length ?? 0,
    missing: (kind) => found.missing[kind],
    track: (kind) => tracks[kind],
    count: (kind) => (samples[kind]?.length ?? 0) / 2,
    marker: (kind) => ({ t: at, speed: tracks[kind] ? speedAt(tracks[kind].speeds, at ?? 0) : 1 }),
    pictures(kind) {
      const exact = decoded.pictures(kind);
      if (exact) return { pictures: exact, preview: false };
      const places = samples[kind];
      if (!atlas.sprites || !places) return { pictures: null, preview: true };
      return { pictures: blendPreviews(atlas.sprites, toFractions(places, atlas)), preview: true };
    },
    drawing: () => drawPaths(found.paths, samples, tracks, at),
    close() {
      decoded.close();
      live.close();
    },
  };
}

/** Paths that are laid without a search, why some are not, and which were to be shown. */
interface Lines {
  paths: ByKind<Path>;
  missing: ByKind<string>;
  kinds: PathKind[];
}

function findLines(
  problem: EikonalProblem,
  { around, extent }: Atlas,
  map: StretchedMap | null,
  { start, end }: Pick<Ends, "start" | "end">,
  shown: Shown,
): Lines {
  const found: Lines = { paths: {}, missing: {}, kinds: KINDS.filter((kind) => shown[kind]) };
  const line = straight(problem, start, end);
  const add = (kind: PathKind, points: Float64Array | string): void => {
    if (typeof points === "string") found.missing[kind] = points;
    else found.paths[kind] = measureLine(problem, points, line.length);
  };
  if (shown.straight) found.paths.straight = line;
  if (shown.slerp) add("slerp", slerp(around, extent, start, end));
  if (shown.stretched) add("stretched", map ? stretched(map, start, end) : "the map has not been stretched");
  return found;
}

function samplePaths(
  problem: EikonalProblem,
  paths: ByKind<Path>,
  count: number,
  spacing: Spacing,
): { samples: ByKind<Float64Array>; tracks: ByKind<Track> } {
  const samples: ByKind<Float64Array> = {};
  const tracks: ByKind<Track> = {};
  for (const kind of KINDS) {
    const path = paths[kind];
    if (!path) continue;
    const by = spacingOf(kind, spacing);
    samples[kind] = samplePath(problem, by, path.points, count);
    const points = samplePath(problem, by, path.points, PIECES + 1);
    tracks[kind] = { points, speeds: speedsAlong(problem.field, points) };
  }
  return { samples, tracks };
}

function drawPaths(paths: ByKind<Path>, samples: ByKind<Float64Array>, tracks: ByKind<Track>, at: number | null): PathDrawing {
  const drawing: PathDrawing = { paths: {}, samples, markers: {} };
  for (const kind of KINDS) {
    const [path, track] = [paths[kind], tracks[kind]];
    if (path) drawing.paths[kind] = path.points;
    if (at !== null && track) drawing.markers[kind] = placeAt(track.points, at);
  }
  return drawing;
}

interface DecodedPaths {
  readonly note: string;
  /** Forgets the pictures of other samples, and asks for those of these kinds. */
  request(kinds: PathKind[], samples: ByKind<Float64Array>): void;
  pictures(kind: PathKind): Pictures | undefined;
  close(): void;
}

function createDecodedPaths(model: Model, pictured: () => void): DecodedPaths {
  let exact: Map<PathKind, Pictures> | null = null;
  let note = "";
  const requests = createDecodeRequests(model, (answer) => {
    if ("error" in answer) note = answer.error;
    else {
      exact = answer.pictures;
      note = "";
    }
    pictured();
  });
  return {
    get note() {
      return note;
    },
    request(kinds, samples) {
      exact = null;
      requests.drop();
      const wanted = kinds.flatMap((kind) => (samples[kind] ? [{ kind, points: toPairs(samples[kind]) }] : []));
      if (wanted.length > 0) requests.ask(wanted);
    },
    pictures: (kind) => exact?.get(kind),
    close: () => requests.close(),
  };
}

function toPairs(points: Float64Array): Point[] {
  return Array.from({ length: points.length / 2 }, (_, k): Point => [points[2 * k], points[2 * k + 1]]);
}
