"""What a callable is made of: the torch modules that it refers to, where they live, and their evaluation mode."""

import inspect
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn


def modules_in(function: Any) -> tuple[nn.Module, ...]:
    """Find the modules in `function`: a module, a bound method, a partial, or a function that refers to modules."""
    return tuple(_found_in(function))


def placed(modules: Iterable[nn.Module], device: Any, dtype: torch.dtype | None) -> tuple[torch.device, torch.dtype]:
    """Return where and in which precision modules compute: as asked, else as their parameters, else torch's defaults.

    Raises `ValueError` where `device` is not where the parameters are.
    """
    parameters = [p for m in modules for p in m.parameters() if p.is_floating_point()]
    chosen = torch.device(device if device is not None else parameters[0].device if parameters else "cpu")
    if parameters and parameters[0].device.type != chosen.type:
        raise ValueError(
            f"device={str(chosen)!r}, but the decoder's parameters are on {parameters[0].device}; "
            f"move them first with model.to({str(chosen)!r})"
        )
    return chosen, dtype or (parameters[0].dtype if parameters else torch.get_default_dtype())


_switched: dict[nn.Module, int] = {}
"""How many surveys under way have found each module in training, or switched already."""
_switching = threading.Lock()


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Switch modules to evaluation for a while; the last of several at once puts back each one's own mode."""
    held = []
    with _switching:
        for module in dict.fromkeys(m for root in modules for m in root.modules()):
            if module.training or module in _switched:
                _switched[module] = _switched.get(module, 0) + 1
                module.training = False
                held.append(module)
    try:
        yield
    finally:
        with _switching:
            for module in held:
                _switched[module] -= 1
                if _switched[module] == 0:
                    del _switched[module]
                    module.training = True


def _found_in(decode: Any, depth: int = 0) -> list[nn.Module]:
    if isinstance(decode, nn.Module):
        return [decode]
    if isinstance(decode, partial):
        candidates = [decode.func, *decode.args, *decode.keywords.values()]
    elif inspect.ismethod(decode):
        candidates = [decode.__self__, decode.__func__]
    elif inspect.isfunction(decode):
        variables = inspect.getclosurevars(decode)
        candidates = [*variables.nonlocals.values(), *variables.globals.values()]
    elif depth and not callable(decode):
        candidates = []
    else:
        # an object with __call__, or one whose attributes hold the modules
        candidates = list(getattr(decode, "__dict__", {}).values())
    found = [m for c in candidates if depth < 3 and not inspect.ismodule(c) for m in _found_in(c, depth + 1)]
    return list(dict.fromkeys(found))
