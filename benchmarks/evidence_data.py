"""Seven data sets out of packages or made, split once into parts for models, judges and tests, with a judge for each.

A judge never sees what a model is trained on: it is the factors from which a set was made, the properties of a
molecule, or the last hidden layer of a classifier that was trained on the judge's own part of the data.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import nn

SIDE = 16
"""Pixels along each side of the images that are made."""
BACKGROUND = 300
"""Data of the model's part that Isomap and UMAP see besides the points that are tested."""


@dataclass(frozen=True, eq=False)
class DataSet:
    """Data of a set: what a model reads, what is known of it, and how it is split.

    Attributes
    ----------
    name, about, judge : str
        Its name, what it is, and who judges.
    inputs : ndarray (n, D)
        Floats; of texts, tokens.
    labels : ndarray of int (n,)
        Classes.
    model, test : ndarray of int
        Rows for the model, and rows that no model and no judge has seen.
    apart : ndarray (t + b, t + b)
        Distances of the data: of the t tests, then of some of the model's rows.
    judged : ndarray (t, k)
        What the judge says of the tests; distances in it are the judge's.
    texts : tuple of str
        Of a set of texts.
    relu : bool
        Whether models of the set have ReLU layers, which bend within the cells of a lattice.
    """

    name: str
    about: str
    judge: str
    inputs: np.ndarray
    labels: np.ndarray
    model: np.ndarray
    test: np.ndarray
    apart: np.ndarray
    judged: np.ndarray
    texts: tuple[str, ...] = ()
    relu: bool = False


def split(n: int, tests: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split rows at random, always alike: for the model, for the judge, and the tests."""
    order = np.random.default_rng(7).permutation(n)
    half = tests + (n - tests) // 2
    return order[tests:half], order[half:], order[:tests]


class Classifier(nn.Module):
    """Two hidden layers and a choice; the second hidden layer is what a judge, or a measure of features, looks at."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, 24), nn.Tanh())
        self.head = nn.Linear(24, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def train_classifier(inputs: np.ndarray, labels: np.ndarray, seed: int) -> Classifier:
    """Train a classifier on noisy inputs, full batch, 400 steps."""
    torch.manual_seed(seed)
    x, y = torch.from_numpy(inputs).float(), torch.from_numpy(labels).long()
    net = Classifier(x.shape[1], int(labels.max()) + 1)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    noise = 0.3 * x.std()
    for _ in range(400):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x + noise * torch.randn_like(x)), y).backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


