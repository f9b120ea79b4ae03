"""Serialisation of an atlas for the browser: arrays as `{dtype, shape, buffer}`, little-endian and contiguous."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget._lattice import Lattice
from latent_widget.figures.colouring import regions, relative_error
from latent_widget.figures.page import fit_to_page
from latent_widget.maps._map import Map

Packet = dict[str, Any]
"""An array as JSON and bytes: `{dtype, shape, buffer}`."""
DTYPES = ("float32", "int32", "uint8")


def pack(array: ArrayLike, dtype: str) -> Packet:
    """Pack an array for a trait; raises `ValueError` for a dtype that the front end does not read."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    values = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "shape": list(values.shape), "buffer": values.tobytes()}


def unpack(packet: Packet) -> NDArray[Any]:
    """Read a packet back into an array; the inverse of `pack`."""
    shape: list[int] = packet["shape"]
    return np.frombuffer(packet["buffer"], dtype=np.dtype(packet["dtype"]).newbyteorder("<")).reshape(shape)


def serialize_lattice(lattice: Lattice) -> dict[str, Any]:
    """Return what the front end knows of the lattice from the start."""
    extent, shape = list(lattice.extent), list(lattice.shape)
    return {"extent": extent, "shape": shape, "names": ["x", "y"], "around": describe_origin(lattice)}


def describe_origin(lattice: Lattice) -> dict[str, Any]:
    """Return where the latent origin lies, which is all that spherical interpolation needs.

    That is its foot on the plane `(2,)`, the products of the plane's axes as `gram` (e, f, g), and its height above
    the plane.
    """
    foot = lattice.project(np.zeros(lattice.latent_dim))
    basis = np.eye(2) if lattice.basis is None else lattice.basis
    gram = (basis @ basis.T)[[0, 0, 1], [0, 1, 1]]
    return {"foot": foot.tolist(), "gram": gram.tolist(), "height": float(np.linalg.norm(lattice.embed(foot)))}


def serialize_atlas(atlas: Atlas) -> dict[str, Any]:
    """Return the traits that hold an atlas: `_fields`, `_points` and `_sprites`."""
    return {
        "_fields": [_serialize_field(name, field) for name, field in atlas.fields.items()],
        "_points": _serialize_points(atlas),
        "_sprites": _serialize_thumbnails(atlas),
    }


def serialize_map(found: Map, method: str, key: str) -> dict[str, Any]:
    """Return the trait that holds a map, scaled to the page, as one of `map_method`; `key` tells it from the next."""
    page_map = fit_to_page(found)
    return {
        "corners": pack(page_map.corners, "float32"),
        "method": method,
        "unit": page_map.unit,
        "maxAreaError": page_map.max_area_error,
        "rmsAreaError": page_map.weighted_area_error,
        "anisotropy": page_map.anisotropy,
        "folds": page_map.folds,
        "converged": page_map.converged,
        "message": page_map.message,
        "key": key,
    }


def _serialize_field(name: str, field: Field) -> dict[str, Any]:
    metric = field.metric
    three = np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)
    info = {k: v for k, v in field.info.items() if isinstance(v, str | int | float | bool)}
    error = relative_error(field)
    return {
        "name": name,
        "metric": pack(three, "float32"),
        "error": None if error is None else pack(error, "float32"),
        "info": info,
    }


def _serialize_points(atlas: Atlas) -> dict[str, Any] | None:
    if atlas.points is None:
        return None
    points: dict[str, Any] = {"xy": pack(atlas.points, "float32"), "labels": None, "names": [], "regions": None}
    if atlas.labels is not None:
        classes, index = np.unique(atlas.labels, return_inverse=True)
        points |= {"labels": pack(index, "int32"), "names": [str(c) for c in classes]}
        inside = atlas.lattice.contains(atlas.points)
        if inside.any():
            # points off the map do not vote
            winner, strength = regions(atlas.points[inside], index[inside], atlas.lattice)
            points["regions"] = {"labels": pack(winner, "int32"), "strength": pack(strength, "float32")}
    return points


def _serialize_thumbnails(atlas: Atlas) -> dict[str, Any] | None:
    """Return one sheet of all pictures, row by row as on the map's lattice."""
    if atlas.thumbnails is None:
        return None
    h, w, ph, pw, _ = atlas.thumbnails.images.shape
    sheet = atlas.thumbnails.images.transpose(0, 2, 1, 3, 4).reshape(h * ph, w * pw, 4)
    return {"shape": [h, w], "size": [ph, pw], "sheet": pack(sheet, "uint8"), "blend": atlas.thumbnails.blend}
