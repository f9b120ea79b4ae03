"""Train the digits example: `python -m latent_widget.examples.train_digits`, under a minute on two cores.

A plain variational auto-encoder [9] with two latent dimensions on the 1,797 handwritten digits that scikit-learn
carries [11], then an inverse-RBF precision [4] fitted to what the mean leaves over.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

from latent_widget.examples.digits_vae import CENTRES, FILE, Mean, Precision

SEED = 3
EPOCHS = 500
BATCH = 256
BETA = 1.0
"""Weight of the KL term once it is warmed up; 1 is the plain VAE."""
KERNEL_WIDTH = 1.6
"""Width of a precision kernel, in mean distances of a centre's members."""
WIDEST_SIGMA = 0.35
"""Standard deviation far from all data, in units of pixel brightness; pixels run from 0 to 1."""


def main() -> None:
    """Train, print what was reached, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=FILE)
    output = parser.parse_args().output
    began = time.perf_counter()
    torch.manual_seed(SEED)
    data = load_digits()
    images = torch.from_numpy(data.images / 16).float()
    encoder, mean = _train_vae(images)
    with torch.no_grad():
        latents = encoder(images.flatten(1))[:, :2]
        error = float((mean(latents) - images).square().mean())
    precision = _fit_precision(mean, latents, images)
    neighbours = KNeighborsClassifier(1).fit(latents[::2], data.target[::2])
    print(f"reconstruction: mean squared error {error:.4f} of brightness in 0..1")
    print(f"1-nearest-neighbour accuracy of the latents: {neighbours.score(latents[1::2], data.target[1::2]):.3f}")
    print(f"latents within x {_format_span(latents[:, 0])}, y {_format_span(latents[:, 1])}")
    weights = {f"mean.{k}": v.numpy() for k, v in mean.state_dict().items()}
    weights |= {f"precision.{k}": v.numpy() for k, v in precision.state_dict().items()}
    np.savez_compressed(
        output,
        allow_pickle=False,
        images=data.images.astype(np.uint8),
        labels=data.target.astype(np.uint8),
        latents=latents.numpy(),
        **weights,
    )
    print(f"{output.name}: {output.stat().st_size / 1024:.0f} KiB after {time.perf_counter() - began:.1f} s")


def _train_vae(images: Tensor) -> tuple[nn.Module, Mean]:
    encoder = nn.Sequential(nn.Linear(64, 256), nn.SiLU(), nn.Linear(256, 128), nn.SiLU(), nn.Linear(128, 4))
    mean = Mean()
    parameters = [*encoder.parameters(), *mean.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-2)
    rounds = EPOCHS * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=rounds, pct_start=0.1)
    for epoch in range(EPOCHS):
        warm = min(1.0, epoch / (0.3 * EPOCHS)) * BETA
        for batch in torch.split(torch.randperm(len(images)), BATCH):
            shown = images[batch]
            location, log_scale = encoder(shown.flatten(1)).split(2, dim=1)
            z = location + log_scale.exp() * torch.randn_like(location)
            fit = nn.functional.binary_cross_entropy(mean(z), shown, reduction="none").sum((1, 2))
            kl = 0.5 * (location.square() + (2 * log_scale).exp() - 1 - 2 * log_scale).sum(1)
            loss = (fit + warm * kl).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    print(f"negative ELBO {(fit + kl).mean().item():.2f} nats, KL {kl.mean().item():.2f} nats (last batch)")
    return encoder.eval().requires_grad_(False), mean.eval().requires_grad_(False)


def _fit_precision(mean: Mean, latents: Tensor, images: Tensor) -> Precision:
    """Fit positive weights of Gaussian kernels to the inverse squared residuals, over a floor far from all data."""
    clusters = KMeans(CENTRES, n_init=3, random_state=SEED).fit(latents.numpy())
    centres = torch.from_numpy(clusters.cluster_centers_).float()
    members = torch.cdist(latents, centres).gather(1, torch.from_numpy(clusters.labels_).long()[:, None])[:, 0]
    width = KERNEL_WIDTH * float(members.mean())
    precision = Precision()
    precision.centres.copy_(centres)
    precision.bandwidth.fill_(1 / (2 * width**2))
    precision.floor.fill_(WIDEST_SIGMA**-2)
    residuals = (mean(latents) - images).flatten(1)
    # pixels that are never inked have no residual, and no data could tell their sigma from zero
    squared = residuals.square() + 0.05**2
    weights = torch.zeros_like(precision.weights).requires_grad_()
    optimiser = torch.optim.Adam([weights], lr=0.05)
    kernels = precision.kernels(latents)
    for _ in range(300):
        total = kernels @ nn.functional.softplus(weights) + precision.floor
        loss = 0.5 * (total * squared - total.log()).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    precision.weights.copy_(nn.functional.softplus(weights).detach())
    return precision.eval()


def _format_span(values: Tensor) -> str:
    return f"[{float(values.min()):.2f}, {float(values.max()):.2f}]"


if __name__ == "__main__":
    main()
