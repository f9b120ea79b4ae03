/** The solver in a worker: it is sent a field once, then pairs of ends, and answers with what it has settled. */

import type { MetricField, Point } from "../types";
import { settling, type Settled } from "./candidates";
import { finished } from "./fast_marching";

export interface Order {
  id: number;
  /** Only where it is another than before. */
  field: MetricField | null;
  start: Point;
  end: Point;
}

export interface Answer {
  id: number;
  settled: Settled;
}

const scope = globalThis as unknown as {
  onmessage: (event: { data: Order }) => void;
  postMessage(answer: Answer): void;
};
let field: MetricField | null = null;
let last: Settled | null = null;

scope.onmessage = ({ data }) => {
  if (data.field) {
    field = data.field;
    last = null;
  }
  last = finished(settling(field!, data.start, data.end, last ? [last.there, last.back] : []));
  scope.postMessage({ id: data.id, settled: last });
};
