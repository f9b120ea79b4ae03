/** What travels between kernel and browser: mirrors the traits of the Python widget (test/options.test.ts holds their names equal). */

export type Point = [number, number];
export type Extent = [number, number, number, number];
export type Shape = [number, number];

export interface WireArray {
  dtype: "float32" | "int32" | "uint8";
  shape: number[];
  buffer: DataView | ArrayBuffer | ArrayBufferView;
}

/** What the colours of the map say. */
export type ColourBy = "density" | "label" | "area_error" | "standard_error";
/** What is said by a ramp from one colour to another. */
export type Ramp = Exclude<ColourBy, "label">;

/** Who paints the colours of the map; "auto" takes a graphics card where there is one. */
export type Renderer = "auto" | "cpu" | "webgl";

export interface Shown {
  points: boolean;
  thumbnails: boolean;
  grid: boolean;
  contours: boolean;
  ellipses: boolean;
  straight: boolean;
  geodesic: boolean;
  slerp: boolean;
  stretched: boolean;
}

/** Where the latent origin lies: its foot on the plane, the products of the plane's axes, and its height above the plane. */
export interface Around {
  foot: Point;
  gram: [number, number, number];
  height: number;
}

/** How paths are sampled: each in its own way, or all evenly by distance in the latent plane or by the measure. */
export type Spacing = "own" | "latent" | "measure";

export interface WireField {
  name: string;
  metric: WireArray;
  error: WireArray | null;
  info: Record<string, unknown>;
}

export interface WirePoints {
  /** (n, 2) plane coordinates. */
  xy: WireArray;
  /** (n,) indices of `names`. */
  labels: WireArray | null;
  names: string[];
  /** For each cell the label of most of the points nearest to it, and how strongly it is to be coloured, 0 to 1. */
  regions?: { labels: WireArray; strength: WireArray } | null;
}

/** To which map the plane is stretched. */
export type MapMethod = "cartogram" | "isometric" | "distances";

export interface WireMap {
  /** On the page: of the extent's area, around its centre. */
  corners: WireArray;
  method: MapMethod;
  /** Length in the measure of one unit of the page. */
  unit: number;
  maxAreaError: number;
  rmsAreaError: number;
  /** Largest over smallest stretch of the cells; 1 where shapes are true. */
  anisotropy: number;
  folds: number;
  converged: boolean;
  message: string;
  /** Tells one map from the next. */
  key: string;
}

/** Kruskal's stress of distances on a page against geodesic distances: 0 is true, 1 says nothing. */
export interface Stress {
  plane: number;
  map: number;
  placebo: number;
}

/** What the map is worth, once somebody has asked for it. */
export interface Audit {
  state: "none" | "busy" | "ready" | "failed";
  message: string;
  /** The map that was measured. */
  key?: string;
  method?: MapMethod;
  stress?: Stress;
  anisotropy?: number;
  areaError?: number;
  folds?: number;
}

export interface Status {
  state: "ready" | "busy" | "warning" | "error" | "surveying" | "failed";
  message: string;
  /** Bands measured, of a survey. */
  done?: number;
  total?: number;
}

export interface Traits {
  weights: Record<string, number>;
  temper: number;
  /** Standard deviation of the smoothing, in cells. */
  smoothing: number;
  stretch: number;
  map_method: MapMethod;
  /** Of a map with a free outline: what counts where both cannot be true, from near 0, angles, to near 1, areas. */
  area_weight: number;
  start: Point;
  end: Point;
  n_samples: number;
  spacing: Spacing;
  theme: "auto" | "light" | "dark";
  show: Shown;
  colour_by: ColourBy;
  /** A range of the density whose cells stand out. */
  highlight: [number, number] | null;
  renderer: Renderer;
  /** The part of the page that is seen, or null for all of it. */
  view: Extent | null;
  _lattice: { extent: Extent; shape: Shape; names: [string, string]; around: Around };
  _fields: WireField[];
  _points: null | WirePoints;
  _sprites: null | { shape: Shape; size: Shape; sheet: WireArray; blend?: boolean };
  _map: WireMap | Record<string, never>;
  _audit: Audit;
  _status: Status;
}

/** The part of anywidget's model that is used here; an exported page brings a small model of its own. */
export interface Model {
  /** True where no kernel answers. */
  readonly offline?: true;
  /** The maps that can be had; all of them where this is not told. */
  readonly maps?: readonly MapMethod[];
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  send(content: unknown): void;
}

export type PathKind = "geodesic" | "straight" | "slerp" | "stretched";

/** Metric tensors of the cells, in plane coordinates. Make a new object when values change: it keys a cache. */
export interface MetricField {
  shape: Shape;
  extent: Extent;
  /** H * W * 3: E, F, G of G = [[E, F], [F, G]], row i along y. */
  metric: Float32Array;
}

export type End = "start" | "end";
