"""What of an atlas goes to the browser, packed once: fields, points and the sheet of thumbnails."""

from typing import Any

import numpy as np

from latent_widget.atlas import Atlas
from latent_widget.lattice import Lattice
from latent_widget.shading import regions, relative_error
from latent_widget.wire import packed


def lattice_on_the_wire(lattice: Lattice) -> dict[str, Any]:
    """Return what the front end knows of the lattice from the start."""
    extent, shape = list(lattice.extent), list(lattice.shape)
    return {"extent": extent, "shape": shape, "names": ["x", "y"], "around": around(lattice)}


def around(lattice: Lattice) -> dict[str, Any]:
    """Tell where the latent origin lies, all that slerp needs: its foot on the plane (2,), the products of the plane's
    axes as `gram` (3,), and its height above the plane.
    """
    foot = lattice.project(np.zeros(lattice.latent_dim))
    basis = np.eye(2) if lattice.basis is None else lattice.basis
    gram = (basis @ basis.T)[[0, 0, 1], [0, 1, 1]]
    return {"foot": foot.tolist(), "gram": gram.tolist(), "height": float(np.linalg.norm(lattice.embed(foot)))}


def atlas_on_the_wire(atlas: Atlas) -> dict[str, Any]:
    """Pack what does not change while the widget lives."""
    fields = []
    for name, measured in atlas.fields.items():
        metric = measured.metric
        three = np.stack([metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1]], axis=-1)
        info = {k: v for k, v in measured.info.items() if isinstance(v, str | int | float | bool)}
        error = relative_error(measured)
        told = packed(error, "float32") if error is not None else None
        fields.append({"name": name, "metric": packed(three, "float32"), "error": told, "info": info})
    points: dict[str, Any] | None = None
    if atlas.points is not None:
        points = {"xy": packed(atlas.points, "float32"), "labels": None, "names": [], "regions": None}
        if atlas.labels is not None:
            classes, index = np.unique(atlas.labels, return_inverse=True)
            points |= {"labels": packed(index, "int32"), "names": [str(c) for c in classes]}
            inside = atlas.lattice.contains(atlas.points)
            if inside.any():
                # points off the map have no say in it
                winner, strength = regions(atlas.points[inside], index[inside], atlas.lattice)
                points["regions"] = {"labels": packed(winner, "int32"), "strength": packed(strength, "float32")}
    sprites = None
    if atlas.thumbnails is not None:
        h, w, ph, pw, _ = atlas.thumbnails.images.shape
        sheet = atlas.thumbnails.images.transpose(0, 2, 1, 3, 4).reshape(h * ph, w * pw, 4)
        sprites = {"shape": [h, w], "size": [ph, pw], "sheet": packed(sheet, "uint8"), "blend": atlas.thumbnails.blend}
    return {"_fields": fields, "_points": points, "_sprites": sprites}
