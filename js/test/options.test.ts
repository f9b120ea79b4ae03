import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import options from "../../latent_widget/display/options.json";

/** Names of an interface's own members, or of the strings that a type allows, as its text says them. */
const types = readFileSync(resolve(__dirname, "../src/types.ts"), "utf8");
const membersOf = (name: string): string[] => {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(types)![1];
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
};
const valuesOf = (name: string): string[] => {
  const text = new RegExp(`export type ${name} = ([^;]*);`).exec(types)![1];
  return [...text.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
};

describe("what Python and the front end both name", () => {
  it("are the same traits", () => {
    expect(membersOf("Traits").sort()).toEqual([...options.public, ...options.wired].sort());
  });

  it("are the same layers and paths", () => {
    expect(membersOf("Shown")).toEqual(Object.keys(options.shown));
    expect(valuesOf("PathKind").sort()).toEqual(Object.keys(options.spaced).sort());
  });

  it.each([
    ["MapMethod", options.map_methods],
    ["ColourBy", options.colour_by],
    ["Renderer", options.renderers],
    ["Spacing", options.spacings],
  ])("are the same values of %s", (name, values) => {
    expect(valuesOf(name)).toEqual(values);
  });
});
