import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { addResolution, crc32, onWhite, pdfOf } from "../../src/export/file_formats";

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("files of pictures", () => {
  it("have the checksum of the standard's example", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });

  it("write the resolution of a PNG behind its header", () => {
    const png = Uint8Array.from({ length: 60 }, (_, k) => k);
    const out = addResolution(png, 300);
    expect(out.length).toBe(60 + 21);
    expect(Array.from(out.subarray(0, 33))).toEqual(Array.from(png.subarray(0, 33)));
    expect(Array.from(out.subarray(54))).toEqual(Array.from(png.subarray(33)));
    const view = new DataView(out.buffer);
    expect(latin(out.subarray(37, 41))).toBe("pHYs");
    expect(view.getUint32(41)).toBe(11811);
    expect(view.getUint32(50)).toBe(crc32(out.subarray(37, 50)));
  });

  it("put what is see-through on white", () => {
    expect(Array.from(onWhite(Uint8Array.of(10, 20, 30, 255, 0, 0, 0, 0)))).toEqual([10, 20, 30, 255, 255, 255]);
  });

  it("hold the picture in a PDF whose table finds every object", () => {
    const rgb = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const text = latin(pdfOf(deflateSync(rgb), [2, 1], [7, 3.5]));
    expect(text.startsWith("%PDF-1.4\n")).toBe(true);
    expect(text).toContain("/MediaBox [0 0 504.00 252.00]");
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)![1]);
    expect(text.startsWith("xref\n0 6\n", start)).toBe(true);
    const offsets = [...text.slice(start).matchAll(/(\d{10}) 00000 n \n/g)].map((row) => Number(row[1]));
    offsets.forEach((offset, k) => expect(text.startsWith(`${k + 1} 0 obj\n`, offset)).toBe(true));
    const picture = text.slice(offsets[4]);
    const length = Number(/\/Length (\d+)/.exec(picture)![1]);
    const from = picture.indexOf("stream\n") + 7;
    expect(Array.from(inflateSync(Buffer.from(picture.slice(from, from + length), "latin1")))).toEqual(Array.from(rgb));
  });
});
