"""What stands in Python and in TypeScript is one: constants of the solver, and the names of mirrored functions."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GEODESICS = ROOT / "latent_widget" / "geodesics"
CONSTANTS = json.loads((GEODESICS / "constants.json").read_text("utf-8"))
MIRRORED = {  # files of the same name, and the public functions that Python alone has
    "kernels/spline.py": ("spline.ts", {"jets"}),
    "kernels/selling.py": ("selling.ts", {"near_flag", "far_flag"}),
    "kernels/fast_marching.py": ("fast_marching.ts", set()),
    "kernels/backtracing.py": ("backtracing.ts", {"trace_in_sight"}),
    "kernels/energy.py": ("energy.ts", {"energy"}),
    "kernels/candidates.py": ("candidates.ts", {"find_walks"}),
    "lines.py": ("lines.ts", {"measure_polyline", "stays_allowed"}),
}


def defined() -> dict[str, list[tuple[str, object]]]:
    """Modules and values of every constant of the geodesics; literals, since kernels are compiled with them."""
    found: dict[str, list[tuple[str, object]]] = {}
    for path in GEODESICS.rglob("*.py"):
        name = ".".join(("latent_widget", *path.relative_to(ROOT / "latent_widget").with_suffix("").parts))
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign):
                module = importlib.import_module(name.removesuffix(".__init__"))
                targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
                for target in targets:
                    if isinstance(target, ast.Name) and target.id.isupper():
                        found.setdefault(target.id, []).append((name, getattr(module, target.id)))
    return found


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_those_that_the_browser_reads(name: str) -> None:
    """Numba compiles constants into its cache, which does not see a JSON file change: so they are held equal here."""
    holders = defined()[name.upper()]
    assert [value for _, value in holders] == [CONSTANTS[name]], holders


@pytest.mark.parametrize("name", MIRRORED)
def test_mirrored_files_hold_functions_of_the_same_names(name: str) -> None:
    other, here_alone = MIRRORED[name]
    tree = ast.parse((GEODESICS / name).read_text("utf-8"))
    public = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")}
    text = (ROOT / "js" / "src" / "geodesics" / other).read_text("utf-8")
    there = {re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), f) for f in re.findall(r"export function\*? (\w+)", text)}
    assert here_alone <= public
    assert public - here_alone <= there
