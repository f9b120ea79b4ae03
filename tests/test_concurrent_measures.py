"""Measures on several threads at once: what PyTorch has once for the whole process is taken in turns, and put back."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import distributions as D
from torch import nn

import latent_widget as lw
from latent_widget.decoders.torch_modules import evaluation_mode

PLANES = [lw.Lattice((-1 + shift, 1 + shift, -1, 1), (5, 6)) for shift in (0.0, 0.1, 0.2, 0.3)]
WEIGHTS = torch.randn(2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Attention(nn.Module):
    """A Transformer of the prefix before each place, whose fused kernels have no forward-mode derivative."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.start, self.letters = nn.Linear(2, 8), nn.Embedding(4, 8)
        self.body = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.out = nn.Linear(8, 3)
        self.double()

    def forward(self, z, tokens):
        begun = torch.full_like(tokens[:, :1], 3)
        said = self.letters(torch.cat([begun, tokens[:, :-1]], dim=1)) + torch.tanh(self.start(z))[:, None]
        mask = torch.full((tokens.shape[1], tokens.shape[1]), -torch.inf, dtype=z.dtype).triu(1)
        return self.out(self.body(said, src_mask=mask, is_causal=True))


class Noisy(nn.Module):
    """A module that must be in evaluation mode to be measured, and is left in training."""

    def __init__(self):
        super().__init__()
        self.drop, self.norm = nn.Dropout(0.5), nn.BatchNorm1d(6)
        self.double()

    def forward(self, z):
        # cumsum has no rule of its own, so it enters PyTorch's forward mode
        return self.norm(self.drop((z @ WEIGHTS).cumsum(1)).sin())


def by_forward_mode(lattice):
    decoder = lw.Decoder(lambda z: (z @ WEIGHTS).cumsum(1).sin().cumprod(1), dtype=torch.float64)
    return lw.measures.pullback(decoder, lattice, method="exact")


def by_samples(lattice):
    decoder = lw.Decoder(lambda z: D.Independent(D.StudentT(4.0, z, 1 + z.square()), 1), dtype=torch.float64)
    return lw.measures.fisher_rao(decoder, lattice, samples=64)


NOISY, ATTENTION = Noisy().train(), Attention().train()


def of_one_module(lattice):
    return lw.measures.pullback(lw.Decoder(NOISY, dtype=torch.float64), lattice, method="exact")


def of_sequences(lattice):
    decoder = lw.SequenceDecoder(ATTENTION, vocabulary="abc", max_length=4, dtype=torch.float64)
    return lw.measures.fisher_rao(decoder, lattice, prefixes=8)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that give way after every few instructions, so that they meet where they may."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("measure", [by_forward_mode, by_samples, of_one_module, of_sequences])
@pytest.mark.usefixtures("eager_threads")
def test_threads_at_once_measure_what_one_measures_after_the_other(measure):
    before = torch.backends.mha.get_fastpath_enabled(), torch._C._get_mkldnn_enabled(), torch.random.get_rng_state()
    alone = [measure(lattice).metric for lattice in PLANES]
    together = threading.Barrier(len(PLANES))

    def meet(lattice):
        together.wait()
        return [measure(lattice).metric for _ in range(3)]

    with ThreadPoolExecutor(len(PLANES)) as pool:
        found = list(pool.map(meet, PLANES))
    for serial, several in zip(alone, found, strict=True):
        for one in several:
            np.testing.assert_allclose(one, serial, rtol=1e-9, atol=1e-12)
    assert torch.backends.mha.get_fastpath_enabled() == before[0]
    assert torch._C._get_mkldnn_enabled() == before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])
    assert all(module.training for net in (NOISY, ATTENTION) for module in net.modules())


@pytest.mark.usefixtures("eager_threads")
def test_no_thread_loses_count_of_who_needs_a_module_in_evaluation():
    net = nn.Sequential(*(nn.Dropout() for _ in range(20))).train()
    together = threading.Barrier(4)

    def enter_and_leave(_):
        together.wait()
        for _ in range(200):
            with evaluation_mode([net]):
                assert not any(module.training for module in net.modules())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter_and_leave, range(4)))
    assert all(module.training for module in net.modules())
