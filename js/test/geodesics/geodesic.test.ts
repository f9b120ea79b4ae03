import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findPasses } from "../../src/geodesics/candidates";
import { findPath } from "../../src/geodesics/geodesic";
import { straight } from "../../src/geodesics/lines";
import { sampleByDistance, sampleByLength } from "../../src/geodesics/sampling";
import { jet, spline, tensor } from "../../src/geodesics/spline";
import type { MetricField } from "../../src/types";
import { makeReady } from "./ready";

interface Fixture {
  name: string;
  extent: [number, number, number, number];
  shape: [number, number];
  metric: number[];
  paths: { start: [number, number]; end: [number, number]; length: number; straightLength: number; samples: number[][] }[];
}

const fixtures = JSON.parse(readFileSync(resolve(__dirname, "../fixtures/geodesics.json"), "utf8")) as Fixture[];

function toField(fixture: Fixture): MetricField {
  return { shape: fixture.shape, extent: fixture.extent, metric: Float32Array.from(fixture.metric) };
}

/** The unit sphere by inverse stereographic projection: G = 4 / (1 + r^2)^2 I. */
function sphere(n: number, half = 1.2): MetricField {
  const metric = new Float32Array(3 * n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const x = -half + ((j + 0.5) * 2 * half) / n;
      const y = -half + ((i + 0.5) * 2 * half) / n;
      metric[3 * (i * n + j)] = metric[3 * (i * n + j) + 2] = 4 / (1 + x * x + y * y) ** 2;
    }
  }
  return { shape: [n, n], extent: [-half, half, -half, half], metric };
}

function onSphere([x, y]: [number, number]): number[] {
  const r = x * x + y * y;
  return [(2 * x) / (1 + r), (2 * y) / (1 + r), (r - 1) / (1 + r)];
}

