"""From running the cell to the first picture in a real JupyterLab, from a ready atlas, and how much travels.

    python benchmarks/first_paint.py                  # n = 64, 128, 256

Needs the extra "test" and a Chromium or Chrome. The atlas (pull-back of the digits, 1,797 points, thumbnails) is made
by an earlier cell. "kernel" is what making the widget takes there; "first paint" runs from the order to run the cell to
the frame in which the map and its geodesic stand on the page, the first time that a page sees the widget, its code
included; "later" is the median of five more runs of the same cell. JSON holds the code as well.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import chromium  # noqa: E402
import lab  # noqa: E402

import hatch_build  # noqa: E402

READY = """
import time
import latent_widget as lw
digits = lw.examples.digits()
lattice = lw.Lattice.fit(digits.latents, ({n}, {n}))
atlas = lw.survey(digits.decoder, lattice, ["pullback"], points=digits.latents, labels=digits.labels, progress=False)
"""
SHOW = "began = time.perf_counter(); w = lw.LatentWidget(atlas); took = time.perf_counter() - began; w"
PAYLOAD = """(lambda parts: [len(__import__('json').dumps(parts[0])), sum(memoryview(b).nbytes for b in parts[2])])(
    __import__('ipywidgets').widgets.widget._remove_buffers(w.get_state()))"""
RUN = """async (position) => {
    const { commands, shell } = jupyterapp;
    const notebook = shell.currentWidget.content;
    notebook.activeCellIndex = position;
    const cell = notebook.widgets[position];
    cell.model.outputs.clear();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const began = performance.now();
    const painted = new Promise((done) => {
        const look = () => {
            const line = cell.node.querySelector("[data-lw='path-geodesic']")?.getAttribute("d");
            if (line?.startsWith("M")) done(performance.now() - began);
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
    commands.execute("notebook:run-cell");
    return painted;
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    sizes = parser.parse_args().sizes
    browser = chromium.find_browser()
    if browser is None:
        sys.exit(chromium.HOW_TO_GET_ONE)
    if hatch_build.stale():
        hatch_build.build()
    code = sum(path.stat().st_size for path in (ROOT / "latent_widget" / "display" / "static").glob("widget.*"))
    print(f"code: {code / 1024:.0f} KiB, once a page")
    print(
        f"{'lattice':>8} {'kernel ms':>10} {'first paint ms':>15} {'later ms':>9} {'JSON KiB':>9} {'buffers KiB':>12}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        served, home = Path(scratch, "notebooks"), Path(scratch, "home")
        served.mkdir()
        home.mkdir()
        with lab.served(served, home) as address, chromium.launched(browser) as started:
            for n in sizes:
                cells = [new_code_cell(READY.format(n=n)), new_code_cell(SHOW)]
                kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
                nbformat.write(new_notebook(cells=cells, metadata=kernel), served / f"{n}.ipynb")
                with lab.opened(started, address) as notebook:
                    notebook.open(f"{n}.ipynb")
                    notebook.run(0)
                    first, *later = [notebook.page.evaluate(RUN, 1) for _ in range(6)]
                    told, sent = notebook.ask(PAYLOAD)
                    took = notebook.ask("took")
                    print(
                        f"{n:>7}² {1000 * took:>10.0f} {first:>15.0f} {statistics.median(later):>9.0f}"
                        f"{told / 1024:>10.1f} {sent / 1024:>12.0f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
