import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** The wings of the front end, from the lowest up: a file imports from its own wing and from those below it. */
const WINGS: Record<string, string[]> = {
  "": ["types", "index", "page"],
  field: ["field", "smoothing", "mesh", "outline", "point_location", "contours", "area_error"],
  style: ["colour", "colour_key", "density_scale", "dom", "theme"],
  model: ["atlas", "history", "offline", "decode_requests", "serialization", "path_kinds", "map_methods", "sprites", "request_ids", "figure_requests"],
  geodesics: [
    ...["spline", "selling", "fast_marching", "backtracing", "energy", "steps", "problem", "geodesic", "candidates", "lines"],
    ...["sampling", "speed", "background", "background.worker", "live", "paths"],
  ],
  map: [
    ...["map", "scene", "renderer", "cpu_renderer", "webgl_renderer", "overlay", "axes", "points", "thumbnails", "highlight"],
    ...["detail", "zoom", "indicatrices", "colouring", "handles", "layers"],
  ],
  export: ["figure_svg", "pdf", "png_resolution"],
  panels: [
    ...["controls", "legend", "readout", "film_strips", "speed_chart", "profile_chart", "play_button", "undo_button", "keys"],
    ...["export_controls", "survey_progress", "audit", "zoom_buttons"],
  ],
  view: ["view", "state", "frames", "morph", "scene", "figure", "panels", "actions", "status", "updates"],
};
const RANKS = Object.keys(WINGS).filter((wing) => wing !== "");
/** Files that belong to no wing: below all, or above all. */
const LOWEST = ["types"];
const STYLESHEETS = ["widget.css"];
const MOST_FILES = 16;

const SOURCES = resolve(__dirname, "../src");

/** Every file under a folder, relative to js/src. */
function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [relative(SOURCES, path)];
  });
}

const files = filesUnder(SOURCES).filter((file) => !STYLESHEETS.includes(file));
const wingOf = (file: string): string => (dirname(file) === "." ? "" : dirname(file));
const nameOf = (file: string): string => relative(wingOf(file), file).replace(/\.ts$/, "");

function rankOf(file: string): number {
  if (wingOf(file) !== "") return RANKS.indexOf(wingOf(file));
  return LOWEST.includes(nameOf(file)) ? -1 : RANKS.length;
}

/** What a source imports by a relative path, types too, as its text says it. */
export function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]+)"/g)].map((match) => match[1]);
}

/** Files of js/src that each file imports. */
const arrows = new Map(
  files.map((file) => {
    const from = join(SOURCES, dirname(file));
    const named = importsOf(readFileSync(join(SOURCES, file), "utf8")).map((path) => relative(SOURCES, resolve(from, path)));
    return [file, named.map((path) => (existsSync(join(SOURCES, `${path}.ts`)) ? `${path}.ts` : path))] as const;
  }),
);

/** A circle of files, or null where there is none. */
export function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, above: string[]): string[] | null => {
    if (above.includes(file)) return [...above.slice(above.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...above, file]);
      if (found) return found;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return null;
}

describe("the wings of the front end", () => {
  it("are known, with every file in them, and nothing else", () => {
    const known = Object.entries(WINGS).flatMap(([wing, names]) => names.map((name) => join(wing, `${name}.ts`)));
    expect([...files].sort()).toEqual(known.sort());
  });

  it.each(RANKS)("hold at most 16 files: %s", (wing) => {
    expect(files.filter((file) => wingOf(file) === wing).length).toBeLessThanOrEqual(MOST_FILES);
  });

  it.each(files)("import only downwards: %s", (file) => {
    for (const other of arrows.get(file)!.filter((path) => path.endsWith(".ts"))) {
      const within = wingOf(other) === wingOf(file) && wingOf(file) !== "";
      if (!within) expect(rankOf(other), `${file} imports ${other}`).toBeLessThan(rankOf(file));
    }
  });

  it("hold no circle", () => {
    expect(findCircle(arrows)).toBeNull();
  });
});

describe("the checks of the wings", () => {
  it("see a circle, however long", () => {
    const graph = new Map([
      ["a", ["b", "c"]],
      ["b", ["c"]],
      ["c", ["d"]],
      ["d", ["b"]],
    ]);
    expect(findCircle(graph)).toEqual(["b", "c", "d", "b"]);
    expect(findCircle(new Map([["a", ["b"]], ["b", []]]))).toBeNull();
  });

  it("see every form of import", () => {
    const text = 'import { a } from "./one";\nimport type {\n  B,\n} from "../two";\nexport * from "./three";\nawait import("./four");';
    expect(importsOf(text)).toEqual(["./one", "../two", "./three", "./four"]);
  });
});
