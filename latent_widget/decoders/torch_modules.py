"""The torch modules that a callable refers to: which they are, where they live, and their evaluation mode."""

import inspect
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

DEPTH = 3
"""How far attributes and closures are followed in search of modules."""


def find_modules(function: Any) -> tuple[nn.Module, ...]:
    """Find the modules in `function`: a module, a bound method, a partial, or a function that refers to modules."""
    return tuple(_search(function))


def choose_placement(
    modules: Iterable[nn.Module], device: torch.device | str | None, dtype: torch.dtype | None
) -> tuple[torch.device, torch.dtype]:
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


_users_in_evaluation: dict[nn.Module, int] = {}
"""How many surveys under way have found each module in training, or in evaluation for another survey's sake."""
evaluation_mode_lock = threading.Lock()
"""Guards the dictionary above and the modules' own modes, which surveys on several threads share."""


@contextmanager
def evaluation_mode(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Switch modules to evaluation for a while; the last of several at once puts back each one's own mode."""
    held = []
    with evaluation_mode_lock:
        for module in dict.fromkeys(m for root in modules for m in root.modules()):
            if module.training or module in _users_in_evaluation:
                _users_in_evaluation[module] = _users_in_evaluation.get(module, 0) + 1
                module.training = False
                held.append(module)
    try:
        yield
    finally:
        with evaluation_mode_lock:
            for module in held:
                _users_in_evaluation[module] -= 1
                if _users_in_evaluation[module] == 0:
                    del _users_in_evaluation[module]
                    module.training = True


def _search(decode: Any, depth: int = 0) -> list[nn.Module]:
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
    found = [m for c in candidates if depth < DEPTH and not inspect.ismodule(c) for m in _search(c, depth + 1)]
    return list(dict.fromkeys(found))
