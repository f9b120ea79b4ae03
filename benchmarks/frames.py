"""Frames of the widget in Chromium: from a pointer event to the drawn frame, while handles, stretch and zoom move.

    python benchmarks/frames.py                       # n = 64, 128, 256: about half a minute
    python benchmarks/frames.py --sizes 128 --moves 200
    python benchmarks/frames.py --solver              # only the solver: js/bench/geodesics.ts in a page (needs npm ci)

Needs Playwright and a Chromium or Chrome (`--browser /path/to/it` where it is not on PATH). The page is the one that
`LatentWidget.to_html` writes, with 2,000 points, 1,000 pixels wide. "work" is what the event's handlers take and the
frame that follows, scripts, layout and paint; "whole" is the time from the event to the end of that frame, and so
includes its wait for the screen's beat, 16.7 ms at 60 Hz where an event comes just after a frame, and for wheels the
browser's own queue. "drop, settled" is the time from the drop until the worker's exact path, with marches from both
ends, is there. Everything is drawn by the processor: no graphics card is used, and `renderer` is "cpu".
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import latent_widget as lw

WATCH = """() => {
    window.taken = [];
    const stamp = (event) => {
        const at = performance.now();
        let handled = at;
        event.target.getRootNode().addEventListener(event.type, () => { handled = performance.now(); }, { once: true });
        // asked for before the widget asks, so called before it; a message posted here is read when the frame is done
        requestAnimationFrame(() => {
            const begin = performance.now();
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
                const end = performance.now();
                window.taken.push([event.type, end - begin + handled - at, end - event.timeStamp]);
            };
            port2.postMessage(null);
        });
    };
    const root = document.querySelector("[data-settled]");
    let dropped = 0;
    window.addEventListener("pointerup", (event) => { dropped = event.timeStamp; }, { capture: true });
    new MutationObserver(() => {
        if (dropped && root.dataset.settled === "true") window.taken.push(["settled", 0, performance.now() - dropped]);
        if (root.dataset.settled === "true") dropped = 0;
    }).observe(root, { attributeFilter: ["data-settled"] });
    const kinds = ["pointermove", "pointerup", "input", "wheel"];
    for (const kind of kinds) window.addEventListener(kind, stamp, { capture: true });
}"""


def write_map(n, path):
    lattice = lw.Lattice((-3, 3, -3, 3), (n, n))
    x, y = np.moveaxis(lattice.cells, -1, 0)
    density = 10 ** (np.sin(1.3 * x + 0.4) * np.cos(1.1 * y) + 0.6 * np.sin(2.1 * x * y / 3))
    rng = np.random.default_rng(0)
    points, labels = rng.normal(0, 1, (2000, 2)).clip(-2.9, 2.9), rng.integers(0, 10, 2000)
    atlas = lw.Atlas(lattice, {"hills": lw.Field.from_density(lattice, density)}, points=points, labels=labels)
    lw.LatentWidget(atlas, start=(-2, 1), end=(1, -1.8), stretch=0.5, renderer="cpu").to_html(path)


def taken(page, kind, act, moves):
    """Times in ms, (moves, 2), work and whole, of events of a kind."""
    page.evaluate("() => { window.taken = []; }")
    for k in range(moves):
        act(k)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
    return np.array([times for found, *times in page.evaluate("() => window.taken") if found == kind])


def gestures(page):
    """Name, kind of event and one step of each: a handle dragged and dropped, the stretch moved, the map zoomed."""
    box = page.locator("[data-lw='map'] canvas").first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def around(k):
        page.mouse.move(middle[0] + 160 * np.cos(k / 9), middle[1] + 160 * np.sin(k / 7))

    def stretch(k):
        value = 0.5 + 0.45 * np.sin(k / 8)
        page.evaluate(
            "v => { const s = document.querySelector(\"[data-lw='stretch']\"); s.value = v;"
            " s.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )

    handle = page.locator("[data-lw='handle-end']").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    yield "drag a handle", "pointermove", around
    page.mouse.up()

    def drop(k):
        page.mouse.down()
        around(7 * k)
        page.mouse.up()
        # until the geodesic has settled, so that what comes then does not count as the next step's
        page.wait_for_selector("[data-settled='true']")
        page.wait_for_timeout(50)

    yield "drop a handle", "pointerup", drop
    yield "drop, settled", "settled", drop
    yield "stretch", "input", stretch
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    yield "zoom", "wheel", lambda k: page.mouse.wheel(0, -40 if k % 40 < 20 else 40)
    page.keyboard.up("Control")


def solver(browser):
    """Print what the solver's own benchmark says in a page."""
    js = Path(__file__).parents[1] / "js"
    bundle = [js / "node_modules/.bin/esbuild", js / "bench/geodesics.ts", "--bundle", "--format=iife"]
    text = subprocess.run([*bundle, "--log-level=error"], check=True, capture_output=True, text=True).stdout
    page = browser.new_page()
    page.on("console", lambda message: print(message.text, flush=True))
    page.add_script_tag(content=text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--moves", type=int, default=120)
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--solver", action="store_true", help="only the solver, without drawing")
    options = parser.parse_args()
    if not options.solver:
        print(f"{'lattice':>8} {'gesture':>14} {'work: median':>13} {'p99':>6} {'whole: median':>14} {'p99':>6}  ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        if options.solver:
            solver(browser)
        for n in [] if options.solver else options.sizes:
            path = Path(folder) / f"{n}.html"
            write_map(n, path)
            page = browser.new_page(viewport={"width": 1000, "height": 1000})
            page.goto(path.as_uri())
            page.wait_for_selector("[data-lw='path-geodesic'][d^=M]")
            page.evaluate(WATCH)
            for name, kind, act in gestures(page):
                taken(page, kind, act, 20)  # until the page's code is compiled
                times = taken(page, kind, act, options.moves)
                (work, whole), (work99, whole99) = np.median(times, 0), np.percentile(times, 99, axis=0)
                print(f"{n:>7}² {name:>14} {work:>13.1f} {work99:>6.1f} {whole:>14.1f} {whole99:>6.1f}", flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
