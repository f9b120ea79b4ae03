/** A field made ready, with marches and refined paths taken in one step. */

import { refine, type Refined } from "../../src/geodesics/candidates";
import { findPath, marchFrom, type At, type Effort, type March, type Path } from "../../src/geodesics/geodesic";
import { prepare, prepareLattice, type EikonalProblem, type MarchLattice } from "../../src/geodesics/problem";
import { finish } from "../../src/geodesics/steps";
import type { MetricField } from "../../src/types";

export interface Ready {
  problem: EikonalProblem;
  lattice: MarchLattice;
  march(source: At): March;
  find(start: At, end: At, effort?: Effort): Path;
  refine(start: At, end: At, known?: March[]): Refined;
}

export function makeReady(field: MetricField): Ready {
  const problem = prepare(field);
  const lattice = finish(prepareLattice(problem));
  const march = (source: At) => finish(marchFrom(problem, lattice, source));
  return {
    problem,
    lattice,
    march,
    find: (start, end, effort) => findPath(problem, march(start), end, effort),
    refine: (start, end, known) => finish(refine(problem, lattice, { start, end }, known)),
  };
}
