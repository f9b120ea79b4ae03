/**
 * Settling the geodesic between two ends without holding up a frame: in a worker made from the bundle's own text, or, where
 * the host forbids workers, in slices of a few milliseconds. Only the latest pair of ends counts.
 */

import type { MetricField, Point } from "../types";
import type { Answer, Request } from "./background.worker";
import { refine, type Refined } from "./candidates";
import type { Steps } from "./fast_marching";
import type { March } from "./geodesic";

/** The worker's bundle as text, put here by build.mjs; tests run without it. */
declare const REFINE_WORKER: string;
/** Milliseconds of a slice. */
const SLICE = 5;

export interface Refiner {
  /** Sets out to refine two ends; an order that still waits is forgotten. */
  refine(field: MetricField, start: Point, end: Point): void;
  /** The path between exactly these ends, once it is refined. */
  refined(field: MetricField, start: Point, end: Point): Refined | null;
  /** A march from a source, where one is at hand. */
  march(field: MetricField, source: Point): March | null;
  close(): void;
}

export function createRefiner(arrived: () => void): Refiner {
  let field: MetricField | null = null;
  let last: Refined | null = null;
  let flying: { id: number; field: MetricField; start: Point; end: Point } | null = null;
  let waiting: { field: MetricField; start: Point; end: Point } | null = null;
  let sent: MetricField | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let counter = 0;
  let worker = startWorker(take, () => {
    // forbidden after all, or out of memory: what it had in hand is done in slices
    worker?.close();
    worker = null;
    if (flying) runInSlices(flying);
  });

  function send(order: NonNullable<typeof waiting>): void {
    flying = { id: ++counter, ...order };
    if (!worker) return runInSlices(flying);
    worker.order({ ...flying, field: sent === order.field ? null : order.field });
    sent = order.field;
  }

  function runInSlices(order: NonNullable<typeof flying>): void {
    const known = last && field === order.field ? [last.there, last.back] : [];
    const steps: Steps<Refined> = refine(order.field, order.start, order.end, known);
    const slice = (): void => {
      const until = performance.now() + SLICE;
      while (performance.now() < until) {
        const step = steps.next();
        if (step.done) return take({ id: order.id, refined: step.value });
      }
      timer = setTimeout(slice, 0);
    };
    timer = setTimeout(slice, 0);
  }

  function take({ id, refined }: Answer): void {
    if (flying?.id !== id) return;
    [field, last] = [flying.field, refined];
    const next = waiting;
    flying = waiting = null;
    if (next) send(next);
    arrived();
  }

  const at = (source: Point, march: March): boolean => march.source[0] === source[0] && march.source[1] === source[1];

  return {
    refine(wanted, start, end) {
      const order: NonNullable<typeof waiting> = { field: wanted, start: [...start], end: [...end] };
      if (!flying) send(order);
      else if (!same(flying, order)) waiting = order;
    },
    refined: (wanted, start, end) => (last && field === wanted && at(start, last.there) && at(end, last.back) ? last : null),
    march(wanted, source) {
      if (!last || field !== wanted) return null;
      return at(source, last.there) ? last.there : at(source, last.back) ? last.back : null;
    },
    close() {
      clearTimeout(timer);
      flying = waiting = null;
      worker?.close();
    },
  };
}

function same(a: Omit<Request, "id">, b: Omit<Request, "id">): boolean {
  return a.field === b.field && [0, 1].every((c) => a.start[c] === b.start[c] && a.end[c] === b.end[c]);
}

/** A worker, or null where there can be none; a host may also refuse it later, by an error. */
function startWorker(take: (answer: Answer) => void, failed: () => void): { order(order: Request): void; close(): void } | null {
  if (typeof REFINE_WORKER === "undefined" || typeof Worker === "undefined") return null;
  const address = URL.createObjectURL(new Blob([REFINE_WORKER], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    worker.onmessage = ({ data }: MessageEvent<Answer>) => take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      failed();
    };
    return {
      order: (order) => worker.postMessage(order),
      close() {
        worker.terminate();
        URL.revokeObjectURL(address);
      },
    };
  } catch {
    URL.revokeObjectURL(address);
    return null;
  }
}
