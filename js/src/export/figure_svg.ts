/** Figures for papers: one SVG with vector axes and paths and the map embedded as a picture, and PNG drawn from it. */

import { createOverlay } from "../map/overlay";
import { dotRadius, dots, pointsOnMap } from "../map/points";
import { MARGIN, type Scene } from "../map/scene";
import type { Atlas } from "../model/atlas";
import type { Print } from "../model/figure_requests";
import { DASHES, TITLES } from "../model/path_kinds";
import { paintStrip, type Ink, type Pictures } from "../model/sprites";
import { labelColour, LIGHT, type Palette } from "../style/colour";
import { stops, type Key } from "../style/colour_key";
import { svg } from "../style/dom";
import type { PathKind } from "../types";
import { addResolution } from "./png_resolution";

/** Of files that are saved, without what tells their format. */
export const FILE_NAME = "latent_map";
const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
/** More points than this are embedded as pixels. */
const VECTOR_POINTS = 5000;
/** Most device pixels per pixel of the map. */
const FINEST = 6;

export interface Figure {
  scene: Scene;
  atlas: Atlas;
  key: Key;
  raster(palette: Palette, ratio: number, layers: boolean): HTMLCanvasElement;
  strips: { kind: PathKind; caption: string; pictures: Pictures | null }[];
}

/** What the browser draws by itself. */
export type DrawnFormat = "svg" | "png";

/** Saves the figure through the browser's downloads. */
export async function exportFigure(format: DrawnFormat, figure: Figure, print: Print): Promise<void> {
  const { text, size } = figureSvg(figure, print);
  download(await fileOf(format, new Blob([text], { type: "image/svg+xml" }), size, print), `${FILE_NAME}.${format}`);
}

/** The file of a figure of `size` inches. */
async function fileOf(format: DrawnFormat, drawing: Blob, size: [number, number], { dpi }: Print): Promise<Blob> {
  if (format === "svg") return drawing;
  const canvas = await rasteriseSvg(drawing, size, dpi);
  const png = await new Promise<Blob>((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no picture"))), "image/png");
  });
  return new Blob([addResolution(new Uint8Array(await png.arrayBuffer()), dpi)], { type: "image/png" });
}

