"""Lint, format and types of the Python code, as part of the tests."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


NUMPY = tuple(int(part) for part in version("numpy").split(".")[:2])


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint() -> None:
    run("ruff", "check")


def test_format() -> None:
    run("ruff", "format", "--check")


@pytest.mark.slow
@pytest.mark.skipif(NUMPY < (2, 4), reason="types are written for the stubs of NumPy 2.4, which needs Python 3.11")
def test_types() -> None:
    run("mypy")
