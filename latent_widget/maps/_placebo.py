"""Placebo of a measure: a field with the same tensors in other places, a control for what a map or a path shows.

What a map shows under the placebo as well does not come from where the measure is large and where it is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from latent_widget._field import Field
from latent_widget.maps.validation import check_seed, is_whole

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

Kind = Literal["turned", "mirrored", "shuffled"]


def placebo(field: Field, kind: Kind = "turned", *, blocks: int = 8, seed: int = 0) -> Field:
    """Make a control with the values of a field in other places.

    Parameters
    ----------
    field : Field
        The metric; of a plane, or of a box.
    kind : {"turned", "mirrored", "shuffled"}
        "turned" turns the field by 180 degrees about the centre of the extent, G'(c + v) = G(c - v), which leaves the
        tensors as they are, since a squared length is the same for v and -v; in a box it is the reflection in the
        centre. "mirrored" swaps left and right, G'(x, y) = M G(x0 + x1 - x, y) M with M = diag(-1, 1[, 1]): what
        couples x with another axis changes its sign. Both are isometries: areas, angles and geodesic distances are
        those of the field between moved points. "shuffled" lets blocks of cells change places, tensors unturned, so
        that only what is nearer than a block is kept.
    blocks : int
        Along each axis the lattice is cut into so many blocks, as equal as whole cells allow: where the cells do not
        divide evenly, the first blocks are one cell longer. Each block goes to the place of another one of its shape,
        along one random cycle through all of that shape, so that none stays where it was unless it is the only one.
    seed : int
        Of the shuffle.

    Returns
    -------
    Field
        On the same lattice. ``info["placebo"]`` says what was done, ``info["placebo_in_place"]`` which share of the
        cells stayed where it was, and ``info["measure"]`` carries the kind, so that nothing takes it for the measure;
        arrays with a number per cell have moved with the cells.

    Raises
    ------
    TypeError
        For what is no field.
    ValueError
        For another kind, for fewer than 2 blocks or more than the lattice has cells along its shortest side, for 2
        blocks along sides that are all odd, no two of which are alike, so that nothing could move, and for a bad seed.

    """
    if not isinstance(field, Field):
        raise TypeError(f"field must be a latent_widget.Field, got {type(field).__name__}")
    if kind not in get_args(Kind):
        raise ValueError(f"kind={kind!r}: use one of {', '.join(map(repr, get_args(Kind)))}")
    shape, ndim = field.lattice.shape, field.lattice.ndim
    places = np.arange(field.density.size).reshape(shape)
    told: str = kind
    if kind == "turned":
        places = np.flip(places)
    elif kind == "mirrored":
        places = np.flip(places, axis=-1)
    else:
        check_seed(seed)
        if not (is_whole(blocks, 2) and blocks <= min(shape)):
            raise ValueError(
                f"blocks={blocks!r}: give a whole number from 2 to {min(shape)}, cells of the shortest side"
            )
        places = _shuffle(places, blocks, np.random.default_rng(seed))
        told = f"shuffled in {' by '.join([str(blocks)] * ndim)} blocks, seed {seed}"
    stayed = float((places.ravel() == np.arange(places.size)).mean())
    if stayed == 1.0:
        remedy = f"blocks={blocks!r} has no two blocks alike, give 3 or more" if kind == "shuffled" else "refine it"
        raise ValueError(f"kind={kind!r} moves no cell of a lattice of {shape} cells: {remedy}")
    # walls have zeros beside their infinities, of which no product may be taken
    signs = np.ones((ndim, ndim))
    if kind == "mirrored":
        signs[0, 1:] = signs[1:, 0] = -1.0
    metric = field.metric.reshape(-1, ndim, ndim)[places] * signs
    info = {name: _move(value, places) for name, value in field.info.items()}
    info |= {"measure": f"{field.info.get('measure', 'metric')}, {kind}", "placebo": told, "placebo_in_place": stayed}
    return Field(field.lattice, metric, info, walls=True)


def _shuffle(places: Places, blocks: int, rng: np.random.Generator) -> Places:
    """Return the numbers of the cells with blocks of equal shape exchanged along one random cycle for each shape."""
    ends = [np.cumsum([0] + [len(part) for part in np.array_split(np.arange(n), blocks)]) for n in places.shape]
    by_shape: dict[tuple[int, ...], list[tuple[slice, ...]]] = {}
    for index in np.ndindex(*[blocks] * places.ndim):
        block = tuple(slice(int(end[k]), int(end[k + 1])) for end, k in zip(ends, index, strict=True))
        by_shape.setdefault(tuple(part.stop - part.start for part in block), []).append(block)
    moved = places.copy()
    for alike in by_shape.values():
        order = [alike[k] for k in rng.permutation(len(alike))]
        for here, there in zip(order, order[1:] + order[:1], strict=True):
            moved[here] = places[there]
    return moved


def _move(value: Any, places: Places) -> Any:
    """Return an array with a number per cell moved with the cells, and anything else as it is."""
    if isinstance(value, np.ndarray) and value.shape == places.shape:
        return value.ravel()[places]
    return value
