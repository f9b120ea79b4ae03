"""How often paths leave the data: the share of a path that lies farther from the encoded points than these do.

    python benchmarks/off_data.py             # four models, 5 trainings each: about 90 seconds on one core
    python benchmarks/off_data.py --quick     # one training, few pairs: a look

Small auto-encoders (and a variational one) with two latent dimensions are trained on data sets that come with
scikit-learn, and on one of its digits turned by all angles, whose latents lie on closed curves with a void inside.
Pairs of random encoded points are joined by the straight line and by the geodesic of each measure on one lattice of
64 × 64 cells. A point of a path is *off the data* where its distance to the nearest encoded point exceeds the 99th
percentile of the distances of encoded points to their nearest others; points of a path are spaced evenly in the latent
space. Members of the ensemble are decoders trained anew on the same latents.
"""

import argparse
import os
import time
from functools import partial
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.ndimage import rotate
from scipy.spatial import cKDTree
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn

import latent_widget as lw

MODELS = (("digits", "VAE"), ("digits", "AE"), ("breast cancer", "AE"), ("turned digit", "AE"))
TURNED, ANGLES = 3, 400
"""Which of the digits is turned, and by how many angles."""
STEPS, BATCH, MEMBERS, PATH_POINTS = 800, 128, 5, 200
BETA = 0.02
"""Weight of the divergence from the prior, beside the mean squared error summed over outputs."""


def read(name: str) -> torch.Tensor:
    if name == "breast cancer":
        values = load_breast_cancer().data
        return torch.from_numpy((values - values.mean(0)) / values.std(0)).float()
    images = load_digits().images / 16
    if name == "turned digit":
        turns = np.linspace(0, 360, ANGLES, endpoint=False)
        images = np.stack([rotate(images[TURNED], turn, reshape=False, order=1) for turn in turns])
    return torch.from_numpy(images).float().flatten(1)


class Networks(nn.Module):
    """So many perceptrons of one shape (tanh), trained side by side in one batched product."""

    def __init__(self, count: int, *sizes: int) -> None:
        super().__init__()
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList(torch.randn(count, a, b) * (1 / a) ** 0.5 for a, b in pairs)
        self.biases = nn.ParameterList(torch.zeros(count, 1, b) for _, b in pairs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = torch.tanh(torch.baddbmm(bias, x, weight))
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])

    def take(self, k: int) -> nn.Sequential:
        """Return one of them by itself."""
        layers = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            linear = nn.Linear(*weight.shape[1:])
            linear.load_state_dict({"weight": weight[k].T.detach(), "bias": bias[k, 0].detach()})
            layers += [linear, nn.Tanh()]
        return nn.Sequential(*layers[:-1]).requires_grad_(False)


