/** The resolution of a PNG (chunk pHYs of the PNG specification), which browsers leave out of the pictures they write. */

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
