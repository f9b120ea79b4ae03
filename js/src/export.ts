/** Figures for papers: one SVG with vector axes and paths and the map embedded as a picture; PNG drawn from the same SVG. */

import { labelColour, LIGHT, type Palette } from "./colour";
import type { Atlas } from "./atlas";
import { svg } from "./dom";
import { DASHES, TITLES } from "./kinds";
import { dotRadius, dots, seen } from "./points";
import { stops, type Key } from "./legend";
import { createOverlay } from "./overlay";
import { MARGIN, type Ground, type Scene } from "./scene";
import type { Ink, Pictures } from "./pictures";
import { film } from "./strips";
import type { PathKind } from "./types";

const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
/** More points than this are embedded as pixels. */
const VECTOR_POINTS = 5000;
/** Device pixels per pixel in exported pictures. */
const RATIO = 2;

export interface Figure {
  scene: Scene;
  ground: Ground;
  atlas: Atlas;
  key: Key;
  raster(palette: Palette, ratio: number, layers: boolean): HTMLCanvasElement;
  strips: { kind: PathKind; caption: string; pictures: Pictures | null }[];
}

/** Saves the figure through the browser's downloads. */
export async function exportFigure(format: "svg" | "png", figure: Figure): Promise<void> {
  const { text, width, height } = figureSvg(figure);
  const blob = new Blob([text], { type: "image/svg+xml" });
  download(format === "svg" ? blob : await rendered(blob, width, height), `latent_map.${format}`);
}

/** Builds the figure as SVG text: white, light colours, everything inside the one file. */
export function figureSvg(figure: Figure): { text: string; width: number; height: number } {
  const { scene, atlas } = figure;
  const pad = 16;
  const mapWidth = scene.width + MARGIN.left + MARGIN.right;
  const width = mapWidth + 2 * pad;
  const root = svg("svg", { "font-family": FONT, "font-size": 11, fill: LIGHT.ink });
  root.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const sheet = svg("rect", { x: 0, y: 0, width, fill: LIGHT.paper }, root);

  const many = (atlas.points?.xy.length ?? 0) / 2 > VECTOR_POINTS;
  const picture = figure.raster(LIGHT, RATIO, scene.shown.thumbnails || many);
  const map = svg("g", { transform: `translate(${pad} ${pad})` }, root);
  const plot = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top})` }, map);
  svg("image", { width: scene.width, height: scene.height, href: picture.toDataURL("image/png"), preserveAspectRatio: "none" }, plot);
  if (scene.shown.points && atlas.points && !many && !scene.shown.thumbnails) {
    const points = seen(atlas.points, atlas);
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
  root.setAttribute("width", String(width));
  root.setAttribute("height", String(height));
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

function drawLegend(root: SVGElement, figure: Figure, x: number, top: number, width: number): number {
  const { key } = figure;
  const title = svg("text", { x, y: top + 10, text: shortened(key.title, width / 5.6) }, root);
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
    const shown = shortened(name, 24);
    const wide = 18 + 6.5 * shown.length;
    if (at + wide > x + width) [at, row] = [x, row + 16];
    svg("circle", { cx: at + 4, cy: row - 4, r: 4, fill: labelColour(k, names.length, LIGHT) }, root);
    svg("text", { x: at + 12, y: row, text: shown }, root);
    at += wide + 6;
  });
  return names.length > 0 ? row + 4 : top + 44;
}

function shortened(text: string, most: number): string {
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
  film(canvas, strip.pictures, ink, LIGHT);
  const scale = Math.min(width / canvas.width, 96 / canvas.height);
  const [w, h] = [canvas.width * scale, canvas.height * scale];
  svg("image", { x, y: top + 15, width: w, height: h, href: canvas.toDataURL("image/png") }, root);
  return top + 15 + h;
}

async function rendered(blob: Blob, width: number, height: number): Promise<Blob> {
  const address = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * RATIO);
    canvas.height = Math.round(height * RATIO);
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((png) => (png ? resolve(png) : reject(new Error("the browser made no picture"))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}

function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // the download has its own hold on the blob by then
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