function greatCircle(a: [number, number], b: [number, number]): number {
  const [p, q] = [onSphere(a), onSphere(b)];
  return 2 * Math.asin(0.5 * Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
}

describe.each(fixtures)("the answers of Python, refined from both ends: $name", (fixture) => {
  const ready = makeReady(toField(fixture));
  it.each(fixture.paths)("from $start to $end", ({ start, end, length }) => {
    const { path, there } = ready.refine(start, end);
    expect(Math.abs(path.length - length)).toBeLessThanOrEqual(5e-6 * length);
    // what is known need not be marched again, and gives the same
    const again = ready.refine(end, start, [there]);
    expect(again.back).toBe(there);
    expect(Math.abs(again.path.length - length)).toBeLessThanOrEqual(1e-5 * length);
  });
});

describe("close calls", () => {
  const hill = fixtures.find(({ name }) => name === "hill")!;
  it.each(hill.paths)("show the ways on both sides of the hill, from $start to $end", ({ start, end }) => {
    const { march } = makeReady(toField(hill));
    const rows = findPasses(march(start).found, march(end).found, 128, 128).map((node) => Math.floor(node / 128));
    expect(Math.min(...rows)).toBeLessThan(50);
    expect(Math.max(...rows)).toBeGreaterThan(78);
  });
});

describe.each(fixtures)("marches over $name", (fixture) => {
  it.each(fixture.paths)("put no node before the one it came from, from $start", ({ start }) => {
    const { u, parent } = makeReady(toField(fixture)).march(start).found;
    expect(u.every((value) => value >= 0)).toBe(true);
    expect(parent.every((node, n) => node < 0 || u[n] >= u[node])).toBe(true);
  });
});

describe.each(fixtures)("the answers of Python: $name", (fixture) => {
  const ready = makeReady(toField(fixture));
  it.each(fixture.paths)("from $start to $end", ({ start, end, length, straightLength, samples }) => {
    const path = ready.find(start, end);
    expect(Math.abs(path.length - length)).toBeLessThanOrEqual(5e-6 * length);
    expect(Math.abs(path.straightLength - straightLength)).toBeLessThanOrEqual(1e-7 * straightLength);
    expect(path.converged).toBe(true);
    const found = sampleByLength(ready.problem, path.points, samples.length);
    const span = fixture.extent[1] - fixture.extent[0];
    samples.forEach(([x, y], k) => {
      expect(Math.hypot(found[2 * k] - x, found[2 * k + 1] - y)).toBeLessThan(2e-3 * span);
    });
  });
});

describe("closed forms", () => {
  const ready = makeReady(sphere(128));
  const pairs: [[number, number], [number, number]][] = [
    [[-0.7, 0.2], [0.6, 0.5]],
    [[0.1, -0.8], [0.3, 0.75]],
    [[-0.5, -0.5], [-0.4, 0.6]],
    [[0, 0], [0.01, 0.02]],
  ];
  it.each(pairs)("is a great circle from %j to %j", (a, b) => {
    const path = ready.find(a, b);
    expect(Math.abs(path.length / greatCircle(a, b) - 1)).toBeLessThan(2e-5);
    expect(path.length).toBeLessThanOrEqual(path.straightLength);
    expect([...path.points.slice(0, 2), ...path.points.slice(-2)]).toEqual([...a, ...b].map((c) => expect.closeTo(c, 12)));
  });

  it("is the same length backwards", () => {
    const [a, b] = pairs[0];
    const forth = ready.find(a, b).length;
    expect(Math.abs(ready.find(b, a).length / forth - 1)).toBeLessThan(1e-6);
  });

  it("follows a dragged end from one march, up to and beyond the edges of the map", () => {
    const from = ready.march([-0.3, 0.1]);
    for (let k = 0; k < 60; k++) {
      const target: [number, number] = [1.3 * Math.cos(0.3 * k), 1.3 * Math.sin(0.3 * k)];
      const path = findPath(ready.problem, from, target);
      expect(path.points.every((c) => Math.abs(c) <= 1.2 + 1e-12)).toBe(true);
      expect(path.length).toBeGreaterThan(0);
      expect(path.length).toBeLessThanOrEqual(path.straightLength);
    }
  });

  it("gives the number of nodes asked for", () => {
    expect(ready.find([0, 0], [0.5, 0.5], { nodes: 33 }).points.length).toBe(66);
    expect(straight(ready.problem, [0, 0], [0.5, 0.5], 5).points.length).toBe(10);
  });
});

describe("the spline", () => {
  it("has the derivatives that differences of its values show", () => {
    const s = spline(toField(fixtures[2]));
    const at = new Float64Array(18);
    const [ahead, behind] = [new Float64Array(18), new Float64Array(18)];
    const h = 1e-5;
    for (const [u, v] of [[3.3, 4.7], [10.2, 0.1], [22.9, 12.4], [-0.3, 23.2]]) {
      jet(s, u, v, at);
      for (const [axis, du, dv] of [[0, h, 0], [1, 0, h]]) {
        jet(s, u + du, v + dv, ahead);
        jet(s, u - du, v - dv, behind);
        for (let c = 0; c < 3; c++) {
          const slope = (ahead[c] - behind[c]) / (2 * h);
          const scale = 1e-5 * (Math.abs(at[0]) + Math.abs(at[2]));
          expect(Math.abs(at[3 + 3 * axis + c] - slope)).toBeLessThan(scale);
          const bendU = (ahead[3 + c] - behind[3 + c]) / (2 * h);
          expect(Math.abs(at[9 + 3 * axis + c] - bendU)).toBeLessThan(scale);
          const bendV = (ahead[6 + c] - behind[6 + c]) / (2 * h);
          expect(Math.abs(at[12 + 3 * axis + c] - bendV)).toBeLessThan(scale);
        }
      }
    }
  });

  it("passes through the cells and stays positive-definite on a field that jumps", () => {
    const n = 12;
    const metric = new Float32Array(3 * n * n);
    for (let k = 0; k < n * n; k++) {
      const odd = (Math.floor(k / n) + k) % 2 === 1;
      metric.set(odd ? [1e4, 0, 1] : [1, 0, 1e4], 3 * k);
    }
    const s = spline({ shape: [n, n], extent: [0, n, 0, n], metric });
    const out = new Float64Array(3);
    tensor(s, 4, 5, out);
    expect(out[0] / 1e4).toBeCloseTo(1, 6);
    for (let k = 0; k < 400; k++) {
      tensor(s, (k % 20) * 0.6 - 0.5, Math.floor(k / 20) * 0.6 - 0.5, out);
      expect(out[0] > 0 && out[0] * out[2] - out[1] * out[1] > 0).toBe(true);
    }
  });
});

describe("samples", () => {
  it("are even along the plane, and even by length", () => {
    const { problem } = makeReady(sphere(64));
    const line = straight(problem, [0, 0], [1, 0], 50).points;
    const plane = sampleByDistance(line, 6);
    expect([...plane]).toEqual([0, 0, 0.2, 0, 0.4, 0, 0.6, 0, 0.8, 0, 1, 0].map((c) => expect.closeTo(c, 9)));
    const measured = sampleByLength(problem, line, 6);
    // the arc from the pole to r is 2 atan r, so even steps are tangents of even angles
    [0, 1, 2, 3, 4, 5].forEach((k) => expect(measured[2 * k]).toBeCloseTo(Math.tan((Math.PI / 4) * (k / 5)), 4));
  });

  it("says when the metric does not fit the shape", () => {
    const field: MetricField = { shape: [4, 4], extent: [0, 1, 0, 1], metric: new Float32Array(10) };
    expect(() => makeReady(field)).toThrow(/metric holds 10 numbers/);
  });
});
