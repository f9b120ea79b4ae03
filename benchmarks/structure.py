"""The structure of the code in figures: files a folder, longest functions and signatures, circles of imports.

    python benchmarks/structure.py                        # this checkout
    python benchmarks/structure.py --root ../elsewhere    # another one, for instance a worktree of an older commit

The front end is read by the TypeScript compiler (needs Node, and `npm ci` in this checkout's js/). Lines of a Python
function count its docstring out; imports for Python's type checkers alone do not count.
"""

import argparse
import ast
import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components

HERE = Path(__file__).resolve().parents[1]
TOP = 5

Graph = dict[str, list[str]]
"""Of every file, those that it imports."""


def read_python(package: Path) -> tuple[list[Path], list[tuple], Graph]:
    """Files; functions as (parameters, lines, file, name); and the graph of imports between files."""
    files = sorted(package.rglob("*.py"))
    names = {
        ".".join((package.name, *f.relative_to(package).with_suffix("").parts)).removesuffix(".__init__"): f
        for f in files
    }
    functions, graph = [], {}
    for name, file in names.items():
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                a = node.args
                count = len([*a.posonlyargs, *a.args, *a.kwonlyargs]) + (a.vararg is not None) + (a.kwarg is not None)
                first = node.body[0]
                said = (
                    isinstance(first, ast.Expr)
                    and isinstance(first.value, ast.Constant)
                    and isinstance(first.value.value, str)
                )
                lines = node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if said else 0)
                functions.append((count, lines, file.relative_to(package.parent).as_posix(), node.name))
        found = {alias if alias in names else source for source, alias in find_imports(tree)}
        graph[name] = sorted((found & names.keys()) - {name, package.name})
    return files, functions, graph


def find_imports(node: ast.AST) -> list[tuple[str, str]]:
    """Modules and the full names of what is taken from them, those for type checkers apart."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            found += [(alias.name, alias.name) for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            found += [(child.module, f"{child.module}.{alias.name}") for alias in child.names]
        else:
            found += find_imports(child)
    return found


def read_typescript(source: Path) -> tuple[list[Path], list[tuple], Graph]:
    """The same of the front end."""
    command = ["node", str(HERE / "js" / "bench" / "structure.mjs"), str(source)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE / "js").stdout)
    functions = [(f["parameters"], f["lines"], f"js/src/{f['file']}", f["name"]) for f in told["functions"]]
    return [source / name for name in told["files"]], functions, told["imports"]


def find_circles(graph: Graph) -> list[list[str]]:
    """Files that import one another, round about."""
    names = sorted(graph)
    links = np.zeros((len(names), len(names)), bool)
    for name, others in graph.items():
        links[names.index(name), [names.index(other) for other in others]] = True
    count, part = connected_components(links, connection="strong")
    parts = [[name for name, own in zip(names, part, strict=True) if own == k] for k in range(count)]
    return [names for names in parts if len(names) > 1]


def report(title: str, root: Path, files: list[Path], functions: list[tuple], graph: Graph) -> None:
    folders = Counter(file.parent.relative_to(root).as_posix() for file in files)
    circles, arrows = find_circles(graph), sum(map(len, graph.values()))
    print(f"\n{title}: {len(files)} files in {len(folders)} folders, {arrows} imports between files")
    print("  files a folder:  " + ", ".join(f"{name} {count}" for name, count in sorted(folders.items())))
    print(f"  circles of imports: {len(circles)}" + "".join(f"\n    {', '.join(c)}" for c in circles))
    print(
        f"  functions: {len(functions)}, of more than 60 lines {sum(f[1] > 60 for f in functions)}, of more than 8 "
        f"parameters {sum(f[0] > 8 for f in functions)}"
    )
    for key, word in ((1, "lines"), (0, "parameters")):
        for function in sorted(functions, key=lambda f: -f[key])[:TOP]:
            print(f"    {function[key]:4d} {word:10s} {function[3]} ({function[2]})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=HERE)
    root = parser.parse_args().root.resolve()
    report("latent_widget/", root, *read_python(root / "latent_widget"))
    report("js/src/", root, *read_typescript(root / "js" / "src"))


if __name__ == "__main__":
    main()
