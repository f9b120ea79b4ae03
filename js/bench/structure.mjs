/** Measures of the front end's structure as JSON: functions with their length and parameters, and who imports whom. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import ts from "typescript";

const root = process.argv[2] ?? "src";
const files = readdirSync(root, { recursive: true, encoding: "utf-8" }).filter((name) => name.endsWith(".ts"));
const functions = [];
const imports = {};

for (const name of files) {
  const path = join(root, name);
  const text = readFileSync(path, "utf-8");
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const line = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  imports[name] = source.statements
    .filter((node) => ts.isImportDeclaration(node))
    .map((node) => node.moduleSpecifier.text)
    .filter((from) => from.startsWith("."))
    .map((from) => `${relative(root, normalize(join(dirname(path), from)))}.ts`)
    .filter((from) => files.includes(from));
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const lines = line(node.getEnd()) - line(node.getStart()) + 1;
      functions.push({ file: name, name: node.name?.getText() ?? "(unnamed)", lines, parameters: node.parameters.length });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
process.stdout.write(JSON.stringify({ files, functions, imports }));
