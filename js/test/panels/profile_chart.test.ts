import { describe, expect, it } from "vitest";
import { createProfile, cumulativeLength } from "../../src/panels/profile_chart";
import { LIGHT } from "../../src/style/colour";

describe("profile", () => {
  it("adds speeds up to the length of the path", () => {
    expect(Array.from(cumulativeLength({ length: 6, speeds: Float64Array.of(0.5, 1.5, 1) }))).toEqual([0, 1, 4, 6]);
  });

  it("is drawn when it is opened, and says what it shows", () => {
    const parent = document.createElement("div");
    document.body.replaceChildren(parent);
    const profile = createProfile(parent);
    profile.draw(
      [
        { kind: "geodesic", length: 2, speeds: Float64Array.of(1, 1) },
        { kind: "straight", length: 4, speeds: Float64Array.of(1.5, 0.5) },
      ],
      LIGHT,
    );
    const line = (kind: string) => parent.querySelector(`[data-lw="profile-${kind}"]`)!.getAttribute("d");
    expect(line("geodesic")).toBeNull();
    const details = parent.querySelector("details")!;
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    expect(line("geodesic")).toBe("M0.0 140.0L500.0 105.0L1000.0 70.0");
    expect(line("straight")).toBe("M0.0 140.0L500.0 35.0L1000.0 0.0");
    expect(line("slerp")).toBe("");
    expect(parent.querySelector("svg")!.getAttribute("aria-label")).toContain("Straight line: 3 of 4 half way");
  });
});