def judge_by_classifier(inputs: np.ndarray, labels: np.ndarray, judge: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the last hidden layer, at the tests, of a classifier that was trained on the judge's part."""
    net = train_classifier(inputs[judge], labels[judge], seed=1000)
    return net.body(torch.from_numpy(inputs[test]).float()).double().numpy()


def assemble(
    name: str, about: str, inputs: np.ndarray, labels: np.ndarray, tests: int, factors: np.ndarray | None = None, **more
) -> DataSet:
    """Split numeric data and let them be judged: by factors (n, k), standardised, or else by a classifier."""
    model, judge, test = split(len(inputs), tests)
    inputs = np.ascontiguousarray(inputs, dtype=np.float32)
    shown = inputs[np.concatenate([test, model[:BACKGROUND]])]
    if factors is None:
        judged, who = judge_by_classifier(inputs, labels, judge, test), "a classifier trained on other data"
    else:
        judged = ((factors - factors.mean(0)) / factors.std(0))[test]
        who = more.pop("judge")
    return DataSet(name, about, who, inputs, labels, model, test, cdist(shown, shown), judged, **more)


def digits(tests: int) -> DataSet:
    """1,797 handwritten digits of 8 × 8 pixels that scikit-learn carries."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return assemble("digits", "handwritten digits, scikit-learn", data.data / 16, data.target, tests)


def cancer(tests: int) -> DataSet:
    """30 measurements, standardised, of 569 tumours that scikit-learn carries."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    logs = np.log(data.data + 0.1 * data.data.mean(0))
    inputs = (logs - logs.mean(0)) / logs.std(0)
    return assemble("breast cancer", "30 measurements of tumours, scikit-learn", inputs, data.target, tests)


def shapes(tests: int) -> DataSet:
    """Discs, squares and triangles of known size and place, drawn with soft edges."""
    random = np.random.default_rng(1)
    n = 1500
    kind, size, place = random.integers(3, size=n), random.uniform(0.2, 0.5, n), random.uniform(-0.45, 0.45, n)
    along = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    x, y = (along[None, None, :] - place[:, None, None]) / size[:, None, None], along[None, :, None]
    y = y / size[:, None, None]
    inside = np.stack([1 - np.hypot(x, y), 0.85 - np.maximum(abs(x), abs(y)), 0.8 - np.maximum(2 * abs(x) - y, y)])
    depth = inside[kind, np.arange(n)] * size[:, None, None]
    images = 1 / (1 + np.exp(-depth * 20))
    factors = np.column_stack([np.eye(3)[kind], size, place])
    about = "discs, squares, triangles of any size and place, made; ReLU layers"
    judge = "the factors they were made from"
    return assemble("shapes", about, images.reshape(n, -1), kind, tests, factors, judge=judge, relu=True)


def oscillations(tests: int) -> DataSet:
    """Sines, squares and saws of known frequency and damping, 64 samples long, with noise."""
    random = np.random.default_rng(2)
    n = 1500
    kind, pitch, damping = random.integers(3, size=n), random.uniform(1.0, 2.5, n), random.uniform(0.0, 3.0, n)
    t = np.linspace(0, 1, 64)
    phase = 2 * np.pi * pitch[:, None] * t
    harmonics = {0: {1: 1.0}, 1: {1: 1.2, 3: 0.4, 5: 0.24}, 2: {1: 0.9, 2: -0.45, 3: 0.3, 4: -0.22}}
    waves = np.stack([sum(a * np.sin(k * phase) for k, a in parts.items()) for parts in harmonics.values()])
    series = waves[kind, np.arange(n)] * np.exp(-damping[:, None] * t) + 0.05 * random.normal(size=(n, 64))
    factors = np.column_stack([np.eye(3)[kind], pitch, damping])
    about, judge = "damped waves of three forms, made", "the factors they were made from"
    return assemble("oscillations", about, series, kind, tests, factors, judge=judge)


def glyphs(tests: int) -> DataSet:
    """Eight letters in the typefaces that Matplotlib carries, at several sizes and places."""
    from pathlib import Path

    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    random = np.random.default_rng(3)
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = sorted(folder.glob("DejaVu*.ttf")) + sorted(folder.glob("STIXGeneral*.ttf"))
    faces = [face for face in faces if "Display" not in face.name]
    images, labels = [], []
    for label, letter in enumerate("AEGHOSTX"):
        for face in faces:
            for _ in range(14):
                font = ImageFont.truetype(str(face), int(random.integers(44, 60)))
                page = Image.new("L", (4 * SIDE, 4 * SIDE))
                at = 2 * SIDE + random.uniform(-3, 3, size=2)
                ImageDraw.Draw(page).text(tuple(at), letter, fill=255, font=font, anchor="mm")
                images.append(np.asarray(page.resize((SIDE, SIDE), Image.Resampling.BOX)) / 255.0)
                labels.append(label)
    pictures = np.array(images).reshape(len(images), -1)
    return assemble("glyphs", "letters in Matplotlib's typefaces", pictures, np.array(labels), tests)


CORES = {
    "benzene": "c1ccc({b})cc1{a}",
    "pyridine": "c1cc({b})ncc1{a}",
    "thiophene": "c1c({b})scc1{a}",
    "cyclohexane": "C1CCC({b})CC1{a}",
    "piperidine": "C1CN({b})CCC1{a}",
    "chain": "C({b})CCCC{a}",
}
ENDS = ("C", "CC", "C(C)C", "CO", "CCO", "CN", "CCN", "C(=O)O", "C(=O)N", "C(=O)OC", "C(=O)C", "CF", "C(F)(F)F")
ENDS += ("CCl", "CC#N", "CC(=O)O", "CS", "CC=C")


def molecules(tests: int) -> DataSet:
    """Molecules put together from six cores and eighteen ends, as logarithmic counts of atom environments."""
    from rdkit import Chem
    from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

    count = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=128)
    known, rows, labels, properties = set(), [], [], []
    for label, core in enumerate(CORES.values()):
        for a in ENDS:
            for b in ENDS:
                molecule = Chem.MolFromSmiles(core.format(a=a, b=b))
                written = Chem.MolToSmiles(molecule)
                if written in known:
                    continue
                known.add(written)
                rows.append(np.log1p(count.GetCountFingerprintAsNumPy(molecule).astype(float)))
                labels.append(label)
                properties.append(
                    [
                        Descriptors.MolWt(molecule),
                        Crippen.MolLogP(molecule),
                        rdMolDescriptors.CalcTPSA(molecule),
                        rdMolDescriptors.CalcNumHBD(molecule),
                        rdMolDescriptors.CalcNumRotatableBonds(molecule),
                        rdMolDescriptors.CalcFractionCSP3(molecule),
                    ]
                )
    inputs = np.array(rows)
    about, judge = "cores with two ends, made with RDKit", "six properties (weight, log P, polar area...)"
    return assemble("molecules", about, inputs, np.array(labels), tests, np.array(properties), judge=judge)


