"""The documentation against the code: links lead somewhere, every public name is there, and its examples run."""

import ast
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

import latent_widget as lw
from latent_widget.maps.methods import METHODS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if not path.is_relative_to(DOCS / "gallery")]
DOORS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
COMMANDS = (
    'pip install ".[demo]" && jupyter lab demo_notebooks/01_digits.ipynb',
    'pip install -e ".[test]" && pytest',
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A page without its blocks of code, and without code within lines."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text("utf-8")))


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(path))


def headings(path: Path) -> set[str]:
    """The anchors of a page's headings, as the site makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {slugify(title.replace("`", ""), "-") for title in titles}


def docstrings(path: Path) -> list[str]:
    """The docstrings of a module, of its classes and of its functions."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds))
    return [told for node in found if (told := ast.get_docstring(node))]


def rows(path: Path, header: str) -> list[list[str]]:
    """The cells of the table whose first column has this header."""
    lines = path.read_text("utf-8").splitlines()
    (first,) = [k for k, line in enumerate(lines) if line.startswith(f"| {header} |")]
    found = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


@pytest.mark.parametrize("path", [*DOORS, *PAGES], ids=named)
def test_links_lead_to_files_and_headings(path: Path) -> None:
    broken = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        place = Path(os.path.normpath(path.parent / target)) if target else path
        known = place.exists() and (not anchor or anchor in headings(place))
        if not known:
            broken.append(link)
    assert broken == []


def test_pages_have_links_that_can_break() -> None:
    assert sum(len(links(path)) for path in [*DOORS, *PAGES]) > 50


@pytest.mark.parametrize("path", [*DOORS, *PAGES], ids=named)
def test_scripts_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    scripts = re.findall(r"python ((?:\w+/)+\w+\.py)", text)
    modules = re.findall(r"python -m (latent_widget[.\w]+)", text)
    files = [*scripts, *(f"{module.replace('.', '/')}.py" for module in modules)]
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_public_name_is_in_the_reference() -> None:
    listed = re.findall(r"^::: (\S+)$", "\n".join(p.read_text("utf-8") for p in DOCS.glob("reference/*.md")), re.M)
    wings = {"examples": lw.examples.__all__, "measures": lw.measures.__all__}
    plain = set(lw.__all__) - {"__version__", *wings}
    expected = {f"latent_widget.{name}" for name in plain}
    expected |= {f"latent_widget.{wing}.{name}" for wing, names in wings.items() for name in names}
    assert sorted(listed) == sorted(expected)


def test_readme_is_a_door() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 100
    for command in COMMANDS:
        assert lines.count(command) == 1


def test_the_table_of_traits_is_that_of_the_widget() -> None:
    table = {cells[0].strip("`"): cells[2].strip("`") for cells in rows(DOCS / "guides" / "widget.md", "trait")}
    own = {name: trait for name, trait in lw.LatentWidget.class_traits(sync=True).items() if not name.startswith("_")}
    inherited = {"comm", "layout", "tabbable", "tooltip", "keys"}
    assert set(table) == {name for name in own if name in lw.LatentWidget.class_own_traits()} - inherited
    for name in ("temper", "smoothing", "stretch", "n_samples", "spacing", "theme", "colour_by", "renderer"):
        assert ast.literal_eval(table[name]) == own[name].default_value, name
    assert table["highlight"] == "None"
    assert table["view"] == "None"


@pytest.mark.parametrize(
    ("header", "function"),
    [
        ("option", lw.cartogram),
        ("option of `isometric_map`", lw.isometric_map),
        ("option of `distance_map`", lw.distance_map),
    ],
)
def test_the_table_of_a_maps_options_is_that_of_the_function(header: str, function: Callable[..., lw.Map]) -> None:
    parameters = inspect.signature(function).parameters
    table = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(DOCS / "guides" / "maps.md", header)}
    assert set(table) == set(parameters) - {"density", "extent", "field"}
    for name, told in table.items():
        default = parameters[name].default
        if name != "workers":
            assert ast.literal_eval(told) == default, name


def test_the_table_of_maps_names_all_methods() -> None:
    table = rows(DOCS / "guides" / "maps.md", "map")
    asked = [found[1] for cells in table if (found := re.search(r'method="(\w+)"', cells[1]))]
    assert asked == list(METHODS)


def test_numbers_in_brackets_are_entries_of_the_bibliography() -> None:
    entries = re.findall(r"^(\d+)\. ", (DOCS / "bibliography.md").read_text("utf-8"), re.MULTILINE)
    assert entries == [str(k) for k in range(1, len(entries) + 1)]
    cited = set()
    for path in [*PAGES, *(ROOT / "latent_widget").rglob("*.py")]:
        # rows of tables hold intervals
        text = re.sub(r"^\|.*$", "", prose(path), flags=re.M) if path.suffix == ".md" else "\n".join(docstrings(path))
        for found in re.findall(r"(?<![\w`\]])\[(\d+(?:, \d+)*)\](?!\()", text):
            numbers = set(found.split(", "))
            # and so do ranges from 0
            cited |= numbers if "0" not in numbers else set()
    assert sorted(cited - set(entries)) == []
    assert len(cited) > 10


def test_the_table_of_measures_names_them_all() -> None:
    table = {re.match(r"`(\w+)", cells[0])[1] for cells in rows(DOCS / "guides" / "measures.md", "measure")}
    helpers = {"NAMED", "Measure", "decoded_length", "is_local", "local", "look_up", "prepare"}
    assert table == set(lw.measures.__all__) - helpers
    assert set(lw.measures.NAMED) <= table


RUNNING = [path for path in PAGES if any(kind == "python" for kind, _ in FENCE.findall(path.read_text("utf-8")))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", RUNNING, ids=named)
def test_the_code_of_a_page_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": path.stem}
    blocks = [code for kind, code in FENCE.findall(path.read_text("utf-8")) if kind == "python"]
    for number, code in enumerate(blocks, 1):
        exec(compile(code, f"{named(path)}, block {number}", "exec"), names)
    printed = capsys.readouterr().out.split()
    # checks on the pages print whether they hold
    assert "False" not in printed


def test_the_tutorial_and_the_pitfalls_have_code_that_runs() -> None:
    assert {named(path) for path in RUNNING} >= {"docs/tutorial.md", "docs/guides/misleading.md"}
