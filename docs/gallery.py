"""Build the gallery: for each model of the demo notebooks a page that is alive without a kernel, and a picture of it.

python docs/gallery.py              # into docs/gallery/, lattices of 64 × 64 cells
python docs/gallery.py --size 24    # coarser, for a quick look
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import latent_widget as lw

FOLDER = Path(__file__).parent / "gallery"
SIZE = 64
"""Cells along each side of a lattice; a page then has one to two megabytes."""
SEQUENCES = 32
"""The same for the place names, which cost most."""


class Exhibit(NamedTuple):
    """A page: how its widget is made from a lattice size, what stands on its card, and the notebook behind it."""

    make: Callable[[int], lw.LatentWidget]
    title: str
    text: str
    notebook: str


def gaussian_digits(size: int) -> lw.LatentWidget:
    digits = lw.examples.digits()
    atlas = lw.survey(
        digits.gaussian_decoder,
        lw.Lattice.fit(digits.latents, shape=(size, size)),
        ["pullback", "jensen_shannon"],
        points=digits.latents,
        labels=digits.labels,
        progress=False,
    )
    return lw.LatentWidget(atlas, start=(-2.0, 1.0), end=(1.0, -1.8), stretch=1.0)


def deterministic_digits(size: int) -> lw.LatentWidget:
    digits = lw.examples.digits()
    atlas = lw.survey(
        digits.decoder,
        lw.Lattice.fit(digits.latents, shape=(size, size)),
        ["pullback"],
        points=digits.latents,
        labels=digits.labels,
        progress=False,
    )
    show = {"points": False, "thumbnails": True}
    return lw.LatentWidget(atlas, start=(-2.0, 1.0), end=(1.0, -1.8), stretch=1.0, show=show)


def eight_measures(size: int) -> lw.LatentWidget:
    digits = lw.examples.digits()
    classify = trained_classifier(digits.images, digits.labels)
    atlas = lw.survey(
        digits.gaussian_decoder,
        lw.Lattice.fit(digits.latents, shape=(size, size)),
        [
            "pullback",
            "fisher_rao",
            "jensen_shannon",
            "wasserstein",
            lw.measures.classifier(classify),
            lw.measures.distance(lambda a, b: (a.mean - b.mean).abs().flatten(1).sum(1), floor=1e-6),
            lw.measures.likelihood(digits.latents),
            partial(lw.measures.entropy, exponent=2),
        ],
        points=digits.latents,
        labels=digits.labels,
        progress=False,
    )
    return lw.LatentWidget(atlas, weights={"classifier": 1.0}, stretch=1.0)


def trained_classifier(images: np.ndarray, labels: np.ndarray) -> torch.nn.Module:
    """One linear layer that tells the digits apart, as in the notebook."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classify = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(classify.parameters(), lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(classify(x), y).backward()
        optimiser.step()
    return classify.eval()


def place_names(size: int) -> lw.LatentWidget:
    example = lw.examples.names()
    side = min(size, SEQUENCES)
    # a coarse map is for a quick look, and its measures may be rough as well
    prefixes = 32 if side == SEQUENCES else 8
    atlas = lw.survey(
        example.decoder,
        lw.Lattice.fit(example.latents, shape=(side, side)),
        [partial(lw.measures.NAMED[name], prefixes=prefixes) for name in ("jensen_shannon", "fisher_rao", "entropy")],
        points=example.latents,
        labels=example.labels,
        progress=False,
        thumbnails=side,
    )
    show = {"thumbnails": True, "points": False}
    return lw.LatentWidget(atlas, stretch=1.0, start=(-2.0, 0.9), end=(2.0, -1.2), n_samples=8, show=show)


def walks(size: int) -> lw.LatentWidget:
    digits = lw.examples.digits()
    atlas = lw.survey(
        digits.decoder,
        lw.Lattice.fit(digits.latents, shape=(size, size)),
        ["pullback", lw.measures.likelihood(digits.latents)],
        points=digits.latents,
        labels=digits.labels,
        progress=False,
    )
    start, end = (tuple(np.median(digits.latents[digits.labels == k], axis=0)) for k in (4, 9))
    show = {"slerp": True, "stretched": True, "contours": True}
    return lw.LatentWidget(atlas, start=start, end=end, show=show)


EXHIBITS = {
    "digits": Exhibit(
        gaussian_digits,
        "Handwritten digits",
        "A variational auto-encoder with a Gaussian decoder, stretched so that equal areas change the digit equally "
        "much. Drag the handles A and B; take the stretch back to see the latent space as it was.",
        "01_digits",
    ),
    "deterministic": Exhibit(
        deterministic_digits,
        "The same digits without an uncertainty",
        "The mean of the decoder alone, with pictures of what is decoded where. It runs on smoothly between and beyond "
        "the data; switch the points on to see where those are.",
        "01_digits",
    ),
    "measures": Exhibit(
        eight_measures,
        "One model, eight measures",
        "Pixels that move, distributions that can be told apart, a classifier that changes its mind: switch the "
        "measures on and off and watch the colours and the geodesic. Here the classifier has stretched the map.",
        "02_measures",
    ),
    "names": Exhibit(
        place_names,
        "Place names",
        "A recurrent decoder that writes names letter by letter, measured by the chain rule over its next-letter "
        "probabilities. Colour by the error of the measure to see how sure the sampled measures are.",
        "03_sequences",
    ),
    "walks": Exhibit(
        walks,
        "From fours to nines in four ways",
        "The geodesic, the straight line, the spherical line and the straight line of the stretched map, each with its "
        "film strip and its speed. Press Walk. Then put the handles on a zero and a four, switch the likelihood on and "
        "raise its weight: the geodesic bends towards the data.",
        "04_geodesics",
    ),
}


def build(folder: Path, size: int = SIZE) -> list[dict[str, str]]:
    """Write a page and a still for each exhibit, and gallery.json, which names them for the index of the site."""
    if size < 8:
        raise ValueError(f"size={size}: give at least 8 cells a side; pages for the site have {SIZE}")
    folder.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads()
    # models as small as these are slowed down by handing their work to threads
    torch.set_num_threads(1)
    try:
        cards = [write(folder, size, name, exhibit) for name, exhibit in EXHIBITS.items()]
    finally:
        torch.set_num_threads(threads)
    (folder / "gallery.json").write_text(json.dumps(cards, indent=1) + "\n", "utf-8")
    return cards


def write(folder: Path, size: int, name: str, exhibit: Exhibit) -> dict[str, str]:
    """Write one exhibit, and return its card."""
    begun = time.perf_counter()
    page = folder / f"{name}.html"
    with warnings.catch_warnings():
        # a coarse lattice is warned of, and its map says on screen how well it did
        warnings.simplefilter("ignore")
        widget = exhibit.make(size)
        widget.to_html(page, title=exhibit.title)
        widget.save(page.with_suffix(".png"), dpi=80, width=8.0)
    print(f"{page} {page.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - begun:.0f} s", flush=True)
    return {"name": name, "title": exhibit.title, "text": exhibit.text, "notebook": exhibit.notebook}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: docs/gallery)")
    parser.add_argument("--size", type=int, default=SIZE, help=f"cells along each side of a lattice (default: {SIZE})")
    asked = parser.parse_args()
    build(asked.out, asked.size)


if __name__ == "__main__":
    main()
