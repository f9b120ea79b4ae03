/** Asking the kernel for a figure in vectors, as `w.save` writes it. */

import type { Model } from "../types";
import { nextRequestId } from "./request_ids";
import { toBytes } from "./serialization";

/** Inches, and pixels per inch. */
export interface Print {
  width: number;
  dpi: number;
}

interface Reply {
  type: "figure" | "error";
  id: number;
  message?: string;
}

/** The bytes of the file; rejects with what the kernel says where it cannot write one. */
export function requestFigure(model: Model, format: "pdf", print: Print): Promise<Uint8Array<ArrayBuffer>> {
  const id = nextRequestId();
  return new Promise((resolve, reject) => {
    const receive = (reply: Reply, buffers: (DataView | ArrayBuffer)[] = []): void => {
      if (reply.id !== id) return;
      model.off("msg:custom", receive);
      if (reply.type === "figure" && buffers.length > 0) resolve(toBytes(buffers[0]));
      else reject(new Error(reply.message ?? "the kernel's answer holds no figure"));
    };
    model.on("msg:custom", receive);
    model.send({ type: "figure", id, format, width: print.width, dpi: print.dpi });
  });
}
