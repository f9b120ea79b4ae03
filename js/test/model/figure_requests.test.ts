import { describe, expect, it } from "vitest";
import { requestFigure } from "../../src/model/figure_requests";
import { recordedModel } from "../recorded_model";

describe("a figure from the kernel", () => {
  const ask = () => {
    const model = recordedModel();
    const figure = requestFigure(model, "pdf", { width: 5, dpi: 200 });
    const [request] = model.sent as { type: string; id: number }[];
    return { model, figure, request };
  };

  it("is asked for with its size, and is the bytes of the answer to that request", async () => {
    const { model, figure, request } = ask();
    expect(request).toEqual({ type: "figure", id: expect.any(Number), format: "pdf", width: 5, dpi: 200 });
    model.emit("msg:custom", { type: "figure", id: request.id + 1 }, [Uint8Array.of(9).buffer]);
    model.emit("msg:custom", { type: "figure", id: request.id }, [new DataView(Uint8Array.of(0, 37, 80, 68).buffer, 1)]);
    expect(Array.from(await figure)).toEqual([37, 80, 68]);
  });

  it("fails in the kernel's words", async () => {
    const { model, figure, request } = ask();
    model.emit("msg:custom", { type: "error", id: request.id, message: "width must be a number from 1 to 40, got 90" });
    await expect(figure).rejects.toThrow("width must be a number from 1 to 40");
  });
});
