import { describe, expect, it, vi } from "vitest";
import { createDecodeRequests, type Answer, type Wanted } from "../../src/model/decode_requests";
import { recordedModel } from "../recorded_model";

const path = (x: number): Wanted[] => [
  { kind: "geodesic", points: [[x, 0], [x, 1]] },
  { kind: "straight", points: [[x, 2]] },
];

function setUp() {
  const model = recordedModel();
  const answers: Answer[] = [];
  const kernel = createDecodeRequests(model, (answer) => answers.push(answer));
  const ids = () => (model.sent as { id: number }[]).map(({ id }) => id);
  const reply = (id: number, extra: object = {}) => {
    const rgba = Uint8Array.from({ length: 3 * 4 }, (_, k) => k);
    model.emit("msg:custom", { type: "decoded", id, size: [1, 1], counts: [2, 1], ...extra }, [new DataView(rgba.buffer)]);
  };
  return { model, answers, kernel, ids, reply };
}

describe("decodes", () => {
  it("sends one request and hands out its pictures by path", () => {
    const { model, answers, kernel, ids, reply } = setUp();
    kernel.ask(path(1));
    expect(model.sent).toEqual([{ type: "decode", id: expect.any(Number), paths: path(1) }]);
    reply(ids()[0]);
    const [answer] = answers;
    if (!answer || "error" in answer) throw new Error("no pictures");
    expect(answer.pictures.get("geodesic")).toEqual({ count: 2, size: [1, 1], rgba: Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]) });
    expect(Array.from(answer.pictures.get("straight")!.rgba)).toEqual([8, 9, 10, 11]);
  });

  it("keeps one in flight; the latest waits and wins", () => {
    const { model, answers, kernel, ids, reply } = setUp();
    for (const x of [1, 2, 3, 4]) kernel.ask(path(x));
    expect(model.sent).toHaveLength(1);
    reply(ids()[0]);
    expect(answers).toHaveLength(0);
    expect(model.sent).toHaveLength(2);
    expect(model.sent[1]).toMatchObject({ paths: path(4) });
    reply(ids()[1]);
    expect(answers).toHaveLength(1);
  });

  it("drops answers to other requests, to another view's, and to paths that have moved on", () => {
    const { answers, kernel, ids, reply } = setUp();
    kernel.ask(path(1));
    reply(ids()[0] + 1000);
    kernel.drop();
    reply(ids()[0]);
    expect(answers).toHaveLength(0);
    kernel.ask(path(2));
    reply(ids()[1]);
    reply(ids()[1]);
    expect(answers).toHaveLength(1);
  });

  it("says what went wrong", () => {
    const { answers, kernel, ids, reply } = setUp();
    kernel.ask(path(1));
    reply(ids()[0], { type: "error", message: "the model fell over" });
    expect(answers).toEqual([{ error: "the model fell over" }]);
  });

  it("asks again when a kernel has been silent for long", () => {
    vi.useFakeTimers();
    const { model, kernel } = setUp();
    kernel.ask(path(1));
    vi.advanceTimersByTime(11_000);
    kernel.ask(path(2));
    expect(model.sent).toHaveLength(2);
    vi.useRealTimers();
  });

  it("listens no more once closed", () => {
    const { answers, kernel, ids, reply } = setUp();
    kernel.ask(path(1));
    kernel.close();
    reply(ids()[0]);
    expect(answers).toHaveLength(0);
  });
});
