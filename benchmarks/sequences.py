"""Time and standard error of the sequence measures on a recurrent decoder.

    python benchmarks/sequences.py [--side 64] [--prefixes 32] [--hidden 64] [--length 16] [--threads 2]

The decoder is a GRU of the given width with random weights and 30 symbols, without an end symbol, so that every
sequence has its full length: the worst case. Peak memory is what a process of its own grew by (Linux only).
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import latent_widget as lw

SYMBOLS = "abcdefghijklmnopqrstuvwxyz '-."
MEASURES = ("jensen_shannon", "kl", "fisher_rao", "entropy")


class Recurrent(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.letters = nn.Embedding(len(SYMBOLS) + 1, 32)
        self.start = nn.Linear(2, hidden)
        self.body = nn.GRU(32, hidden, batch_first=True)
        self.out = nn.Linear(hidden, len(SYMBOLS))
        self.out.weight.data *= 6  # next letters as sure as a trained model's, 2 nats
        self.start.weight.data *= 2

    def forward(self, z: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        begun = torch.full_like(tokens[:, :1], len(SYMBOLS))
        said = self.letters(torch.cat([begun, tokens[:, :-1]], dim=1))
        states, _ = self.body(said, torch.tanh(self.start(z))[None])
        return self.out(states)


def high_water() -> float:
    """Most memory that this process has held, in MiB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def once(name: str, options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    decoder = lw.SequenceDecoder(Recurrent(options.hidden), vocabulary=SYMBOLS, max_length=options.length)
    measure = getattr(lw.measures, name)
    measure(decoder, lw.Lattice((-3, 3, -3, 3), (4, 4)), prefixes=8)
    before = high_water()
    wall, work = time.perf_counter(), time.process_time()
    field = measure(decoder, lw.Lattice((-3, 3, -3, 3), (options.side, options.side)), prefixes=options.prefixes)
    wall, work = time.perf_counter() - wall, time.process_time() - work
    relative = field.info["standard_error"] / field.density
    print(
        f"{name:16}{wall:9.1f}{work:9.1f}{high_water() - before:8.0f}"
        f"{100 * np.median(relative):10.2f}{100 * np.quantile(relative, 0.95):8.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("side", 64), ("prefixes", 32), ("hidden", 64), ("length", 16), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=MEASURES, help="one measure, in this process")
    options = parser.parse_args()
    if options.only:
        once(options.only, options)
        return
    print(
        f"GRU of width {options.hidden}, {len(SYMBOLS)} symbols, length {options.length}; {options.side}² cells, "
        f"{options.prefixes} prefixes, {options.threads} threads"
    )
    print("measure           wall s    CPU s     MiB   error %, median and 95th percentile of the cells")
    for name in MEASURES:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", name], check=True)


if __name__ == "__main__":
    main()
