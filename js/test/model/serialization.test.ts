import { describe, expect, it } from "vitest";
import { toArray, toFloats } from "../../src/model/serialization";

const values = Float32Array.from([1.5, -2, 3e-7, 4, 5, 6]);

function shifted(bytes: number): DataView {
  const memory = new Uint8Array(bytes + values.byteLength + 3);
  memory.set(new Uint8Array(values.buffer), bytes);
  return new DataView(memory.buffer, bytes, values.byteLength);
}

describe("toArray", () => {
  it.each([0, 1, 2, 3, 4, 8])("reads a view that starts at byte %i of its buffer", (offset) => {
    const array = toArray({ dtype: "float32", shape: [2, 3], buffer: shifted(offset) });
    expect(Array.from(array)).toEqual(Array.from(values));
  });

  it("reads bare buffers and bytes", () => {
    expect(Array.from(toArray({ dtype: "uint8", shape: [3], buffer: Uint8Array.from([7, 8, 9]).buffer }))).toEqual([7, 8, 9]);
    expect(Array.from(toArray({ dtype: "int32", shape: [1], buffer: Int32Array.from([-5]) }))).toEqual([-5]);
    expect(toArray({ dtype: "float32", shape: [0, 2], buffer: new DataView(new ArrayBuffer(0)) })).toHaveLength(0);
  });

  it("refuses a buffer of another size, and unknown types", () => {
    expect(() => toArray({ dtype: "float32", shape: [2, 4], buffer: shifted(0) })).toThrow("needs 32 bytes, 24 came");
    expect(() => toArray({ dtype: "float64" as never, shape: [1], buffer: shifted(0) })).toThrow("unknown dtype float64");
  });

  it("widens whole numbers where floats are wanted", () => {
    expect(toFloats({ dtype: "uint8", shape: [2], buffer: Uint8Array.from([1, 255]) })).toEqual(Float32Array.from([1, 255]));
  });
});
