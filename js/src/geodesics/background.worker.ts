/** The solver in a worker: it is sent a field once, then pairs of ends, and answers with the refined path between them. */

import type { MetricField, Point } from "../types";
import { refine, type Refined } from "./candidates";
import { prepare, prepareLattice, type EikonalProblem, type MarchLattice } from "./problem";
import { finish } from "./steps";

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
let known: { problem: EikonalProblem; lattice: MarchLattice; last: Refined | null } | null = null;

scope.onmessage = ({ data }) => {
  if (data.field) {
    const problem = prepare(data.field);
    known = { problem, lattice: finish(prepareLattice(problem)), last: null };
  }
  if (!known) throw new Error("the first request to the worker must bring a field");
  const { problem, lattice, last } = known;
  known.last = finish(refine(problem, lattice, data, last ? [last.there, last.back] : []));
  scope.postMessage({ id: data.id, refined: known.last });
};
