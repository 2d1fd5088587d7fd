"""Footnote 4: the phase diagram is reproducible, monotone, and easy where it must be."""

from functools import cache

import numpy as np
import pytest

from cnninv import conv_matrix, model_project, random_filters, sample_code
from cnninv.experiments.exact_recovery import half_size, phase_diagram, recover

SMALL = {"K": 16, "D": 16, "length": 5, "codes": 5}


def rng(seed=0):
    return np.random.default_rng(seed)


@cache
def small_diagram():
    return phase_diagram([1, 4, 16], [1, 4, 16], rng(), layers=4, **SMALL)


def test_phase_diagram_rises_with_the_filters_and_falls_with_k():
    rates = small_diagram()
    assert ((rates >= 0) & (rates <= 1)).all()
    # one binomial step of noise is allowed: 20 codes in 4 layers
    assert (np.diff(rates, axis=1) >= -0.1).all()
    assert (np.diff(rates, axis=0) <= 0.1).all()
    assert rates[-1, 0] == 0
    assert rates[0, -1] == 1


def test_phase_diagram_same_seed_same_bits():
    again = phase_diagram([1, 4, 16], [1, 4, 16], rng(), layers=4, **SMALL)
    np.testing.assert_array_equal(small_diagram(), again)


def test_phase_diagram_cells_do_not_depend_on_order_or_neighbours():
    rates = small_diagram()
    turned = phase_diagram([16, 1], [16, 4, 1], rng(), layers=4, **SMALL)
    np.testing.assert_array_equal(turned, rates[[2, 0]][:, [2, 1, 0]])


def test_phase_diagram_another_seed_draws_others():
    options = {**SMALL, "iterations": 1}
    first = recover(4, 4, rng(0), **options)[1]
    assert not np.array_equal(first, recover(4, 4, rng(1), **options)[1])


def test_recover_one_sparse_codes_of_unit_filters_always():
    # |⟨w_i, w_j⟩| < 1 = ‖w_i‖²: the largest entry of WWᵀz is z's, with its value, at the first iteration
    def unit(K, M, size, rng):
        filters = random_filters(K, M, size, rng)
        return filters / np.linalg.norm(filters, axis=(1, 2), keepdims=True)

    for M in (1, 2, 8):
        recovered, error = recover(1, M, rng(M), K=16, D=16, codes=50, filters=unit)
        assert recovered.all()
        assert len(error) == 2


def test_recover_first_error_is_the_layer():
    recovered, error = recover(4, 8, rng(), K=16, D=16, codes=3, iterations=1)
    again = rng()
    W = conv_matrix(random_filters(16, 8, 5, again), 16)
    z = sample_code(16, 12, 4, again, batch=3)
    x = W.T @ z
    x_hat = W.T @ model_project(W @ x, 16, 4)
    assert (error[0] == 1).all()
    np.testing.assert_allclose(
        error[1], np.linalg.norm(x - x_hat, axis=0) / np.linalg.norm(x, axis=0), rtol=1e-12
    )
    assert recovered.shape == (3,)


def test_recover_structure_counts_where_neighbours_are_alike():
    def smooth(K, M, size, rng):
        filters = random_filters(K, M, size, rng)
        taps = np.arange(size)
        return filters @ np.exp(-0.5 * (taps[:, None] - taps) ** 2)

    def unit(*args):
        filters = smooth(*args)
        return filters / np.linalg.norm(filters, axis=(1, 2), keepdims=True)

    options = {**SMALL, "K": 24, "length": 7, "codes": 20, "filters": unit}
    rates = [recover(3, 32, rng(), **options, structured=s)[0].mean() for s in (True, False)]
    assert rates[0] > rates[1] + 0.2


def test_half_size():
    rates = [[0, 0, 1], [0, 0.5, 0.5], [0.75, 1, 1], [0, 0, 0.4]]
    np.testing.assert_allclose(half_size(rates, [1, 4, 16]), [8, 4, 1, np.nan])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([17], [1], rng()), "k = 17 must be between 0 and 16"),
        (([-1], [1], rng()), "ks = -1 must be at least 0"),
        (([1], [0], rng()), "channels = 0 must be at least 1"),
        (([1], [1], 0), "rng = 0 must be a numpy.random.Generator"),
    ],
)
def test_phase_diagram_bad_input(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        phase_diagram(*arguments, **SMALL)
