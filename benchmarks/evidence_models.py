"""Small generators with two latent dimensions: auto-encoders, a GAN, a recurrent VAE, and one that was never trained.

The variational ones weigh their fit by a noise that is learned (Rybkin, Daniilidis and Levine 2021), so that one
recipe serves every set; the GAN (Goodfellow et al. 2014) is encoded by the nearest of its own samples, then descent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from evidence_data import DataSet
from torch import Tensor, nn

import latent_widget as lw
from latent_widget.examples.names_vae import LETTERS, LONGEST, Reader, Writer

PROMPTS = 12
"""Names whose letters a decoder of names is asked to continue, where two of its latents are compared."""


@dataclass(frozen=True, eq=False)
class Model:
    """A trained generator with its encodings.

    Attributes
    ----------
    decoder : Decoder or SequenceDecoder
        As the package takes it.
    test, model : ndarray (t, 2), (m, 2)
        Latents of the tests, and of the data that it was trained on.
    decode : callable
        Latents `(n, 2)` to vectors `(n, k)`; Euclidean distances of these are distances of what is decoded.
    error : float
        Reconstruction error of the tests, as a share of their variance; of texts, nats a letter.
    """

    decoder: lw.Decoder | lw.SequenceDecoder
    test: np.ndarray
    model: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]
    error: float


def make_layers(*widths: int, relu: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU() if relu else nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def descend(parameters: list[nn.Parameter], loss: Callable[[int], Tensor], steps: int, rate: float = 4e-3) -> None:
    """Descend by AdamW with one cycle of rates."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()
        schedule.step()


def draw(x: Tensor, size: int = 256) -> Tensor:
    return x[torch.randint(len(x), (min(size, len(x)),))]


def train_auto_encoder(x: Tensor, relu: bool, variational: bool, steps: int) -> tuple[nn.Module, nn.Module]:
    """Train an auto-encoder; the variational loss is D/2 log(mean squared error) + KL."""
    encoder = make_layers(x.shape[1], 128, 64, 4, relu=relu)
    decoder = make_layers(2, 64, 128, x.shape[1], relu=relu)

    def loss(step: int) -> Tensor:
        batch = draw(x)
        mean, log_scale = encoder(batch).chunk(2, dim=1)
        if not variational:
            return (decoder(mean) - batch).square().mean() / x.var()
        z = mean + log_scale.exp() * torch.randn_like(mean)
        kl = 0.5 * (mean.square() + (2 * log_scale).exp() - 1 - 2 * log_scale).sum(1).mean()
        fit = 0.5 * x.shape[1] * (decoder(z) - batch).square().mean().log()
        return fit + min(1.0, 3 * step / steps) * kl

    if steps:
        descend([*encoder.parameters(), *decoder.parameters()], loss, steps)
    return encoder, decoder


def train_gan(x: Tensor, steps: int) -> nn.Module:
    """Train a GAN with the non-saturating loss and a penalty on the critic's slope at the data (Mescheder et al. 2018).

    A regressor that has to tell the latent from the sample keeps the generator from collapse (Chen et al. 2016).
    """
    generator = nn.Sequential(*make_layers(2, 64, 128, x.shape[1]), nn.Sigmoid())
    critic = nn.Sequential(
        nn.Linear(x.shape[1], 128), nn.LeakyReLU(0.2), nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    )
    regressor = make_layers(x.shape[1], 64, 2)
    sides = [
        torch.optim.Adam(parameters, lr=2e-3, betas=(0.0, 0.99))
        for parameters in (critic.parameters(), [*generator.parameters(), *regressor.parameters()])
    ]
    for _ in range(steps):
        real = draw(x, 128).requires_grad_()
        z = torch.randn(len(real), 2)
        made, told = generator(z), critic(real)
        (slope,) = torch.autograd.grad(told.sum(), real, create_graph=True)
        lost = nn.functional.softplus(-told) + nn.functional.softplus(critic(made.detach()))
        sides[0].zero_grad()
        (lost.mean() + 0.5 * slope.square().sum(1).mean()).backward()
        sides[0].step()
        sides[1].zero_grad()
        guess = (regressor(made) - z).square().sum(1).mean()
        (nn.functional.softplus(-critic(made)).mean() + 0.1 * guess).backward()
        sides[1].step()
    return generator


