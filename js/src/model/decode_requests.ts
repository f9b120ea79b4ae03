/** Asking the kernel for exact pictures: one request on its way, the latest waiting, stale answers dropped. */

import type { Model, PathKind, Point } from "../types";
import { nextRequestId } from "./request_ids";
import { toBytes } from "./serialization";
import type { Pictures } from "./sprites";

export interface Wanted<Kind extends string = PathKind> {
  kind: Kind;
  points: Point[];
}

export type Answer<Kind extends string = PathKind> = { pictures: Map<Kind, Pictures> } | { error: string };

export interface DecodeRequests<Kind extends string = PathKind> {
  ask(paths: Wanted<Kind>[]): void;
  /** Forgets what is under way: its answer will be dropped. */
  drop(): void;
  close(): void;
}

interface Reply {
  type: "decoded" | "error";
  id: number;
  size?: [number, number];
  counts?: number[];
  message?: string;
}

/** A kernel that has not answered for this long may have been restarted; the next request is sent all the same. */
const PATIENCE = 10_000;

/** `Kind` names what is decoded: the paths, or something else of the asker's own. */
export function createDecodeRequests<Kind extends string = PathKind>(model: Model, deliver: (answer: Answer<Kind>) => void): DecodeRequests<Kind> {
  let sent: { id: number; paths: Wanted<Kind>[]; since: number } | null = null;
  let waiting: Wanted<Kind>[] | null = null;
  let dropped = false;

  function send(paths: Wanted<Kind>[]): void {
    sent = { id: nextRequestId(), paths, since: Date.now() };
    dropped = false;
    model.send({ type: "decode", id: sent.id, paths });
  }

  const receive = (reply: Reply, buffers: (DataView | ArrayBuffer)[] = []): void => {
    if (sent?.id !== reply.id) return;
    const { paths } = sent;
    sent = null;
    if (waiting) {
      const next = waiting;
      waiting = null;
      send(next);
      return;
    }
    if (dropped) return;
    deliver(reply.type === "error" ? { error: reply.message ?? "decoding failed" } : unpack(reply, buffers, paths));
  };
  model.on("msg:custom", receive);

  return {
    ask(paths) {
      if (sent && Date.now() - sent.since < PATIENCE) waiting = paths;
      else send(paths);
    },
    drop() {
      dropped = true;
      waiting = null;
    },
    close: () => model.off("msg:custom", receive),
  };
}

function unpack<Kind extends string>(reply: Reply, buffers: (DataView | ArrayBuffer)[], paths: Wanted<Kind>[]): Answer<Kind> {
  const buffer = buffers[0];
  const [size, counts] = [reply.size, reply.counts];
  if (!buffer || !size || !counts) return { error: "the kernel's answer holds no pictures" };
  const bytes = toBytes(buffer);
  const pictures = new Map<Kind, Pictures>();
  let from = 0;
  paths.forEach((path, k) => {
    const count = counts[k] ?? 0;
    const length = count * size[0] * size[1] * 4;
    pictures.set(path.kind, { count, size, rgba: bytes.subarray(from, from + length) });
    from += length;
  });
  return { pictures };
}
