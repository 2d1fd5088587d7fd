"""Theorem 3.3 from δ_k alone: holds by enumeration, is attained, and says something for every δ_k < 1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import assert_holds, codes, constants, small_layers

from cnninv import model_rip_exact
from cnninv.theorems import reconstruction_bound_energy, theorem_3_3_energy

seeds = st.integers(0, 2**32 - 1)


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_theorem_3_3_energy_holds_for_small_layers(layer, seed, scale):
    delta_k, _ = constants(layer)
    for z in codes(layer, seed, scale):
        for statement in theorem_3_3_energy(layer.W, z, layer.K, layer.k, delta_k, layer.blocks):
            assert_holds(statement)


def rows_that_attain(delta):
    """Two blocks of two rows, δ_k = δ for k = 2, and a code whose energy two wrong rows take up as well."""
    s = np.sqrt((1 - delta) / 2)
    c, y = (1 - delta) / np.sqrt(2 * (1 + delta)), np.sqrt((1 + delta) / 2)
    r = np.sqrt(2 * delta / (1 + delta))
    W = np.array(
        [
            [s, y, 0, 0],
            [s * (1 + 1e-9), c, r, 0],
            [-s, y, 0, 0],
            [s * (1 + 1e-9), -c, r * delta, r * np.sqrt(1 - delta**2)],
        ]
    )
    return W, np.array([1.0, 0.0, -1.0, 0.0])


@pytest.mark.parametrize("delta", [0.05, 0.3, 0.7, 0.95])
def test_theorem_3_3_energy_is_attained(delta):
    W, z = rows_that_attain(delta)
    assert model_rip_exact(W, 2, 2) == pytest.approx(delta, abs=1e-7)
    statement, scaled = theorem_3_3_energy(W, z, 2, 2, delta + 1e-7)
    assert statement.holds
    assert scaled.holds
    assert statement.left == pytest.approx(statement.right, rel=1e-5)
    assert scaled.left <= statement.left


def test_theorem_3_3_energy_one_filter_of_unit_norm_is_always_found(rng):
    W = rng.standard_normal((12, 5))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    for place in range(12):
        statement, _ = theorem_3_3_energy(W, np.eye(12)[place], 3, 1, 0.0)
        assert statement.left == pytest.approx(0, abs=1e-12)


def test_theorem_3_3_energy_a_wrong_constant_is_caught():
    W, z = rows_that_attain(0.5)
    assert not theorem_3_3_energy(W, z, 2, 2, 0.25)[0].holds


def test_energy_bound_is_below_one_for_every_delta_k_below_one():
    deltas = np.linspace(0, 0.999, 50)
    factors = [reconstruction_bound_energy(delta) for delta in deltas]
    assert all(factor < 1 for factor in factors)
    assert np.all(np.diff(factors) > 0)
    assert reconstruction_bound_energy(1.0) == 1
    assert reconstruction_bound_energy(1.1) == np.inf
