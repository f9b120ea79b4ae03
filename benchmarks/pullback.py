"""The pull-back metric of the digits decoder against `torch.func`, side by side in one run.

    python benchmarks/pullback.py [--side 256] [--repeats 3] [--threads 2]

Each peer is timed as it stands and with its best of several chunk sizes, chosen in a warm-up; all are timed in turn, so
that a change of the machine's speed meets them alike. Peak memory is what a process of its own grew by (Linux only).
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.func import jacfwd, jacrev, vmap

import latent_widget as lw

CHUNKS = (None, 16384, 4096, 1024)


def contracted(jacobian: torch.Tensor) -> torch.Tensor:
    flat = jacobian.flatten(1, -2)
    return torch.einsum("nki,nkj->nij", flat, flat)


def methods(side: int, chunks=CHUNKS) -> dict:
    digits = lw.examples.digits()
    lattice = lw.Lattice.fit(digits.latents, (side, side))
    cells = torch.from_numpy(lattice.cells.reshape(-1, 2).copy()).float()
    decode = digits.decoder.decode

    def one(z):
        return decode(z[None])[0]

    found = {
        "latent_widget": {None: lambda: torch.from_numpy(lw.measures.pullback(digits.decoder, lattice).metric.copy())}
    }
    for name, transform in (("vmap(jacfwd)", jacfwd), ("vmap(jacrev)", jacrev)):
        found[name] = {
            chunk: (lambda t=transform, c=chunk: contracted(vmap(t(one), chunk_size=c)(cells))) for chunk in chunks
        }
    return found


def seconds(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def grown(name: str, side: int, chunk: int | None) -> float:
    """Peak memory in MiB that one call adds, measured in a fresh process."""
    script = f"import benchmarks_pullback as b; b.peak({name!r}, {side}, {chunk})"
    loader = f"import sys, importlib.util as u; s = u.spec_from_file_location('benchmarks_pullback', {__file__!r}); "
    loader += "m = u.module_from_spec(s); sys.modules['benchmarks_pullback'] = m; s.loader.exec_module(m); "
    done = subprocess.run([sys.executable, "-c", loader + script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(name: str, side: int, chunk: int | None) -> None:
    call = methods(side)[name][chunk]
    small = methods(16)[name][None]
    small()
    before = high_water()
    with torch.no_grad():
        call()
    print((high_water() - before) / 1024)


def high_water() -> int:
    """Most memory that this process has held, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with torch.no_grad():
        best = {}
        for name, calls in methods(options.side).items():
            next(iter(calls.values()))()
            timed = {chunk: seconds(call) for chunk, call in calls.items()}
            for chunk in dict.fromkeys((None, min(timed, key=timed.get))):
                best[name if chunk is None else f"{name}, best"] = (chunk, calls[chunk])
        times = {name: [] for name in best}
        for _ in range(options.repeats):
            for name, (_, call) in best.items():
                times[name].append(seconds(call))
        ours = best["latent_widget"][1]().reshape(-1, 2, 2).double()
        print(f"digits decoder, {options.side}² cells, {options.threads} threads, {options.repeats} runs in turn")
        print(f"{'method':20}{'chunk':>8}{'min s':>9}{'median s':>10}{'ratio':>8}{'MiB':>8}   difference")
        base = statistics.median(times["latent_widget"])
        for name, (chunk, call) in best.items():
            found = call().reshape(-1, 2, 2).double()
            apart = float(((found - ours).abs().amax((1, 2)) / ours.abs().amax((1, 2))).max())
            median = statistics.median(times[name])
            print(
                f"{name:20}{chunk or 'all':>8}{min(times[name]):9.3f}{median:10.3f}{median / base:8.1f}"
                f"{grown(name.split(',')[0], options.side, chunk):8.0f}   {apart:.1e}"
            )


if __name__ == "__main__":
    main()
