"""The pull-back metric against StochMan's re-written layers and `torch.func`, side by side in one run.

    python benchmarks/measures.py                     # both decoders: some minutes, most of them the peers'
    python benchmarks/measures.py --decoders digits --side 128 --repeats 5

Two decoders: the digits' (2-128-128-64, tanh) and a convolutional one to 1 × 28 × 28 images (ReLU and transposed
convolutions). Peers are timed with the best of several chunk sizes, found in a warm-up, and all in turn, so that a
change of the machine's speed meets them alike. Where a peer would take minutes, it is timed on a share of the cells and
its time multiplied ("of cells" says the share). Peak memory is what a process of its own grew by (Linux only).
StochMan (`pip install stochman`) is left out with a word where it is missing.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.func import jacfwd, jacrev, vmap

import latent_widget as lw

try:
    from stochman import nnj
except ImportError:
    nnj = None

OURS = "latent_widget"
CHUNKS = {"digits": (None, 16384, 4096, 1024), "conv": (1024, 256, 64)}
SHARES = {("conv", "vmap(jacrev)"): 32}
"""Every how many cells a peer too slow for all of them is timed on."""


def digits_layers():
    """The digits decoder as StochMan writes it, the trained weights copied in."""
    net = nnj.Sequential(
        nnj.Linear(2, 128), nnj.Tanh(), nnj.Linear(128, 128), nnj.Tanh(), nnj.Linear(128, 64), nnj.Sigmoid()
    )
    net.load_state_dict(lw.examples.digits().decoder.decode.layers.state_dict())
    return net.eval().requires_grad_(False)


def conv_layers(of):
    """A decoder of 28 × 28 images from layers of `of`, torch.nn or StochMan's nnj; random weights, the same in both."""
    torch.manual_seed(0)
    net = of.Sequential(
        of.Linear(2, 64),
        of.ReLU(),
        of.Linear(64, 32 * 7 * 7),
        of.ReLU(),
        nn.Unflatten(1, (32, 7, 7)) if of is nn else of.Reshape(32, 7, 7),
        of.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        of.ReLU(),
        of.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        of.Sigmoid(),
    )
    return net.eval().requires_grad_(False)


def contracted(jacobian):
    flat = jacobian.flatten(1, -2)
    return torch.einsum("nki,nkj->nij", flat, flat)


def in_chunks(call, cells, chunk):
    return torch.cat([call(part) for part in cells.split(chunk or len(cells))])


def methods(which, side):
    """Name -> chunk -> (call, cells): every way to the metrics of one decoder's cells."""
    if which == "digits":
        digits = lw.examples.digits()
        decoder, lattice = digits.decoder, lw.Lattice.fit(digits.latents, (side, side))
    else:
        decoder, lattice = lw.Decoder(conv_layers(nn), latent_dim=2), lw.Lattice((-3, 3, -3, 3), (side, side))
    cells = torch.from_numpy(lattice.cells.reshape(-1, 2).copy()).float()
    decode = decoder.decode

    def one(z):
        return decode(z[None])[0]

    def ours():
        return torch.from_numpy(lw.measures.pullback(decoder, lattice, method="exact").metric.copy()).reshape(-1, 2, 2)

    found = {OURS: {None: (ours, cells)}}
    if nnj is not None:
        net = digits_layers() if which == "digits" else conv_layers(nnj)
        found["StochMan nnj"] = {
            c: (lambda c=c: in_chunks(lambda z: contracted(net(z, jacobian=True)[1]), cells, c), cells)
            for c in CHUNKS[which]
        }
    for name, transform in (("vmap(jacfwd)", jacfwd), ("vmap(jacrev)", jacrev)):
        some = cells[:: SHARES.get((which, name), 1)]
        found[name] = {
            c: (lambda t=transform, c=c, z=some: in_chunks(lambda z: contracted(vmap(t(one))(z)), z, c), some)
            for c in CHUNKS[which]
        }
    return found


def seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def grown(which, name, side, chunk):
    """Peak memory in MiB that one call adds, measured in a fresh process."""
    inside = f"import runpy; m = runpy.run_path({__file__!r}); m['peak']({which!r}, {name!r}, {side}, {chunk})"
    done = subprocess.run([sys.executable, "-c", inside], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(which, name, side, chunk):
    call, _ = methods(which, side)[name][chunk]
    with torch.no_grad():
        # what the first call loads is no memory of the method
        next(iter(methods(which, 8)[name].values()))[0]()
        before = high_water()
        call()
    print((high_water() - before) / 1024)


def high_water():
    """Most memory that this process has held, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def compare(which, side, repeats):
    every = methods(which, side)
    best = {}
    for name, calls in every.items():
        next(iter(calls.values()))[0]()
        timed = {chunk: seconds(call) for chunk, (call, _) in calls.items()}
        best[name] = min(timed, key=timed.get)
    share = {name: len(every[OURS][None][1]) / len(every[name][chunk][1]) for name, chunk in best.items()}
    times = {name: [] for name in best}
    for _ in range(repeats):
        for name, chunk in best.items():
            times[name].append(share[name] * seconds(every[name][chunk][0]))
    ours = every[OURS][None][0]().double()
    base = statistics.median(times[OURS])
    print(f"\n{which} decoder, {side}² cells, {torch.get_num_threads()} threads, {repeats} runs in turn")
    print(f"{'method':15}{'chunk':>7}{'of cells':>10}{'min s':>9}{'median s':>10}{'ratio':>8}{'MiB':>8}   difference")
    for name, chunk in best.items():
        every_th = round(share[name])
        apart = (every[name][chunk][0]().double() - ours[::every_th]).abs().amax((1, 2))
        apart = float((apart / ours[::every_th].abs().amax((1, 2)).clamp_min(1e-30)).max())
        median = statistics.median(times[name])
        print(
            f"{name:15}{chunk or 'all':>7}{f'1/{every_th}' if every_th > 1 else 'all':>10}{min(times[name]):9.3f}"
            f"{median:10.3f}{median / base:8.1f}{grown(which, name, side, chunk):8.0f}   {apart:.1e}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decoders", nargs="+", choices=tuple(CHUNKS), default=tuple(CHUNKS))
    parser.add_argument("--side", type=int, help="cells a side; 256 for the digits, 128 for conv unless given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if nnj is None:
        print("StochMan is not installed (pip install stochman): compared with torch.func alone")
    with torch.no_grad():
        for which in options.decoders:
            compare(which, options.side or {"digits": 256, "conv": 128}[which], options.repeats)


if __name__ == "__main__":
    main()