def edit_distances(texts: list[str]) -> np.ndarray:
    """Levenshtein distance of all pairs (n, n), as a share of the longer text; all pairs advance at once."""
    longest = max(map(len, texts))
    codes = np.array([[ord(c) for c in text.ljust(longest, "\0")] for text in texts])
    lengths = np.array([len(text) for text in texts])
    n = len(texts)
    before = np.broadcast_to(np.arange(longest + 1, dtype=np.int8), (n, n, longest + 1)).copy()
    table = [before]
    for i in range(1, longest + 1):
        row = np.empty_like(before)
        row[..., 0] = i
        for j in range(1, longest + 1):
            other = codes[:, None, i - 1] != codes[None, :, j - 1]
            row[..., j] = np.minimum(np.minimum(before[..., j], row[..., j - 1]) + 1, before[..., j - 1] + other)
        table.append(row)
        before = row
    found = np.stack(table)[lengths[:, None], np.arange(n)[:, None], np.arange(n)[None, :], lengths[None, :]]
    return found / np.maximum(lengths[:, None], lengths[None, :])


def count_bigrams(texts: list[str]) -> np.ndarray:
    """How often each pair of letters stands in a text, its ends marked."""
    place = {letter: k for k, letter in enumerate(string.ascii_lowercase)}
    size = len(place) + 1
    out = np.zeros((len(texts), size * size), dtype=np.float32)
    for row, text in zip(out, texts, strict=True):
        codes = [place.get(letter, size - 1) for letter in f" {text.lower()} "]
        for a, b in pairwise(codes):
            row[a * size + b] += 1
    return out


def names(tests: int) -> DataSet:
    """Place names of six countries that this package carries (GeoNames, CC BY 4.0)."""
    import latent_widget as lw
    from latent_widget.examples.names_vae import to_tokens

    stored = lw.examples.names()
    texts = [str(name) for name in stored.names]
    labels = np.unique(stored.labels, return_inverse=True)[1]
    model, judge, test = split(len(texts), tests)
    shown = [texts[k] for k in np.concatenate([test, model[:BACKGROUND]])]
    judged = judge_by_classifier(count_bigrams(texts), labels, judge, test)
    about = "place names of six countries, from this package"
    who = "a classifier of letter pairs trained on other names"
    tokens = to_tokens(texts)
    return DataSet("names", about, who, tokens, labels, model, test, edit_distances(shown), judged, tuple(texts))


SETS: dict[str, Callable[[int], DataSet]] = {
    "digits": digits,
    "shapes": shapes,
    "glyphs": glyphs,
    "names": names,
    "molecules": molecules,
    "oscillations": oscillations,
    "breast cancer": cancer,
}
