"""The front end's own checks: TypeScript's types and rules, vitest's unit tests, and when the bundle is built anew."""

import re
from pathlib import Path

import pytest

import hatch_build


@pytest.fixture
def packages() -> None:
    hatch_build.install_packages()


@pytest.mark.slow
def test_types(packages: None) -> None:
    hatch_build.npm("run", "typecheck")


@pytest.mark.slow
def test_lint(packages: None) -> None:
    hatch_build.npm("run", "lint")


@pytest.mark.slow
def test_units(packages: None) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", hatch_build.npm("test"))
    assert re.search(r"Tests\s+[1-9]\d* passed", said), said


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A front end and the bundle that was made from it."""
    static = tmp_path / "static"
    bundle = (static / "widget.js", static / "widget.css")
    shared = (tmp_path / "palette.json",)
    settings = [tmp_path / "js" / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    for path in (
        *settings,
        tmp_path / "js" / "src" / "index.ts",
        tmp_path / "js" / "src" / "widget.css",
        *shared,
        *bundle,
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    replaced = {"JS": tmp_path / "js", "BUNDLE": bundle, "SHARED": shared, "STAMP": static / "sources.sha256"}
    for name, value in replaced.items():
        monkeypatch.setattr(hatch_build, name, value)
    hatch_build.STAMP.write_text(hatch_build.fingerprint())
    return tmp_path


def test_bundle_is_kept_while_its_sources_are_the_same(project: Path) -> None:
    (project / "js" / "src" / "index.ts").touch()
    assert not hatch_build.stale()


@pytest.mark.parametrize(
    "name",
    ["package.json", "package-lock.json", "tsconfig.json", "src/index.ts", "src/widget.css", "src/new.ts"],
)
def test_bundle_is_stale_after_a_change(project: Path, name: str) -> None:
    (project / "js" / name).write_text("changed")
    assert hatch_build.stale()


def test_bundle_is_stale_after_a_change_of_what_python_shares_with_it(project: Path) -> None:
    (project / "palette.json").write_text("changed")
    assert hatch_build.stale()


def test_shared_files_exist_and_are_all_that_the_front_end_reads_of_the_package() -> None:
    root = hatch_build.ROOT
    read = {
        (path.parent / found).resolve()
        for path in (root / "js" / "src").rglob("*.ts")
        for found in re.findall(r'from "([^"]+\.json)"', path.read_text("utf-8"))
    }
    assert read == set(hatch_build.SHARED)


@pytest.mark.parametrize("name", ["js/src/index.ts", "static/widget.js", "static/widget.css", "static/sources.sha256"])
def test_bundle_is_stale_when_a_file_is_gone(project: Path, name: str) -> None:
    (project / name).unlink()
    assert hatch_build.stale()


def test_failing_build_is_quoted_and_leaves_the_bundle_stale(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = project / "js" / "package.json"
    package.write_text("""{"scripts": {"build": "node -e \\"console.log('no bundle today'); process.exit(3)\\""}}""")
    monkeypatch.setattr(hatch_build, "install_packages", lambda: None)
    with pytest.raises(RuntimeError, match=r"(?s)npm run build.*no bundle today"):
        hatch_build.build()
    assert hatch_build.stale()


def test_missing_node_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.setattr(hatch_build, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pip install"):
        hatch_build.npm("run", "build")
