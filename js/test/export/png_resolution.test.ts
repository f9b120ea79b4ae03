import { describe, expect, it } from "vitest";
import { addResolution, crc32 } from "../../src/export/png_resolution";

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
});
