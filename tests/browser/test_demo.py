"""The demo notebook in a real JupyterLab: a user's hand on the widget, and what Python sees of it."""

import os
import re
import signal
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hand import PIXEL, changes, comes, grab, line, picture, place, plot, rest, settled
from lab import Notebook
from PIL import Image
from playwright.sync_api import expect

START, END = (-1.0, 0.5), (1.0, -0.8)


@pytest.fixture
def widget(demo: Notebook) -> Notebook:
    """The demo's widget `w`, put back to one known state and scrolled into view."""
    demo.ask(
        "(setattr(w, 'view', None), setattr(w, 'stretch', 0.0), "
        "setattr(w, 'temper', 1.0), setattr(w, 'theme', 'light'), "
        "setattr(w, 'weights', {'pullback': 1.0}), setattr(w, 'show', {}), setattr(w, 'n_samples', 10), "
        f"setattr(w, 'start', {list(START)}), setattr(w, 'end', {list(END)}))"
    )
    demo.hook("map").scroll_into_view_if_needed()
    rest(demo)
    here = place(demo, START)
    # the page shows what Python set
    demo.page.wait_for_function(
        """([x, y]) => {
            const box = document.querySelector("[data-lw='handle-start']").getBoundingClientRect();
            return Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y) < 2;
        }""",
        arg=here.tolist(),
    )
    return demo


def test_runs_from_top_to_bottom_without_complaints(demo: Notebook) -> None:
    expect(demo.hook("map")).to_be_visible()
    assert len(demo.code_cells) >= 3
    assert demo.complaints == []


def test_dragging_moves_the_line_and_python_sees_where_to(widget: Notebook) -> None:
    x, y = grab(widget, "start")
    last = line(widget)[-1]
    assert line(widget)[0] == pytest.approx((x, y), abs=PIXEL)
    widget.page.mouse.move(x + 35, y + 20, steps=4)
    rest(widget)
    # the start follows the pointer before the button is let go, the other end stays
    for kind in ("geodesic", "straight"):
        assert line(widget, kind)[0] == pytest.approx((x + 35, y + 20), abs=PIXEL)
        assert line(widget, kind)[-1] == pytest.approx(last, abs=0.2)
    assert widget.ask("list(w.start)") == list(START)
    widget.page.mouse.up()
    widget.wait_until(f"list(w.start) != {list(START)}")
    assert place(widget, widget.ask("list(w.start)")) == pytest.approx((x + 35, y + 20), abs=PIXEL)
    assert widget.ask("list(w.end)") == list(END)


def test_lines_on_the_page_are_those_that_python_computes(widget: Notebook) -> None:
    """The geodesic is solved twice, in the browser and in Python: nowhere more than 1 % of the map apart."""
    settled(widget)
    width = plot(widget)["width"]
    for kind, path in (("geodesic", "w.path"), ("straight", "w.straight")):
        drawn = line(widget, kind)
        computed = place(widget, widget.ask(f"{path}.at(200).tolist()"))
        apart = np.linalg.norm(drawn[:, None] - computed[None], axis=-1).min(axis=1)
        assert apart.max() < 0.01 * width
    # and the two are lines of their own
    straightness = np.linalg.norm(line(widget)[:, None] - computed[None], axis=-1).min(axis=1).max()
    assert straightness > 0.02 * width


def test_dragging_on_the_stretched_map(widget: Notebook) -> None:
    widget.ask("setattr(w, 'stretch', 1.0)")
    widget.page.wait_for_function("() => document.querySelector(\"[data-lw='stretch']\").value === '1'")
    rest(widget)
    x, y = grab(widget, "end")
    assert (x, y) == pytest.approx(place(widget, widget.ask("w.cartogram.transform(w.end).tolist()")), abs=PIXEL)
    widget.page.mouse.move(x - 30, y - 25, steps=4)
    widget.page.mouse.up()
    widget.wait_until(f"list(w.end) != {list(END)}")
    landed = widget.ask("w.cartogram.transform(w.end).tolist()")
    assert place(widget, landed) == pytest.approx((x - 30, y - 25), abs=PIXEL)