def invert(generator: nn.Module, x: Tensor) -> Tensor:
    """Encode by the latent whose sample is nearest: the best of a grid within 3 standard deviations, then descent."""
    along = torch.linspace(-3, 3, 61)
    grid = torch.cartesian_prod(along, along)
    with torch.no_grad():
        start = grid[torch.cdist(x, generator(grid)).argmin(1)]
    z = nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([z], lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        (generator(z) - x).square().sum().backward()
        optimiser.step()
    return z.detach().clamp(-3.2, 3.2)


def train_numeric(data: DataSet, kind: str, seed: int, effort: float) -> Model:
    """Train a generator of numbers; `kind` is VAE, AE, GAN or untrained."""
    torch.manual_seed(seed)
    x = torch.from_numpy(data.inputs)
    shown, test = x[data.model], x[data.test]
    if kind == "GAN":
        decoder = train_gan(shown, int(1500 * effort)).eval().requires_grad_(False)
        latents = [invert(decoder, part) for part in (test, shown)]
    else:
        steps = 0 if kind == "untrained" else int(1500 * effort)
        encoder, decoder = train_auto_encoder(shown, data.relu, kind == "VAE", steps)
        decoder.eval().requires_grad_(False)
        with torch.no_grad():
            latents = [encoder(part)[:, :2] for part in (test, shown)]
        if kind == "untrained":
            # an encoder's first weights leave all data on a spot: give them the spread of a prior
            low, spread = latents[1].mean(0), latents[1].std(0)
            latents = [(z - low) / spread for z in latents]
    error = float((decoder(latents[0]) - test).square().mean() / test.var(0).mean())

    def decode(z: np.ndarray) -> np.ndarray:
        return decoder(torch.from_numpy(np.asarray(z)).float()).double().numpy()

    found = [z.double().numpy() for z in latents]
    return Model(lw.Decoder(decoder, latent_dim=2), found[0], found[1], decode, error)


def train_names(data: DataSet, seed: int, effort: float) -> Model:
    """Train the package's recurrent VAE of names, with a light KL term and letters hidden at random."""
    torch.manual_seed(seed)
    tokens = torch.from_numpy(data.inputs)
    shown, test = tokens[data.model], tokens[data.test]
    reader, writer = Reader(), Writer()
    steps = max(250, int(400 * effort))

    def score(z: Tensor, names: Tensor, given: Tensor) -> Tensor:
        seen = torch.arange(LONGEST) <= (names != 0).sum(1, keepdim=True)
        return nn.functional.cross_entropy(writer(z, given).transpose(1, 2), names, reduction="none") * seen

    def loss(step: int) -> Tensor:
        batch = draw(shown, 96)
        mean, log_scale = reader(batch)
        z = mean + log_scale.exp() * torch.randn_like(mean)
        given = torch.where(torch.rand(batch.shape) < 0.3, len(LETTERS), batch)
        kl = 0.5 * (mean.square() + (2 * log_scale).exp() - 1 - 2 * log_scale).sum(1)
        return (score(z, batch, given).sum(1) + 0.1 * min(1.0, 3 * step / steps) * kl).mean()

    descend([*reader.parameters(), *writer.parameters()], loss, steps, rate=8e-3)
    for part in (reader, writer):
        part.eval().requires_grad_(False)
    latents = [reader(part)[0] for part in (test, shown)]
    fit = score(latents[0], test, test)
    error = float(fit.sum() / ((test != 0).sum() + len(test)))
    prompts = shown[:PROMPTS]
    seen = torch.arange(LONGEST) <= (prompts != 0).sum(1, keepdim=True)

    def decode(z: np.ndarray) -> np.ndarray:
        """Square roots of the chances of every next letter of some names: Hellinger's distance, but for a constant."""
        z = torch.from_numpy(np.asarray(z)).float()
        rows = []
        for part in z.split(256):
            many = prompts.repeat(len(part), 1)
            chances = torch.softmax(writer(part.repeat_interleave(PROMPTS, 0), many), -1).sqrt()
            rows.append(chances.view(len(part), PROMPTS, LONGEST, -1)[:, seen].flatten(1))
        return torch.cat(rows).double().numpy()

    decoder = lw.SequenceDecoder(writer, latent_dim=2, vocabulary=LETTERS, max_length=LONGEST, eos=0)
    found = [z.double().numpy() for z in latents]
    return Model(decoder, found[0], found[1], decode, error)


def train(data: DataSet, kind: str, seed: int, effort: float) -> Model:
    """Train one model of a set; effort is a share of the full number of steps."""
    if data.texts:
        return train_names(data, seed, effort)
    return train_numeric(data, kind, seed, effort)
