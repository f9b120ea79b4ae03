"""Points through the map and back: exact on every cell, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest
from test_cartograms import BOX, smooth

from latent_widget.maps._cartogram import cartogram
from latent_widget.maps._map import Cartogram


@pytest.fixture(scope="module", params=["diffusion", "direct"])
def cart(request: pytest.FixtureRequest) -> Cartogram:
    return cartogram(smooth(48, 70, 50.0), BOX, request.param)


def cloud(n: int = 20000) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.asarray(rng.random((n, 2)) * (BOX[1] - BOX[0], BOX[3] - BOX[2]) + (BOX[0], BOX[2]))


def test_round_trips(cart: Cartogram) -> None:
    points = cloud()
    np.testing.assert_allclose(cart.inverse(cart.transform(points)), points, atol=1e-12)
    np.testing.assert_allclose(cart.transform(cart.inverse(points)), points, atol=1e-12)


def test_corners_and_centres_go_where_the_cells_say(cart: Cartogram) -> None:
    h, w = cart.area_error.shape
    x, y = np.meshgrid(np.linspace(BOX[0], BOX[1], w + 1), np.linspace(BOX[2], BOX[3], h + 1))
    lattice = np.stack([x, y], -1)
    np.testing.assert_allclose(cart.transform(lattice), cart.corners, atol=1e-13)
    np.testing.assert_allclose(cart.inverse(cart.corners), lattice, atol=1e-12)
    c = cart.corners
    centres = (c[1:, 1:] + c[1:, :-1] + c[:-1, 1:] + c[:-1, :-1]) / 4
    middle = (lattice[1:, 1:] + lattice[:-1, :-1]) / 2
    np.testing.assert_allclose(cart.transform(middle), centres, atol=1e-13)
    np.testing.assert_allclose(cart.inverse(centres), middle, atol=1e-12)


def test_points_on_edges_and_walls(cart: Cartogram) -> None:
    c = cart.corners
    s = np.linspace(0, 1, 7)[:, None, None, None]
    for edges in ((1 - s) * c[:, 1:] + s * c[:, :-1], (1 - s) * c[1:] + s * c[:-1]):
        back = cart.inverse(edges)
        np.testing.assert_allclose(cart.transform(back), edges, atol=1e-12)
    wall = np.stack([np.full(50, BOX[0]), np.linspace(BOX[2], BOX[3], 50)], -1)
    assert (cart.transform(wall)[:, 0] == BOX[0]).all()
    np.testing.assert_allclose(cart.inverse(wall)[:, 0], BOX[0], atol=1e-13)


def test_equal_masses_go_to_equal_areas(cart: Cartogram) -> None:
    # points even on the map, brought back, have to fall on the plane as the density does
    h, w = 48, 70
    n = 600
    g = (np.arange(n) + 0.5) / n
    x, y = np.meshgrid(BOX[0] + g * (BOX[1] - BOX[0]), BOX[2] + g * (BOX[3] - BOX[2]))
    back = cart.inverse(np.stack([x, y], -1)).reshape(-1, 2)
    edges = (np.linspace(BOX[0], BOX[1], w // 10 + 1), np.linspace(BOX[2], BOX[3], h // 8 + 1))
    counts = np.histogram2d(back[:, 0], back[:, 1], edges)[0] / n**2
    rho = smooth(h, w, 50.0)
    mass = (rho / rho.sum()).reshape(h // 8, 8, w // 10, 10).sum((1, 3)).T
    np.testing.assert_allclose(counts, mass, atol=1e-3)


def test_shapes_and_outsiders(cart: Cartogram) -> None:
    assert cart.transform([0.0, 1.0]).shape == (2,)
    assert cart.inverse(np.zeros((3, 4, 2))).shape == (3, 4, 2)
    assert cart.transform(np.empty((0, 2))).shape == (0, 2)
    for go in (cart.transform, cart.inverse):
        with pytest.raises(ValueError, match=r'1 of 2 lie outside extent=.*\(4\.0, 0\.0\).*outside="clamp"'):
            go([[0.0, 0.0], [4.0, 0.0]])
        np.testing.assert_array_equal(go([[4.0, 9.0]], outside="clamp"), [[3.0, 3.0]])
        with pytest.raises(ValueError, match="outside='ignore'"):
            go([[0.0, 0.0]], outside="ignore")
        with pytest.raises(ValueError, match="not finite"):
            go([[np.nan, 0.0]])
        with pytest.raises(ValueError, match=r"points has shape \(3,\)"):
            go([0.0, 0.0, 0.0])
