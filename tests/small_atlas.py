"""A survey of a decoder of four pixels by two measures, and the widget that shows it without a browser."""

import numpy as np
import torch

import latent_widget as lw


def decode(z):
    return torch.sigmoid(torch.stack([z[:, 0] * 3, z[:, 1] ** 2, z.sum(1), z[:, 0] ** 3], 1)).unflatten(1, (2, 2))


LATTICE = lw.Lattice((-1, 1, -2, 2), (24, 16))


def slope(decoder, lattice):
    return lw.Field.from_density(lattice, 2 + lattice.cells[..., 0])


def make_atlas():
    decoder = lw.Decoder(decode, dtype=torch.float64)
    points = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    return lw.survey(decoder, LATTICE, ["pullback", slope], points=points, labels=np.arange(50) % 4, progress=False)


def make_widget(atlas):
    """Return a widget that keeps what it sends."""
    shown = lw.LatentWidget(atlas)
    shown.sent = []
    shown.send = lambda content, buffers=None: shown.sent.append((content, buffers))
    return shown
