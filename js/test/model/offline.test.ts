import { describe, expect, it, vi } from "vitest";
import { createOfflineModel, decodeBase64 } from "../../src/model/offline";
import { toArray } from "../../src/model/serialization";
import type { WireArray } from "../../src/types";

const array = { dtype: "float32", shape: [2], base64: btoa(String.fromCharCode(0, 0, 128, 63, 0, 0, 0, 64)) };

describe("revived", () => {
  it("puts bytes back at any depth and leaves the rest", () => {
    const { list, name } = decodeBase64({ list: [{ metric: array }, null], name: "</script>" }) as {
      list: [{ metric: WireArray }, null];
      name: string;
    };
    expect(Array.from(toArray(list[0].metric))).toEqual([1, 2]);
    expect(list[1]).toBeNull();
    expect(name).toBe("</script>");
  });
});

describe("a model without a kernel", () => {
  const state = { weights: { a: 1, b: 0 }, temper: 1, stretch: 0, _status: { state: "ready", message: "" } };

  it("tells every listener until it is taken off", () => {
    const model = createOfflineModel(state);
    const heard = vi.fn();
    model.on("change:stretch", heard);
    model.set("stretch", 0.5);
    expect(model.get("stretch")).toBe(0.5);
    model.off("change:stretch", heard);
    model.set("stretch", 1);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("stretches to the maps that it was saved with", () => {
    const [flat, free] = [{ key: "0" }, { key: "1" }];
    const model = createOfflineModel({ ...state, map_method: "cartogram", _map: flat, maps: { isometric: free } });
    const heard = vi.fn();
    model.on("change:_map", heard);
    expect(model.maps).toEqual(["isometric", "cartogram"]);
    model.set("map_method", "isometric");
    expect(heard).toHaveBeenCalledTimes(1);
    expect(model.get("_map")).toMatchObject({ key: "1" });
    model.set("map_method", "cartogram");
    expect(model.get("_map")).toMatchObject({ key: "0" });
    expect(createOfflineModel({ ...state, map_method: "cartogram", _map: flat }).maps).toEqual(["cartogram"]);
  });

  it("says when the stretched map is no longer that of the measures shown", () => {
    const model = createOfflineModel(state);
    model.set("weights", { b: 0, a: 2 });
    expect(model.get("_status")).toMatchObject({ state: "warning", message: expect.stringContaining("as exported") });
    model.set("weights", { b: 0, a: 1 });
    expect(model.get("_status").state).toBe("ready");
    model.set("temper", 0.5);
    expect(model.get("_status").state).toBe("warning");
  });
});
