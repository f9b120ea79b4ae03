/** The solver in a worker: it is sent a field once, then pairs of ends, and answers with what it has settled. */

import type { MetricField, Point } from "../types";
import { refine, type Refined } from "./candidates";
import { finish } from "./fast_marching";

export interface Request {
  id: number;
  /** Only where it is another than before. */
  field: MetricField | null;
  start: Point;
  end: Point;
}

export interface Answer {
  id: number;
  refined: Refined;
}

const scope = globalThis as unknown as {
  onmessage: (event: { data: Request }) => void;
  postMessage(answer: Answer): void;
};
let field: MetricField | null = null;
let last: Refined | null = null;

scope.onmessage = ({ data }) => {
  if (data.field) {
    field = data.field;
    last = null;
  }
  last = finish(refine(field!, data.start, data.end, last ? [last.there, last.back] : []));
  scope.postMessage({ id: data.id, refined: last });
};
