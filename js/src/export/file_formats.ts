/** File formats of pictures, made by hand: resolution in a PNG, and a PDF that holds one picture. */

const INCH = 0.0254;

/** A PNG with its resolution written in, so that other programs give it its size in print. */
export function addResolution(png: Uint8Array, dpi: number): Uint8Array {
  const perMetre = Math.round(dpi / INCH);
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 9);
  chunk.set(new TextEncoder().encode("pHYs"), 4);
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  chunk[16] = 1;
  view.setUint32(17, crc32(chunk.subarray(4, 17)));
  // behind the header, which is the first chunk of every PNG: signature 8, length 4, name 4, data 13, checksum 4
  const header = 33;
  const out = new Uint8Array(png.length + chunk.length);
  out.set(png.subarray(0, header));
  out.set(chunk, header);
  out.set(png.subarray(header), header + chunk.length);
  return out;
}

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** RGBA pixels on white, as RGB. */
export function onWhite(rgba: Uint8ClampedArray | Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3] / 255;
    for (let c = 0; c < 3; c++) rgb[to + c] = Math.round(alpha * rgba[from + c] + (1 - alpha) * 255);
  }
  return rgb;
}

/** zlib's format, by the browser itself. */
export async function deflated(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A PDF of one page that is filled by one picture, `columns` × `rows` pixels of deflated RGB; sizes of the page in inches. */
export function pdfOf(deflatedRgb: Uint8Array, [columns, rows]: [number, number], [width, height]: [number, number]): Uint8Array {
  const [w, h] = [(72 * width).toFixed(2), (72 * height).toFixed(2)];
  const place = `q ${w} 0 0 ${h} 0 0 cm /P Do Q`;
  const encode = (text: string) => new TextEncoder().encode(text);
  const parts: Uint8Array[] = [];
  const offsets: number[] = [];
  let length = 0;
  const add = (...pieces: Uint8Array[]) => {
    for (const piece of pieces) {
      parts.push(piece);
      length += piece.length;
    }
  };
  const object = (head: string, stream?: Uint8Array) => {
    offsets.push(length);
    add(encode(`${offsets.length} 0 obj\n${head}\n`));
    if (stream) add(encode("stream\n"), stream, encode("\nendstream\n"));
    add(encode("endobj\n"));
  };
  add(encode("%PDF-1.4\n"), Uint8Array.of(0x25, 0xe2, 0xe3, 0xcf, 0xd3, 0x0a));
  object("<< /Type /Catalog /Pages 2 0 R >>");
  object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
  object(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${w} ${h}] /Contents 4 0 R /Resources << /XObject << /P 5 0 R >> >> >>`);
  object(`<< /Length ${place.length} >>`, encode(place));
  object(
    `<< /Type /XObject /Subtype /Image /Width ${columns} /Height ${rows} /ColorSpace /DeviceRGB /BitsPerComponent 8 ` +
      `/Filter /FlateDecode /Length ${deflatedRgb.length} >>`,
    deflatedRgb,
  );
  const start = length;
  const rowsOfTable = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  add(encode(`xref\n0 ${offsets.length + 1}\n0000000000 65535 f \n${rowsOfTable}`));
  add(encode(`trailer\n<< /Size ${offsets.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`));
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export type Format = "svg" | "png" | "pdf";
/** Inches, and pixels per inch. */

export interface Print {
  width: number;
  dpi: number;
}