def drag_by_hand(notebook: Notebook) -> None:
    """Drag the start, and see at each step that the line is there already."""
    x, y = grab(notebook, "start")
    last = line(notebook)[-1]
    for step in (10, 20, 30):
        notebook.page.mouse.move(x + step, y - step)
        rest(notebook)
        assert line(notebook)[0] == pytest.approx((x + step, y - step), abs=PIXEL)
        assert line(notebook)[-1] == pytest.approx(last, abs=0.2)
    notebook.page.mouse.up()
    rest(notebook)


def test_dragging_moves_the_line_while_the_kernel_is_busy(widget: Notebook, tmp_path: Path) -> None:
    enough, over = tmp_path / "enough", tmp_path / "over"
    widget.start(
        "import os, time\n"
        f"while not os.path.exists({str(enough)!r}):\n    time.sleep(0.05)\n"
        f"open({str(over)!r}, 'w').close()"
    )
    try:
        drag_by_hand(widget)
        assert not over.exists()
    finally:
        enough.touch()
    widget.wait_until(f"list(w.start) != {list(START)}")
    assert over.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="only POSIX can freeze a process")
def test_dragging_moves_the_line_while_the_kernel_is_frozen(widget: Notebook) -> None:
    """Not even its threads run: JupyterLab lets a busy kernel answer widgets from another thread."""
    widget.page.wait_for_selector("[data-lw='strip-geodesic']:not(.lw-preview)")
    kernel = widget.ask("__import__('os').getpid()")
    os.kill(kernel, signal.SIGSTOP)
    try:
        drag_by_hand(widget)
        # the strips say that what they show is a preview, since nobody has decoded it yet
        expect(widget.hook("strip-geodesic")).to_have_class(re.compile(r"\blw-preview\b"))
    finally:
        os.kill(kernel, signal.SIGCONT)
    widget.wait_until(f"list(w.start) != {list(START)}")
    expect(widget.hook("strip-geodesic")).not_to_have_class(re.compile(r"\blw-preview\b"))


def test_stretch_slider(widget: Notebook) -> None:
    before, start = picture(widget), line(widget)[0]
    assert place(widget, START) == pytest.approx(start, abs=PIXEL)
    slider = widget.hook("stretch")
    slider.focus()
    slider.press("End")
    widget.wait_until("w.stretch == 1.0")
    changes(widget, picture, before)
    moved = place(widget, widget.ask(f"w.cartogram.transform({list(START)}).tolist()"))
    assert line(widget)[0] == pytest.approx(moved, abs=PIXEL)
    assert moved != pytest.approx(start, abs=3 * PIXEL)
    slider.press("Home")
    widget.wait_until("w.stretch == 0.0")
    comes(widget, lambda: picture(widget) == before, "the map did not come back")
    assert line(widget)[0] == pytest.approx(start, abs=0.2)


def test_measure_toggle_recomputes_the_map(widget: Notebook) -> None:
    before, legend, key = (
        picture(widget),
        widget.hook("legend").inner_text(),
        widget.ask("w._map['key']"),
    )
    toggle = widget.page.locator("[data-lw='measure-toggle'][data-name='jensen_shannon']").first
    toggle.check()
    widget.wait_until("w.weights['jensen_shannon'] > 0")
    widget.wait_until(f"w._map['key'] != {key!r}")
    changes(widget, picture, before)
    assert widget.hook("legend").inner_text() != legend
    toggle.uncheck()
    widget.wait_until("w.weights == {'pullback': 1.0, 'jensen_shannon': 0.0}")


def test_weight_and_temper_sliders(widget: Notebook) -> None:
    widget.page.locator("[data-lw='measure-toggle'][data-name='jensen_shannon']").first.check()
    weight = widget.page.locator("[data-lw='measure-weight'][data-name='jensen_shannon']").first
    weight.focus()
    weight.press("End")
    widget.wait_until("abs(w.weights['jensen_shannon'] - 1000) < 1")
    before, temper = picture(widget), widget.hook("temper")
    widget.hook("more").press("Enter")
    temper.focus()
    temper.press("Home")
    widget.wait_until("w.temper == 0.0")
    changes(widget, picture, before)
    # with the field tempered away nothing is stretched: the geodesic is the straight line
    widget.wait_until("abs(w.cartogram.corners - w.atlas.lattice.corners).max() < 1e-6")
    assert widget.ask("w.path.length / w.straight.length") == pytest.approx(1, abs=1e-6)


