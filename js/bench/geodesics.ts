/**
 * Times of the solver: in Node by `npm run bench`, in Chromium, whose clock runs in steps of 0.1 ms, by
 * `python benchmarks/frames.py --solver`.
 */

import { flatMesh } from "../src/field/mesh";
import { refine } from "../src/geodesics/candidates";
import { bend, findPath, marchFrom } from "../src/geodesics/geodesic";
import { invertMap, measureLine, slerp, straight, stretched } from "../src/geodesics/lines";
import { prepare, prepareLattice } from "../src/geodesics/problem";
import { sampleByLength } from "../src/geodesics/sampling";
import { PIECES, speedsAlong } from "../src/geodesics/speed";
import { finish } from "../src/geodesics/steps";
import type { MetricField } from "../src/types";

function hills(n: number): MetricField {
  const metric = new Float32Array(3 * n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [x, y] = [-3 + (6 * (j + 0.5)) / n, -3 + (6 * (i + 0.5)) / n];
      const rho = 10 ** (Math.sin(1.3 * x + 0.4) * Math.cos(1.1 * y) + 0.6 * Math.sin(0.7 * x * y));
      metric.set([rho * (1.5 + Math.sin(x)), 0.6 * rho * Math.cos(y), rho * 1.2], 3 * (i * n + j));
    }
  }
  return { shape: [n, n], extent: [-3, 3, -3, 3], metric };
}

const now = (): number => performance.now();

function print(name: string, times: number[]): void {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)].toFixed(2).padStart(8);
  console.log(`${name.padEnd(44)} ${at(0.5)} ${at(0.99)} ${at(1)}`);
}

function timed(count: number, run: (k: number) => void): number[] {
  for (let k = 0; k < 20; k++) run(k);
  return Array.from({ length: count }, (_, k) => {
    const since = now();
    run(k);
    return now() - since;
  });
}

const around = (k: number): [number, number] => [1.2 + 1.2 * Math.cos(k / 37), -0.6 + 1.5 * Math.sin(k / 23)];

console.log(`${"ms".padEnd(44)} ${"median".padStart(8)} ${"p99".padStart(8)} ${"max".padStart(8)}`);
for (const n of [64, 128, 256]) {
  const field = hills(n);
  const problem = prepare(field);
  const lattice = finish(prepareLattice(problem));
  const march = (source: [number, number]) => finish(marchFrom(problem, lattice, source));
  const refineTo = (end: [number, number]) => refine(problem, lattice, { start: [-2, 1], end }, [from]);
  const from = march([-2, 1]);
  const map = invertMap(flatMesh(field.extent, field.shape));
  const about = { foot: [0, 0] as [number, number], gram: [1, 0, 1] as [number, number, number], height: 0 };
  print(`${n}²: a field made ready, and a first march`, timed(15, (k) => {
    const fresh = prepare({ ...field });
    finish(marchFrom(fresh, finish(prepareLattice(fresh)), around(k)));
  }));
  print(`${n}²: a march on a ready field`, timed(60, (k) => march(around(k))));
  print(`${n}²: the worker refines a drop`, timed(40, (k) => finish(refineTo(around(5 * k)))));
  const slices: number[] = [];
  for (let k = 0; k < 12; k++) {
    const steps = refineTo(around(31 * k));
    for (let since = now(), done = false; !done; since = now()) {
      done = steps.next().done === true;
      slices.push(now() - since);
    }
  }
  print(`${n}²: without a worker, one step of that`, slices);
  print(`${n}²: a new field, before its march is ready`, timed(20, (k) => bend(prepare({ ...field }), null, [-2, 1], around(k), 6)));
  print(`${n}²: drag, the geodesic`, timed(400, (k) => findPath(problem, from, around(k), { rounds: 6 })));
  print(`${n}²: the same without an end to Newton's steps`, timed(400, (k) => findPath(problem, from, around(k))));
  const excess = Array.from({ length: 200 }, (_, k) => {
    const refined = finish(refineTo(around(7 * k))).path.length;
    return 100 * (findPath(problem, from, around(7 * k), { rounds: 6 }).length / refined - 1);
  });
  print(`${n}²: drag, excess over the refined length, %`, excess);
  print(
    `${n}²: drag, four lines with samples and speed`,
    timed(400, (k) => {
      const to = around(k);
      const line = straight(problem, [-2, 1], to);
      const found = [findPath(problem, from, to, { rounds: 6 }).points, line.points];
      for (const other of [stretched(map, [-2, 1], to), slerp(about, field.extent, [-2, 1], to)]) {
        if (typeof other !== "string") found.push(other);
      }
      for (const points of found) {
        measureLine(problem, points, line.length);
        sampleByLength(problem, points, 10);
        speedsAlong(field, sampleByLength(problem, points, PIECES + 1));
      }
    }),
  );
}
