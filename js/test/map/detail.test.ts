import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDetail } from "../../src/map/detail";
import type { Pictures } from "../../src/model/sprites";
import { recordedModel } from "../recorded_model";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("thumbnails in full detail", () => {
  const setUp = () => {
    const model = recordedModel({});
    const arrived = vi.fn();
    return { model, arrived, detail: createDetail(model, arrived) };
  };
  const answer = { type: "decoded", size: [1, 1], counts: [2] };
  const places = Float64Array.of(1, 2, 3, 4);

  it("are asked for once the look has come to rest, and handed on with their places", () => {
    const { model, arrived, detail } = setUp();
    detail.request(Float64Array.of(9, 9));
    vi.advanceTimersByTime(100);
    detail.request(places);
    vi.advanceTimersByTime(300);
    expect(model.sent).toEqual([{ type: "decode", id: expect.any(Number), paths: [{ kind: "map", points: [[1, 2], [3, 4]] }] }]);
    const { id } = model.sent[0] as { id: number };
    model.emit("msg:custom", { ...answer, id }, [Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255).buffer]);
    expect(arrived).toHaveBeenCalledOnce();
    expect(arrived.mock.calls[0][0]).toBe(places);
    expect(Array.from((arrived.mock.calls[0] as [Float64Array, Pictures])[1].rgba)).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
  });

  it("are forgotten when the look moves on, and not asked for again where there is no model", () => {
    const { model, arrived, detail } = setUp();
    detail.request(places);
    vi.advanceTimersByTime(300);
    detail.request(null);
    const { id } = model.sent[0] as { id: number };
    model.emit("msg:custom", { ...answer, id }, [new ArrayBuffer(8)]);
    expect(arrived).not.toHaveBeenCalled();
    detail.request(places);
    vi.advanceTimersByTime(300);
    model.emit("msg:custom", { type: "error", id: (model.sent[1] as { id: number }).id, message: "no decoder" }, []);
    detail.request(places);
    vi.advanceTimersByTime(300);
    expect(model.sent).toHaveLength(2);
  });
});