def test_a_close_look_at_thumbnails_is_decoded_by_the_model(widget: Notebook) -> None:
    widget.ask("setattr(w, 'show', {'thumbnails': True})")
    area = widget.hook("map")
    expect(area).to_have_attribute("data-detail", "sheet")
    widget.ask("setattr(w, 'view', (-1.0, 0.5, -1.0, 0.5))")
    expect(area).to_have_attribute("data-detail", "decoded")
    widget.ask("setattr(w, 'view', None)")
    expect(area).to_have_attribute("data-detail", "sheet")


def test_keyboard_moves_a_handle(widget: Notebook) -> None:
    handle = widget.hook("handle-end")
    assert handle.get_attribute("role") == "slider"
    handle.focus()
    handle.press("ArrowRight")
    widget.wait_until(f"w.end[0] > {END[0]}")
    assert widget.ask("w.end[1]") == END[1]


def test_python_drives_the_page(widget: Notebook) -> None:
    widget.ask("setattr(w, 'start', [0.0, 0.0])")
    there = place(widget, (0.0, 0.0))
    comes(widget, lambda: line(widget)[0] == pytest.approx(there, abs=PIXEL), "the line did not follow")
    widget.ask("setattr(w, 'show', {'geodesic': False})")
    expect(widget.hook("path-geodesic")).to_be_hidden()
    expect(widget.hook("strip-geodesic")).to_be_hidden()
    expect(widget.hook("path-straight")).to_be_visible()


def test_dark_theme(widget: Notebook) -> None:
    root = widget.page.locator(".lw-root").first
    light = root.evaluate("(root) => getComputedStyle(root).color")
    widget.ask("setattr(w, 'theme', 'dark')")
    expect(root).to_have_attribute("data-theme", "dark")
    assert root.evaluate("(root) => getComputedStyle(root).color") != light


def test_export_svg(widget: Notebook, tmp_path: Path) -> None:
    with widget.page.expect_download() as waiting:
        widget.hook("export-svg").click()
    assert waiting.value.suggested_filename.endswith(".svg")
    waiting.value.save_as(tmp_path / "map.svg")
    root = ElementTree.parse(tmp_path / "map.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    drawn = [element.get("d", "") for element in root.iter("{http://www.w3.org/2000/svg}path")]
    assert widget.hook("path-geodesic").get_attribute("d") in drawn
    # one file: nothing in it is fetched from elsewhere
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_export_png_of_a_chosen_size(widget: Notebook, tmp_path: Path) -> None:
    widget.hook("export-width").fill("4")
    widget.hook("export-dpi").fill("250")
    with widget.page.expect_download() as waiting:
        widget.hook("export-png").click()
    waiting.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        assert image.width == 1000
        assert image.info["dpi"] == pytest.approx((250, 250), abs=0.1)
        pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[0, 0] == 255).all()  # white and opaque
    assert len(np.unique(pixels.view(np.uint32))) > 100


def test_export_pdf(widget: Notebook, tmp_path: Path) -> None:
    widget.hook("export-width").fill("5")
    widget.hook("export-dpi").fill("100")
    with widget.page.expect_download() as waiting:
        widget.hook("export-pdf").click()
    waiting.value.save_as(tmp_path / "map.pdf")
    pdf = (tmp_path / "map.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert re.search(rb"/MediaBox \[ ?0 0 360 [\d.]+ ?\]", pdf)
    # letters stay letters
    assert b"/FontFile2" in pdf


def test_save_from_python(widget: Notebook, tmp_path: Path) -> None:
    for suffix in ("svg", "png", "pdf"):
        widget.ask(f"w.save({str(tmp_path / 'figure')!r} + '.{suffix}')")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == pytest.approx(7 * 200, abs=20)


def test_nothing_was_complained_of(demo: Notebook) -> None:
    """Last of the file: no error in the page, and no request left the machine, during all of the above."""
    assert demo.complaints == []
