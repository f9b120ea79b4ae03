/** Making elements. Text is only ever set as text, so labels and messages can never become markup. */

export type Attributes = Record<string, string | number | boolean | undefined>;

const SVG = "http://www.w3.org/2000/svg";

function assign<E extends Element>(element: E, attributes: Attributes, parent?: Element): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  parent?.append(element);
  return element;
}

export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  parent?: Element,
): HTMLElementTagNameMap[K] {
  return assign(document.createElement(tag), attributes, parent);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  parent?: Element,
): SVGElementTagNameMap[K] {
  return assign(document.createElementNS(SVG, tag), attributes, parent);
}

export function set(element: Element, attributes: Attributes): void {
  assign(element, attributes);
}

/** Resizes a canvas only when it must be, because resizing clears it. */
export function resizeCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser gives no 2-D canvas");
  return context;
}

/** Pixels as little-endian RGBA words, row 0 at the top. */
export interface PixelImage {
  pixels: Uint32Array;
  width: number;
  height: number;
}

export interface Framebuffer extends PixelImage {
  show(canvas: HTMLCanvasElement): void;
}

/** Pixels to draw on, kept from frame to frame, since what is made anew for each frame must be collected. */
export function createFramebuffer(): (width: number, height: number) => Framebuffer {
  let image: ImageData | null = null;
  let pixels = new Uint32Array();
  return (width, height) => {
    if (image?.width !== width || image.height !== height) {
      image = new ImageData(width, height);
      pixels = new Uint32Array(image.data.buffer);
    }
    const shown = image;
    return { pixels, width, height, show: (canvas) => resizeCanvas(canvas, width, height).putImageData(shown, 0, 0) };
  };
}

export function polyline(pixels: ArrayLike<number>): string {
  let d = "";
  for (let k = 0; k < pixels.length; k += 2) d += `${k === 0 ? "M" : "L"}${fixed(pixels[k])} ${fixed(pixels[k + 1])}`;
  return d;
}

export function fixed(value: number): string {
  return value.toFixed(1);
}
