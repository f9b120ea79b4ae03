"""The race between the handles: four lines, their film strips, and how their samples are spaced."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hand import PIXEL, comes, grab, line, place, rest, settled
from lab import Notebook, opened
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, expect

import latent_widget as lw

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
KINDS = {"geodesic": "path", "straight": "straight", "slerp": "slerp", "stretched": "stretched"}
START, END = [-1.8, 0.4], [1.2, 1.4]
MAKE = f"""
import torch
import latent_widget as lw

along = torch.linspace(-1, 1, 12)

def decode(z):
    # a blot that runs through the picture, fast in the middle of the map
    x, y = torch.tanh(1.2 * z[:, 0]), torch.sin(0.6 * z[:, 1])
    far = (along - x[:, None])[:, None] ** 2 + (along - y[:, None])[..., None] ** 2
    return torch.exp(-4 * far)

atlas = lw.survey(lw.Decoder(decode), lw.Lattice((-2.5, 2.5, -2, 2), (32, 40)), progress=False)
w = lw.LatentWidget(atlas, start={START}, end={END}, n_samples=9)
w
"""


@pytest.fixture(scope="module")
def notebook(browser: Browser, address: str, folder: Path) -> Iterator[Notebook]:
    nbformat.write(new_notebook(cells=[new_code_cell(MAKE)], metadata=KERNEL), folder / "race.ipynb")
    with opened(browser, address, viewport={"width": 1200, "height": 1500}) as opened_notebook:
        opened_notebook.open("race.ipynb")
        opened_notebook.run_all()
        yield opened_notebook


@pytest.fixture
def race(notebook: Notebook) -> Notebook:
    notebook.ask(
        "(setattr(w, 'spacing', 'own'), setattr(w, 'show', {}), "
        f"setattr(w, 'start', {START}), setattr(w, 'end', {END}))"
    )
    notebook.hook("map").scroll_into_view_if_needed()
    expect(notebook.hook("show-slerp")).not_to_be_checked()
    here = place(notebook, START)
    comes(notebook, lambda: line(notebook)[0] == pytest.approx(here, abs=PIXEL), "the start did not come back")
    return notebook


def dots(notebook: Notebook, kind: str) -> np.ndarray:
    """Where the samples of a line are on the page, (n, 2)."""
    centres = """(path) => Array.from(path.parentElement.querySelectorAll("circle"), (dot) => {
        const box = dot.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    })"""
    return np.array(notebook.hook(f"path-{kind}").evaluate(centres))


def show_all(notebook: Notebook) -> None:
    notebook.hook("show-slerp").check()
    notebook.hook("show-stretched").check()
    notebook.wait_until("w.show['slerp'] and w.show['stretched']")


def test_two_more_strips_by_mouse_and_by_keyboard(race: Notebook) -> None:
    for kind in KINDS:
        expect(race.hook(f"strip-{kind}")).to_be_visible(visible=kind in ("geodesic", "straight"))
    race.hook("show-slerp").click()
    race.wait_until("w.show['slerp']")
    race.hook("show-slerp").press("Tab")
    expect(race.hook("show-stretched")).to_be_focused()
    race.page.keyboard.press("Space")
    race.wait_until("w.show['stretched']")
    for kind in KINDS:
        strip = race.hook(f"strip-{kind}")
        expect(strip).to_be_visible()
        expect(strip).to_contain_text("length")
        # decoded by the model, all four of them
        race.page.wait_for_selector(f"[data-lw='strip-{kind}']:not(.lw-preview)")
    race.page.keyboard.press("Space")
    expect(race.hook("strip-stretched")).to_be_hidden()
    expect(race.hook("path-stretched")).to_be_hidden()


def test_lines_on_the_page_are_those_that_python_computes(race: Notebook) -> None:
    show_all(race)
    settled(race)
    drawn = {kind: line(race, kind) for kind in KINDS}
    for kind, name in KINDS.items():
        computed = place(race, race.ask(f"w.{name}.at(2000, by='latent').tolist()"))
        apart = np.linalg.norm(drawn[kind][:, None] - computed[None], axis=-1).min(axis=1)
        assert apart.max() < 3, kind
    for kind in ("straight", "slerp", "stretched"):
        apart = np.linalg.norm(drawn[kind][:, None] - drawn["geodesic"][None], axis=-1).min(axis=1)
        assert apart.max() > 5, kind


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="only POSIX can freeze a process")
def test_all_four_follow_the_pointer_while_the_kernel_is_frozen(race: Notebook) -> None:
    show_all(race)
    kernel = race.ask("__import__('os').getpid()")
    os.kill(kernel, signal.SIGSTOP)
    try:
        x, y = grab(race, "end")
        for step in (10, 20, 30):
            race.page.mouse.move(x - step, y + step)
            rest(race)
            for kind in KINDS:
                assert line(race, kind)[-1] == pytest.approx((x - step, y + step), abs=PIXEL), kind
        race.page.mouse.up()
    finally:
        os.kill(kernel, signal.SIGCONT)
    race.wait_until(f"list(w.end) != {END}")


def test_spacing_by_mouse_and_by_keyboard(race: Notebook) -> None:
    show_all(race)
    spacing = race.hook("spacing")
    assert spacing.input_value() == "own"
    spacing.select_option("measure")
    race.wait_until("w.spacing == 'measure'")
    settled(race)
    for kind, name in KINDS.items():
        assert dots(race, kind) == pytest.approx(place(race, race.ask(f"w.{name}.at(9).tolist()")), abs=2 * PIXEL)
    spacing.focus()
    spacing.press("ArrowUp")
    race.wait_until("w.spacing == 'latent'")
    settled(race)
    for kind, name in KINDS.items():
        even = place(race, race.ask(f"w.{name}.at(9, by='latent').tolist()"))
        assert dots(race, kind) == pytest.approx(even, abs=2 * PIXEL)


def test_the_profile_opens_by_keyboard(race: Notebook) -> None:
    expect(race.hook("profile-geodesic")).to_be_hidden()
    race.hook("profile").focus()
    race.page.keyboard.press("Space")
    expect(race.hook("profile-geodesic")).to_be_visible()
    race.page.keyboard.press("Space")
    expect(race.hook("profile-geodesic")).to_be_hidden()


def test_python_sets_what_is_shown_and_how_it_is_spaced(race: Notebook) -> None:
    race.ask("(setattr(w, 'show', {'slerp': True, 'straight': False}), setattr(w, 'spacing', 'measure'))")
    expect(race.hook("strip-slerp")).to_be_visible()
    expect(race.hook("strip-straight")).to_be_hidden()
    expect(race.hook("spacing")).to_have_value("measure")
    expect(race.hook("show-slerp")).to_be_checked()


def test_a_line_that_does_not_exist_says_why(race: Notebook) -> None:
    race.ask("(setattr(w, 'show', {'slerp': True}), setattr(w, 'end', [1.8, -0.4]))")
    expect(race.hook("strip-slerp")).to_contain_text("opposite directions")
    expect(race.hook("path-slerp")).to_be_hidden()


@pytest.mark.parametrize("allowed", [True, False])
def test_the_geodesic_settles_with_and_without_a_worker(
    browser: Browser, bundle: None, tmp_path: Path, allowed: bool
) -> None:
    lattice = lw.Lattice((-1, 1, -1, 1), (48, 48))
    x, y = np.moveaxis(lattice.cells, -1, 0)
    field = lw.Field.from_density(lattice, 1 + 80 * np.exp(-((x - 0.1) ** 2 + (y - 0.15) ** 2) / 0.08))
    w = lw.LatentWidget(lw.Atlas(lattice, {"hill": field}), start=(-0.9, 0.2), end=(0.9, 0.3))
    w.to_html(tmp_path / "hill.html")
    page = browser.new_page()
    noticed: list[str] = []
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("console", lambda said: noticed.append(said.text) if said.type in ("error", "warning") else None)
    if not allowed:
        page.add_init_script("window.Worker = class { constructor() { throw new Error('forbidden'); } };")
    try:
        page.goto((tmp_path / "hill.html").as_uri())
        strip = page.locator("[data-lw='strip-geodesic']")
        expect(strip).to_contain_text(f"length {w.path.length:.3g}")
        assert len(page.workers) == allowed
        before = page.locator("[data-lw='path-geodesic']").get_attribute("d")
        page.locator("[data-lw='handle-end']").press("Shift+ArrowDown")
        w.end = (0.9, 0.1)
        expect(page.locator("[data-lw='path-geodesic']")).not_to_have_attribute("d", str(before))
        expect(strip).to_contain_text(f"length {w.path.length:.3g}")
        assert noticed == []
    finally:
        page.close()


def test_nothing_was_complained_of(notebook: Notebook) -> None:
    assert notebook.complaints == []
