"""What axe-core finds on an exported page, in light and in dark."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

import hatch_build
import latent_widget as lw

AXE = hatch_build.JS / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        hatch_build.install_packages()
    return AXE.read_text("utf-8")


@pytest.mark.parametrize(("theme", "method"), [("light", "cartogram"), ("dark", "cartogram"), ("dark", "isometric")])
def test_axe_finds_nothing_serious(
    browser: Browser, bundle: None, axe: str, tmp_path: Path, theme: str, method: str
) -> None:
    lattice = lw.Lattice((-2, 2, -2, 2), (16, 16))
    density = 1 + 20 * np.exp(-4 * (lattice.cells**2).sum(-1))
    fields = {name: lw.Field.from_density(lattice, density**p) for name, p in (("pullback", 1), ("kl", 0.5))}
    rng = np.random.default_rng(0)
    atlas = lw.Atlas(lattice, fields, points=rng.uniform(-2, 2, (40, 2)), labels=np.arange(40) % 4)
    widget = lw.LatentWidget(atlas, theme=theme, stretch=0.5, map_method=method)
    if method == "isometric":
        widget._answer(widget, {"type": "audit"}, [])
        widget._audited.result(60)
    widget.to_html(tmp_path / "map.html")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    try:
        page.goto((tmp_path / "map.html").as_uri())
        page.wait_for_selector("[data-lw='path-geodesic'][d^=M]")
        # opened, or what they hold is not judged
        page.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true; }")
        page.evaluate(axe)
        found = page.evaluate("() => axe.run(document)")
    finally:
        page.close()
    assert len(found["passes"]) > 10  # it did look
    serious = [
        f"{finding['id']}: {finding['help']}: {node['html'][:200]} {node['failureSummary']}"
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
    assert serious == []