/** Builds the figure as SVG text: white, light colours, everything inside the one file; `size` is in inches. */
export function figureSvg(figure: Figure, print: Print): { text: string; size: [number, number] } {
  const { scene, atlas } = figure;
  const pad = 16;
  const mapWidth = scene.width + MARGIN.left + MARGIN.right;
  const width = mapWidth + 2 * pad;
  const root = svg("svg", { "font-family": FONT, "font-size": 11, fill: LIGHT.ink });
  root.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const sheet = svg("rect", { x: 0, y: 0, width, fill: LIGHT.paper }, root);

  const many = (atlas.points?.xy.length ?? 0) / 2 > VECTOR_POINTS;
  // pictures inside are as fine as the print, so far as that can be seen
  const ratio = Math.min(Math.max((print.width * print.dpi) / width, 1), FINEST);
  const picture = figure.raster(LIGHT, ratio, scene.shown.thumbnails || many);
  const map = svg("g", { transform: `translate(${pad} ${pad})` }, root);
  const plot = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top})` }, map);
  svg("image", { width: scene.width, height: scene.height, href: picture.toDataURL("image/png"), preserveAspectRatio: "none" }, plot);
  if (scene.shown.points && atlas.points && !many && !scene.shown.thumbnails) {
    const points = pointsOnMap(atlas.points, atlas);
    const clip = svg("svg", { width: scene.width, height: scene.height }, plot);
    const group = svg("g", { stroke: LIGHT.casing, "stroke-width": 0.5 }, clip);
    for (const { x, y, colour } of dots(scene, points, LIGHT)) {
      svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: dotRadius(scene, points.plane.length / 2), fill: colour }, group);
    }
  }
  const overlay = createOverlay();
  overlay.update(scene, LIGHT);
  for (const handle of Object.values(overlay.handles)) if (handle.getAttribute("opacity") !== "1") handle.remove();
  for (const handle of Object.values(overlay.handles)) handle.querySelector(".lw-handle-ring")?.remove();
  map.append(...Array.from(overlay.element.childNodes));

  let y = pad + MARGIN.top + scene.height + MARGIN.bottom + 8;
  y = drawLegend(root, figure, pad + MARGIN.left, y, scene.width);
  for (const strip of figure.strips) y = drawStrip(root, strip, atlas.sprites?.ink ?? null, pad, y + 14, mapWidth);
  const height = Math.ceil(y + pad);
  sheet.setAttribute("height", String(height));
  const size: [number, number] = [print.width, (print.width * height) / width];
  root.setAttribute("width", `${size[0]}in`);
  root.setAttribute("height", `${size[1].toFixed(4)}in`);
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return { text: new XMLSerializer().serializeToString(root), size };
}

function drawLegend(root: SVGElement, figure: Figure, x: number, top: number, width: number): number {
  const { key } = figure;
  const title = svg("text", { x, y: top + 10, text: shorten(key.title, width / 5.6) }, root);
  svg("title", { text: key.title }, title);
  const long = Math.min(width, 260);
  if (key.by !== "label") {
    const gradient = svg("linearGradient", { id: "lw-density" }, svg("defs", {}, root));
    for (const [offset, colour] of stops(key.by, LIGHT)) svg("stop", { offset, "stop-color": colour }, gradient);
    svg("rect", { x, y: top + 17, width: long, height: 9, fill: "url(#lw-density)" }, root);
  }
  for (const [place, text] of key.ticks) {
    const anchor = place < 0.08 ? "start" : place > 0.92 ? "end" : "middle";
    svg("text", { x: x + long * place, y: top + 39, "text-anchor": anchor, fill: LIGHT.faint, text }, root);
  }
  const named = figure.scene.shown.points || key.by === "label";
  const names = named && figure.atlas.points?.labels ? figure.atlas.points.names : [];
  let [at, row] = [x, top + (key.by === "label" ? 28 : 58)];
  names.slice(0, 24).forEach((name, k) => {
    const shown = shorten(name, 24);
    const wide = 18 + 6.5 * shown.length;
    if (at + wide > x + width) [at, row] = [x, row + 16];
    svg("circle", { cx: at + 4, cy: row - 4, r: 4, fill: labelColour(k, names.length, LIGHT) }, root);
    svg("text", { x: at + 12, y: row, text: shown }, root);
    at += wide + 6;
  });
  return names.length > 0 ? row + 4 : top + 44;
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.floor(most) - 1)}…` : text;
}

function drawStrip(
  root: SVGElement,
  strip: Figure["strips"][number],
  ink: Ink,
  x: number,
  top: number,
  width: number,
): number {
  const stroke = { stroke: LIGHT[strip.kind], "stroke-width": 2.25, "stroke-linecap": "round", "stroke-dasharray": DASHES[strip.kind] };
  svg("path", { d: `M${x + 2} ${top + 4}H${x + 28}`, ...stroke }, root);
  svg("text", { x: x + 36, y: top + 8, fill: LIGHT[strip.kind], "font-weight": 600, text: TITLES[strip.kind] }, root);
  svg("text", { x: x + width, y: top + 8, "text-anchor": "end", fill: LIGHT.faint, text: strip.caption }, root);
  if (!strip.pictures) return top + 12;
  const canvas = document.createElement("canvas");
  paintStrip(canvas, strip.pictures, ink, LIGHT);
  const scale = Math.min(width / canvas.width, 96 / canvas.height);
  const [w, h] = [canvas.width * scale, canvas.height * scale];
  svg("image", { x, y: top + 15, width: w, height: h, href: canvas.toDataURL("image/png") }, root);
  return top + 15 + h;
}

async function rasteriseSvg(drawing: Blob, [width, height]: [number, number], dpi: number): Promise<HTMLCanvasElement> {
  const address = URL.createObjectURL(drawing);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * dpi);
    canvas.height = Math.round(height * dpi);
    const context = canvas.getContext("2d")!;
    // under the rim too, where the sizes were rounded
    context.fillStyle = LIGHT.paper;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Hands a file to the browser's downloads. */
export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // the download has its own hold on the blob by then
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
