/** Reading arrays off the wire. */

import type { WireArray } from "../types";

export type TypedArray = Float32Array | Int32Array | Uint8Array;

const VIEWS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** Reads a packet as a typed array; buffers that do not start on an element boundary are copied. */
export function toArray(packet: WireArray): TypedArray {
  const View = VIEWS[packet.dtype];
  if (!View) throw new Error(`unknown dtype ${packet.dtype} on the wire`);
  const { buffer } = packet;
  const [memory, offset, bytes] =
    buffer instanceof ArrayBuffer
      ? [buffer, 0, buffer.byteLength]
      : [buffer.buffer, buffer.byteOffset, buffer.byteLength];
  const size = View.BYTES_PER_ELEMENT;
  const expected = packet.shape.reduce((a, b) => a * b, 1);
  if (bytes !== expected * size) {
    throw new Error(`array of shape ${packet.shape.join(" × ")} needs ${expected * size} bytes, ${bytes} came`);
  }
  return offset % size === 0
    ? new View(memory, offset, expected)
    : new View(memory.slice(offset, offset + bytes), 0, expected);
}

/** The bytes of a buffer as it comes with a message. */
export function toBytes(buffer: DataView | ArrayBuffer): Uint8Array<ArrayBuffer> {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function toFloats(packet: WireArray): Float32Array {
  const array = toArray(packet);
  return array instanceof Float32Array ? array : Float32Array.from(array);
}
