/** Long computations as generators, so that a page may draw a frame between their steps. */

/** A computation that may be put aside between its steps. */
export type Steps<T> = Generator<void, T, void>;

/** Nodes of a lattice that are worked on in one step: about a millisecond. */
export const NODES_PER_STEP = 1024;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
