"""What all tests share."""

import pytest

import hatch_build


@pytest.fixture(scope="session")
def bundle() -> None:
    """Build the front end anew where its sources have changed, so that no test sees a stale bundle."""
    if hatch_build.stale():
        hatch_build.build()
