"""Every file has its place: wings of a size that can be read, imports that point downwards, nothing loaded in vain."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "latent_widget"
MODULES = {
    ".".join(("latent_widget", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
FILES = sorted(set(MODULES) - {"latent_widget"})
RANKS = {  # one row a wing: whoever is in it imports from lower ranks and from the wing itself, never from above
    "_arrays": 0,
    "_threads": 0,
    "geodesics.kernels": 1,
    "_lattice": 2,
    "geodesics.solver": 3,
    "_field": 4,
    "decoders": 5,
    "measures.autodiff": 6,
    "measures.sequences": 7,
    "measures.statistical_distances": 8,
    "measures": 8,
    "geodesics": 8,
    "maps.cartograms.quads": 8,
    "maps.cartograms.hexes": 8,
    "maps.cartograms": 8,
    "maps.isometry": 9,
    "examples": 8,
    "maps": 10,
    "figures": 11,
    "_atlas": 12,
    "_survey": 13,
    "display": 14,
}
SEQUENCES, DISTANCES = "measures.sequences", "measures.statistical_distances"
TORCH = ("decoders", "measures", "measures.autodiff", SEQUENCES, DISTANCES, "examples")
MOST_ENTRIES, MOST_FILES, MOST_LINES = 15, 16, 450


def wing(module: str) -> str:
    """The row of the table that a module belongs to; of `latent_widget.geodesics.kernels.spline` geodesics.kernels."""
    parts = module.removeprefix("latent_widget").lstrip(".").split(".")
    folders = parts if MODULES[module].name == "__init__.py" else parts[:-1]
    return ".".join(folders) or parts[0]


@cache
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


def _holds(a: str, b: str) -> bool:
    """Whether one wing is a folder of the other; two folders of one wing know nothing of each other."""
    return a.startswith(f"{b}.") or b.startswith(f"{a}.")


def inner(modules: set[str]) -> set[str]:
    return {name for name in modules if name in MODULES and name != "latent_widget"}


@pytest.mark.parametrize("module", FILES)
def test_every_file_is_in_a_wing_of_the_table(module: str) -> None:
    assert wing(module) in RANKS, f"{module} stands in no row of RANKS: put it into a wing, or give its wing a row"


@pytest.mark.parametrize("module", FILES)
def test_imports_point_downwards(module: str) -> None:
    here = wing(module)
    named = imports(module, at_load=False)
    assert "latent_widget" not in named, f"{module} takes a name from the whole package; name the file that it is in"
    # the one call from below is that of a field for its own eikonal problem, which loads the wing of the geodesics
    for other in inner(named):
        there = wing(other)
        same = there == here or (RANKS[there] == RANKS[here] and _holds(here, there))
        assert same or RANKS[there] < RANKS[here], f"{module} ({here}) imports {other} ({there}) from above"


@pytest.mark.parametrize("module", FILES)
def test_no_module_imports_itself_through_others(module: str) -> None:
    reached: set[str] = set()
    todo = {module}
    while todo:
        for other in inner(imports(todo.pop(), at_load=False)) - reached:
            reached.add(other)
            todo.add(other)
    assert module not in reached


def test_wings_are_small() -> None:
    def entries(folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir() if path.name not in ("__pycache__", "static")}

    assert len(entries(PACKAGE)) <= MOST_ENTRIES, sorted(entries(PACKAGE))
    for folder in {path.parent for path in MODULES.values()} - {PACKAGE}:
        assert len(entries(folder)) <= MOST_FILES, (folder, sorted(entries(folder)))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_files_are_short(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", [m for m in FILES if ".kernels." in m and not m.endswith(".compilation")])
def test_kernels_are_numba_code(module: str) -> None:
    """Every function of these folders is compiled; how, says the one module that is left out."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    compiled = {"kernel", "leaf"}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    plain = [f.name for f in functions if not compiled & {ast.unparse(d) for d in f.decorator_list}]
    assert not plain


@pytest.mark.parametrize("module", FILES)
def test_only_some_modules_name_torch(module: str) -> None:
    named = {name.split(".")[0] for name in imports(module, at_load=True)}
    assert "torch" not in named or wing(module) in TORCH


@pytest.mark.parametrize("module", FILES)
def test_only_the_display_names_widgets(module: str) -> None:
    named = {name.split(".")[0] for name in imports(module, at_load=False)}
    assert not named & {"anywidget", "ipywidgets"} or wing(module) == "display"
    assert not named & {"bqplot", "ipywidgets"} or module == "latent_widget.display._workbench"
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
