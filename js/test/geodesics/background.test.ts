import { afterEach, describe, expect, it, vi } from "vitest";
import { createRefiner } from "../../src/geodesics/background";
import { prepare } from "../../src/geodesics/problem";
import type { MetricField, Point } from "../../src/types";
import { makeReady } from "./ready";

function hills(n: number, seed = 1): MetricField {
  const metric = new Float32Array(3 * n * n);
  for (let k = 0; k < n * n; k++) {
    const [x, y] = [((k % n) + 0.5) / n, (Math.floor(k / n) + 0.5) / n];
    const rho = 1 + 8 * Math.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.03) * seed;
    metric.set([rho, 0.2 * Math.sin(x), rho], 3 * k);
  }
  return { shape: [n, n], extent: [0, 1, 0, 1], metric };
}

const A: Point = [0.1, 0.45];
const B: Point = [0.9, 0.4];
const C: Point = [0.8, 0.8];

afterEach(() => vi.unstubAllGlobals());

describe("refining in slices", () => {
  it("lets others run in between, and gives the path of both marches", async () => {
    const problem = prepare(hills(64));
    const arrived = vi.fn();
    const refiner = createRefiner(arrived);
    let others = 0;
    const other = () => {
      others++;
      if (arrived.mock.calls.length === 0) setTimeout(other, 0);
    };
    refiner.refine({ problem, start: A, end: B });
    expect(refiner.refined({ problem, start: A, end: B })).toBeNull();
    setTimeout(other, 0);
    await vi.waitFor(() => expect(arrived).toHaveBeenCalledOnce(), 5000);
    expect(others).toBeGreaterThan(1);
    const { path } = refiner.refined({ problem, start: A, end: B })!;
    expect(path.length).toBeCloseTo(makeReady(hills(64)).refine(A, B).path.length, 10);
    expect(refiner.march(problem, A)!.source).toEqual(A);
    expect(refiner.march(problem, B)!.source).toEqual(B);
    expect(refiner.march(problem, C)).toBeNull();
    expect(refiner.refined({ problem: prepare(hills(64)), start: A, end: B })).toBeNull();
  });

  it("forgets what waited when something newer is asked for", async () => {
    const problem = prepare(hills(32));
    const arrived = vi.fn();
    const refiner = createRefiner(arrived);
    refiner.refine({ problem, start: A, end: B });
    refiner.refine({ problem, start: B, end: C });
    refiner.refine({ problem, start: A, end: C });
    await vi.waitFor(() => expect(refiner.refined({ problem, start: A, end: C })).not.toBeNull(), 5000);
    expect(arrived).toHaveBeenCalledTimes(2);
  });

  it("stops when it is closed", async () => {
    const arrived = vi.fn();
    const refiner = createRefiner(arrived);
    refiner.refine({ problem: prepare(hills(32)), start: A, end: B });
    refiner.close();
    await new Promise((done) => setTimeout(done, 100));
    expect(arrived).not.toHaveBeenCalled();
  });
});

describe("refining in a worker", () => {
  it("goes on in slices where the host refuses the worker", async () => {
    const terminated = vi.fn();
    vi.stubGlobal("REFINE_WORKER", "");
    vi.stubGlobal("URL", { createObjectURL: () => "blob:none", revokeObjectURL: () => undefined });
    vi.stubGlobal(
      "Worker",
      class {
        onerror: ((event: { preventDefault(): void }) => void) | null = null;
        terminate = terminated;
        postMessage() {
          setTimeout(() => this.onerror!({ preventDefault: () => undefined }), 0);
        }
      },
    );
    const problem = prepare(hills(32));
    const refiner = createRefiner(() => undefined);
    refiner.refine({ problem, start: A, end: B });
    await vi.waitFor(() => expect(refiner.refined({ problem, start: A, end: B })).not.toBeNull(), 5000);
    expect(terminated).toHaveBeenCalledOnce();
  });

  it("answers requests, and keeps the field and the marches between them", async () => {
    const answers: { id: number; refined: { path: { length: number }; there: object } }[] = [];
    vi.stubGlobal("postMessage", (answer: never) => answers.push(structuredClone(answer)));
    await import("../../src/geodesics/background.worker");
    const worker = globalThis as unknown as { onmessage(event: { data: object }): void };
    worker.onmessage({ data: { id: 1, field: hills(32), start: A, end: B } });
    worker.onmessage({ data: { id: 2, field: null, start: A, end: C } });
    worker.onmessage({ data: { id: 3, field: hills(32, 2), start: A, end: C } });
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(answers[1].refined.there).toEqual(answers[0].refined.there);
    expect(answers[2].refined.path.length).toBeGreaterThan(answers[1].refined.path.length);
    expect(answers[1].refined.path.length).toBeCloseTo(makeReady(hills(32)).refine(A, C).path.length, 10);
  });
});
