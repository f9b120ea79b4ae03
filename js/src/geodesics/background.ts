/**
 * Refining the geodesic between two ends without holding up a frame: in a worker made from the bundle's own text, or, where
 * the host forbids workers, in slices of a few milliseconds. Only the latest pair of ends counts.
 */

import type { Point } from "../types";
import type { Answer, Request } from "./background.worker";
import { refine, type Refined } from "./candidates";
import type { March } from "./geodesic";
import { prepareLattice, type EikonalProblem, type MarchLattice } from "./problem";
import type { Steps } from "./steps";

/** The worker's bundle as text, put here by build.mjs; tests run without it. */
declare const REFINE_WORKER: string;
/** Milliseconds of a slice. */
const SLICE = 5;

/** Two ends on a field, between which a path is wanted. */
export interface Wanted {
  problem: EikonalProblem;
  start: Point;
  end: Point;
}

export interface Refiner {
  /** Sets out to refine the path between two ends; a request that still waits is forgotten. */
  refine(wanted: Wanted): void;
  /** The path between exactly these ends, once it is refined. */
  refined(wanted: Wanted): Refined | null;
  /** A march from a source, where one is at hand. */
  march(problem: EikonalProblem, source: Point): March | null;
  close(): void;
}

/** Calls `arrived` with each path that is refined. */
export function createRefiner(arrived: () => void): Refiner {
  let known: { problem: EikonalProblem; refined: Refined } | null = null;
  let running: { id: number; wanted: Wanted } | null = null;
  let waiting: Wanted | null = null;
  let counter = 0;
  const slices = createSlices();
  let worker = startWorker(take, () => {
    // forbidden after all, or out of memory: what it had in hand is done in slices
    worker?.close();
    worker = null;
    if (running) run(running.wanted);
  });

  function run(wanted: Wanted): void {
    const id = ++counter;
    running = { id, wanted };
    if (worker) worker.send(id, wanted);
    else slices.run(wanted, known?.problem === wanted.problem ? known.refined : null, (refined) => take({ id, refined }));
  }

  function take({ id, refined }: Answer): void {
    if (running?.id !== id) return;
    known = { problem: running.wanted.problem, refined };
    const next = waiting;
    running = waiting = null;
    if (next) run(next);
    arrived();
  }

  return {
    refine({ problem, start, end }) {
      const wanted: Wanted = { problem, start: [...start], end: [...end] };
      if (!running) run(wanted);
      else if (!same(running.wanted, wanted)) waiting = wanted;
    },
    refined({ problem, start, end }) {
      if (known?.problem !== problem) return null;
      const { there, back } = known.refined;
      return startsAt(there, start) && startsAt(back, end) ? known.refined : null;
    },
    march(problem, source) {
      if (known?.problem !== problem) return null;
      const { there, back } = known.refined;
      return startsAt(there, source) ? there : startsAt(back, source) ? back : null;
    },
    close() {
      slices.close();
      running = waiting = null;
      worker?.close();
    },
  };
}

function startsAt({ source }: March, at: Point): boolean {
  return source[0] === at[0] && source[1] === at[1];
}

function same(a: Wanted, b: Wanted): boolean {
  return a.problem === b.problem && [0, 1].every((c) => a.start[c] === b.start[c] && a.end[c] === b.end[c]);
}

interface Slices {
  /** Refines in slices; `known` is what was refined last on the same field. */
  run(wanted: Wanted, known: Refined | null, done: (refined: Refined) => void): void;
  close(): void;
}

function createSlices(): Slices {
  let prepared: { problem: EikonalProblem; lattice: MarchLattice } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function* steps({ problem, start, end }: Wanted, known: Refined | null): Steps<Refined> {
    if (prepared?.problem !== problem) prepared = { problem, lattice: yield* prepareLattice(problem) };
    return yield* refine(problem, prepared.lattice, { start, end }, known ? [known.there, known.back] : []);
  }

  return {
    run(wanted, known, done) {
      const under = steps(wanted, known);
      const slice = (): void => {
        const until = performance.now() + SLICE;
        while (performance.now() < until) {
          const step = under.next();
          if (step.done) {
            done(step.value);
            return;
          }
        }
        timer = setTimeout(slice, 0);
      };
      timer = setTimeout(slice, 0);
    },
    close: () => clearTimeout(timer),
  };
}

interface RefineWorker {
  send(id: number, wanted: Wanted): void;
  close(): void;
}

/** A worker, or null where there can be none; a host may also refuse it later, by an error. */
function startWorker(take: (answer: Answer) => void, failed: () => void): RefineWorker | null {
  if (typeof REFINE_WORKER === "undefined" || typeof Worker === "undefined") return null;
  const address = URL.createObjectURL(new Blob([REFINE_WORKER], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    let sent: EikonalProblem | null = null;
    worker.onmessage = ({ data }: MessageEvent<Answer>) => take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      failed();
    };
    return {
      send(id, { problem, start, end }) {
        const request: Request = { id, field: sent === problem ? null : problem.field, start, end };
        worker.postMessage(request);
        sent = problem;
      },
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
