"""Marches from both ends: the one back leaves out only what cannot matter."""

import numpy as np
import pytest
from geodesic_fields import points_in, random_field
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latent_widget.terrain import terrain

DOUBT = 0.06


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), roughness=st.floats(0.0, 0.5), everywhere=st.booleans())
def test_the_march_back_knows_all_that_is_nearly_on_the_way(seed, roughness, everywhere):
    field = random_field(seed, roughness)
    ground = terrain(field, 64)
    source, target = ground.to_index(points_in(field, 2, seed))
    there, back = ground.marches(source, target, DOUBT, everywhere)
    ahead, behind = ground.march(source)[0], ground.march(target)[0]
    total = ahead + behind
    # other ways are looked for where between an eighth and seven eighths of the way are done
    share = ahead / total
    near = (total <= (1.0 + DOUBT) * total.min()) & (share > 0.1) & (share < 0.9)
    assume(near.any())
    assert there[0][near] == pytest.approx(ahead[near], rel=1e-12)
    assert back[0][near] == pytest.approx(behind[near], rel=5e-3)
    reached = np.isfinite(back[0])
    assert np.all(back[0][reached] >= behind[reached] * (1.0 - 1e-2))


def test_the_march_back_is_short():
    field = random_field(3, 0.0)
    ground = terrain(field, 128)
    source, target = ground.to_index(np.array([[0.0, 1.0], [2.0, 3.0]]))
    there, back = ground.marches(source, target, DOUBT)
    assert np.isfinite(back[0]).sum() < 0.35 * np.isfinite(there[0]).sum()
