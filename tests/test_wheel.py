"""The wheel: what is in it, and that it works where nothing of this repository can be seen."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheel; dependencies are seen in the site-packages of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*command, "--target", paths["purelib"], str(wheel)], check=True, capture_output=True)
    # What a .pth file names goes on the path; the .pth files in there (an editable install) are not read.
    here = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (Path(paths["purelib"]) / "dependencies.pth").write_text("\n".join(here))
    return Path(paths["scripts"]) / ("python.exe" if os.name == "nt" else "python")


@pytest.mark.slow
def test_wheel_holds_what_the_widget_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        sizes = {entry.filename: entry.file_size for entry in packed.infolist()}
        metadata = packed.read(next(name for name in sizes if name.endswith(".dist-info/METADATA"))).decode()
    for name in (
        "display/static/widget.js",
        "display/static/widget.css",
        "examples/digits.npz",
        "examples/names.npz",
        "py.typed",
    ):
        assert f"latent_widget/{name}" in sizes
    assert sizes["latent_widget/display/static/widget.js"] > 10_000
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "latent_widget").rglob("*.py")}
    assert sources <= set(sizes)
    strange = {name for name in sizes if not name.startswith(("latent_widget/", "latent_widget-"))}
    assert not strange
    assert not {name for name in sizes if "node_modules" in name or "__pycache__" in name}
    assert max(sizes.values()) < 1_000_000
    assert any(name.endswith("licenses/LICENSE") for name in sizes)
    assert "\nRequires-Python: >=3.10\n" in metadata


@pytest.mark.slow
def test_wheel_works_away_from_the_repository(python: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import latent_widget as lw

home = Path(lw.__file__).parent
assert home.is_relative_to(sys.prefix), home
digits = lw.examples.digits()
assert len(digits.latents) == len(digits.labels) > 1000
images = digits.decoder(digits.latents[:5])
field = lw.measures.pullback(digits.decoder, lw.Lattice((-1, 1, -1, 1), (6, 6)))
assert "export" in str(lw.LatentWidget._esm) and ".lw-root" in str(lw.LatentWidget._css)
print(*images.shape, field.metric.shape == (6, 6, 2, 2))
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["5", "8", "8", "True"]
