"""The factors of Theorem 3.3: as printed, not rounded, sharper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import conv_matrix, model_rip_exact, random_filters
from cnninv.theorems import (
    largest_useful_delta,
    reconstruction_bound,
    reconstruction_bound_sharp,
    reconstruction_bound_unrounded,
)


def test_largest_useful_delta_gives_the_papers_its_chains_and_our_threshold():
    # DESIGN 6.8: 0.147 as printed, 0.203 before rounding up, 0.348 for the sharper bound
    assert largest_useful_delta(reconstruction_bound) == pytest.approx(0.147, abs=5e-4)
    assert largest_useful_delta(reconstruction_bound_unrounded) == pytest.approx(0.203, abs=5e-4)
    assert largest_useful_delta(reconstruction_bound_sharp) == pytest.approx(0.348, abs=5e-4)


@pytest.mark.parametrize("crossing", [1e-6, 0.05, 0.5, 0.9])
def test_largest_useful_delta_is_where_the_bound_is_1_however_steep_it_is(crossing):
    found = largest_useful_delta(lambda delta_k, delta_2k: (delta_k + delta_2k) / (2 * crossing))
    assert found == pytest.approx(crossing, abs=1e-11)


@given(st.floats(0, 2), st.floats(0, 2))
def test_reconstruction_bound_is_infinite_iff_a_constant_is_at_least_1(delta_k, delta_2k):
    infinite = delta_k >= 1 or delta_2k >= 1
    assert (reconstruction_bound(delta_k, delta_2k) == np.inf) == infinite
    assert (reconstruction_bound_unrounded(delta_k, delta_2k) == np.inf) == infinite
    assert (reconstruction_bound_sharp(delta_k, delta_2k) == np.inf) == (delta_k >= 1)


def test_reconstruction_bound_at_the_edge_of_1():
    below = np.nextafter(1.0, 0.0)
    assert np.isfinite(reconstruction_bound(below, below))
    assert reconstruction_bound(below, 1.0) == np.inf
    assert reconstruction_bound(1.0, 0.0) == np.inf
    assert reconstruction_bound(0.0, 0.0) == 0


@given(st.floats(0, 0.999), st.floats(0, 0.999))
def test_reconstruction_bounds_are_ordered_and_grow(a, b):
    delta_k, delta_2k = min(a, b), max(a, b)  # δ_k ≤ δ_2k, as the paper notes
    printed, chain, sharp = (
        bound(delta_k, delta_2k)
        for bound in (
            reconstruction_bound,
            reconstruction_bound_unrounded,
            reconstruction_bound_sharp,
        )
    )
    assert sharp <= chain * (1 + 1e-12)
    assert chain <= printed * (1 + 1e-12)
    assert reconstruction_bound(delta_k, min(delta_2k + 0.01, 0.9999)) >= printed


def test_reconstruction_bound_says_something_for_a_layer_that_can_be_enumerated():
    # DESIGN 6.8: K = k = 3 and Mℓ = 16 000 give a factor of about 0.156, with n = 2 shifts
    factors = []
    for seed in range(10):
        W = conv_matrix(random_filters(3, 8000, 2, np.random.default_rng(seed)), 3)
        deltas = [model_rip_exact(W, 3, 3, sums=sums) for sums in (1, 2)]
        factors.append(reconstruction_bound(*deltas))
    assert np.mean(factors) == pytest.approx(0.156, abs=0.02)
    assert max(factors) < 0.25
