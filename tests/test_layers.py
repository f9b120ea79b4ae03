"""Modules import downwards only, and an atlas opens without what it does not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "latent_widget"
MODULES = {
    ".".join(("latent_widget", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
FILES = sorted(set(MODULES) - {"latent_widget"})
TORCH = ("confidence", "decoder", "modules", "outputs", "measures", "sequence", "examples")
FLOORS = {  # who may be imported only from above; the rest are helpers, which must not lead back up
    "charts": 8,
    "widget": 7,
    "examples": 7,
    "figure": 6,
    "surveying": 6,
    "atlas": 5,
    "measures": 4,
    "confidence": 3,
    "geodesics": 3,
    "cartograms": 3,
    "decoder": 2,
    "sequence": 2,
    "modules": 1,
    "outputs": 1,
    "field": 1,
    "lattice": 0,
    "arrays": -1,
}


def imports(module: str, at_load: bool) -> set[str]:
    """Full names of what a module imports: when it is loaded, or at any time, for type checkers apart."""
    found: set[str] = set()
    is_package = MODULES[module].name == "__init__.py"

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
        elif at_load and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pass
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            whole = {f"{source}.{alias.name}" for alias in node.names}
            found.update({name if name in MODULES else source for name in whole})
        else:
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(ast.parse(MODULES[module].read_text("utf-8")))
    return found


def room(module: str) -> str:
    """Name of the file or folder directly under the package: latent_widget.measures.pullback -> measures."""
    return module.split(".")[1] if "." in module else ""


def inner(modules: set[str]) -> set[str]:
    return {name for name in modules if name in MODULES and name != "latent_widget"}


@pytest.mark.parametrize("module", FILES)
def test_imports_point_downwards(module: str) -> None:
    here = FLOORS.get(room(module))
    reached: set[str] = set()
    todo = {module}
    while todo:
        name = todo.pop()
        for other in inner(imports(name, at_load=True)) - reached:
            reached.add(other)
            todo.add(other)
    assert module not in reached, f"{module} imports itself through others"
    if here is not None:
        above = {m for m in reached if room(m) != room(module) and FLOORS.get(room(m), 0) >= here}
        assert not above


@pytest.mark.parametrize("module", FILES)
def test_only_some_modules_name_torch(module: str) -> None:
    named = {name.split(".")[0] for name in imports(module, at_load=True)}
    assert "torch" not in named or room(module) in TORCH


@pytest.mark.parametrize("module", FILES)
def test_only_the_widget_names_anywidget(module: str) -> None:
    named = {name.split(".")[0] for name in imports(module, at_load=False)}
    assert not named & {"anywidget", "ipywidgets"} or room(module) in ("widget", "charts")


@pytest.mark.parametrize("module", FILES)
def test_only_the_charts_name_bqplot(module: str) -> None:
    named = {name.split(".")[0] for name in imports(module, at_load=False)}
    assert not named & {"bqplot", "ipywidgets"} or module == "latent_widget.charts"
    assert "bqplot" not in {name.split(".")[0] for name in imports(module, at_load=True)}


def loaded(code: str, *arguments: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after running `code`."""
    code += "\nprint(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", "import sys\n" + code, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_is_light() -> None:
    assert not loaded("import latent_widget") & {
        "torch",
        "numba",
        "anywidget",
        "scipy",
        "matplotlib",
        "numpy",
    }


def test_an_atlas_opens_without_torch_numba_and_anywidget(tmp_path: Path) -> None:
    import numpy as np

    import latent_widget as lw

    lattice = lw.Lattice((-1, 1, -1, 1), (8, 8))
    field = lw.Field.from_density(lattice, 1 + np.hypot(*lattice.cells.T))
    atlas = lw.Atlas(lattice, {"hill": field})
    atlas.save(tmp_path / "hill.npz")
    code = "import latent_widget as lw\nassert lw.Atlas.load(sys.argv[1])['hill'].density.min() > 1"
    assert not loaded(code, str(tmp_path / "hill.npz")) & {"torch", "numba", "anywidget", "matplotlib"}


def test_the_widget_brings_everything() -> None:
    """Holds the two tests above to account: `loaded` does see what is there."""
    assert {"torch", "anywidget"} <= loaded("import latent_widget as lw\nlw.LatentWidget")