def fit(parameters, loss, count: int) -> None:
    optimiser = torch.optim.Adam(parameters, 5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss(torch.randint(count, (BATCH,))).backward()
        optimiser.step()
        schedule.step()


def train(kind: str, data: torch.Tensor, trainings: int) -> list[tuple[nn.Module, torch.Tensor]]:
    """Train auto-encoders; return the decoder of each and what its encoder makes of the data."""
    torch.manual_seed(0)
    width = data.shape[1]
    encoder, decoder = Networks(trainings, width, 64, 64, 4), Networks(trainings, 2, 64, 64, width)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        x = data[rows].expand(trainings, -1, -1)
        location, log_scale = encoder(x).split(2, dim=-1)
        if kind == "AE":
            return (decoder(location) - x).square().sum(-1).mean(1).sum()
        z = location + log_scale.exp() * torch.randn_like(location)
        divergence = 0.5 * (location.square() + (2 * log_scale).exp() - 1 - 2 * log_scale).sum(-1)
        return ((decoder(z) - x).square().sum(-1) + BETA * divergence).mean(1).sum()

    fit([*encoder.parameters(), *decoder.parameters()], loss, len(data))
    return [(decoder.take(k), encoder.take(k)(data)[:, :2]) for k in range(trainings)]


def train_members(latents: torch.Tensor, data: torch.Tensor) -> list[list[nn.Module]]:
    """Train further decoders on the latents `(trainings, n, 2)` of each training; return them by training."""
    torch.manual_seed(1)
    each = MEMBERS - 1
    decoder, z = Networks(len(latents) * each, 2, 64, 64, data.shape[1]), latents.repeat_interleave(each, dim=0)
    fit(decoder.parameters(), lambda rows: (decoder(z[:, rows]) - data[rows]).square().sum(-1).mean(1).sum(), len(data))
    return [[decoder.take(t * each + k) for k in range(each)] for t in range(len(latents))]


def measure(
    data: torch.Tensor, net: nn.Module, z: torch.Tensor, others: list[nn.Module], seed: int, pairs: int
) -> dict[str, float]:
    """Return the share off the data of each kind of path, in %, over pairs of encoded points of one training."""
    latents = z.numpy().astype(float)
    decoder = lw.Decoder(net)
    members = [decoder, *(lw.Decoder(other) for other in others)]
    uncertain = lw.with_uncertainty(decoder, latents, data.numpy())
    lattice = lw.Lattice.fit(latents, shape=(64, 64))
    pullback = partial(lw.measures.pullback, method="auto")
    pull_back, likelihood = pullback(decoder, lattice), lw.measures.likelihood(latents)(decoder, lattice)
    atlas = lw.Atlas(lattice, {"pullback": pull_back, "likelihood": likelihood})
    fields = {
        "pullback": pull_back,
        "with_uncertainty": pullback(uncertain, lattice),
        "ensemble": lw.measures.ensemble(members, pullback)(decoder, lattice),
        "likelihood": likelihood,
        "pullback + likelihood": atlas.mixed({"pullback": 1.0, "likelihood": 1.0}),
        "pullback + 10 likelihood": atlas.mixed({"pullback": 1.0, "likelihood": 10.0}),
    }
    tree = cKDTree(latents)
    reach = np.quantile(tree.query(latents, k=2)[0][:, 1], 0.99)
    chosen = np.random.default_rng(seed).choice(len(latents), (pairs, 2))
    chosen = chosen[chosen[:, 0] != chosen[:, 1]]
    ends = [(latents[i], latents[j]) for i, j in chosen]

    def off(paths) -> float:
        return 100 * float(np.mean([(tree.query(path.at(PATH_POINTS, "latent"))[0] > reach).mean() for path in paths]))

    found = {"straight": off(lw.straight(pull_back, a, b) for a, b in ends)}
    return found | {name: off(lw.geodesic(field, a, b) for a, b in ends) for name, field in fields.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    trainings, pairs = (1, 20) if options.quick else (options.trainings, options.pairs)
    torch.set_num_threads(1)
    began, table, more = time.perf_counter(), {}, {}
    for name, kind in MODELS:
        data = read(name)
        trained = train(kind, data, trainings)
        members = train_members(torch.stack([z for _, z in trained]), data)
        runs = [measure(data, *trained[k], members[k], k, pairs) for k in range(trainings)]
        for path in runs[0]:
            table.setdefault(path, []).append(f"{np.mean([run[path] for run in runs]):.1f}")
            differences = np.array([run[path] - run["straight"] for run in runs])
            more[path] = more.get(path, 0) + np.array([(differences > 0).sum(), (differences < 0).sum()])
    count = trainings * len(MODELS)
    print(
        "| share off the data, % | " + " | ".join(" ".join(model) for model in MODELS) + " | more, less than straight |"
    )
    print("| --- " * (len(MODELS) + 2) + "|")
    for path, cells in table.items():
        print(f"| {path} | " + " | ".join(cells) + f" | {more[path][0]}, {more[path][1]} of {count} |")
    print(f"\n{trainings} trainings, {pairs} pairs each, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
