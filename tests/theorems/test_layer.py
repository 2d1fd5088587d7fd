"""§2.3: one layer is one iteration of Algorithm 1, for k = K and not below."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import small_layers

from cnninv import conv_matrix, iht, max_pool, model_project, random_filters, unpool
from cnninv.theorems import layer_is_iht_iteration


@given(small_layers(), st.integers(0, 2**32 - 1), st.booleans())
def test_layer_is_iht_iteration_from_zero_for_k_equal_to_K(layer, seed, ties):
    x = np.random.default_rng(seed).standard_normal(layer.W.shape[1])
    x = np.round(x) if ties else x
    statement = layer_is_iht_iteration(layer.W, x, layer.K)
    assert statement.left == 0  # to the bit: the same entries of the same h
    assert statement.right == 0
    assert statement.holds


def test_layer_is_iht_iteration_keeps_the_largest_entry_of_each_filter():
    # both sides against a layer written out by hand
    W = conv_matrix(random_filters(4, 2, 3, np.random.default_rng(0)), 9)
    x = np.random.default_rng(1).standard_normal(18)
    by_hand = np.zeros((4, 7))
    for i, row in enumerate((W.toarray() @ x).reshape(4, 7)):
        j = max(range(7), key=lambda j: abs(row[j]))
        by_hand[i, j] = row[j]
    values, switches = max_pool(W @ x, (4, 7), 7)
    assert np.allclose(unpool(values, switches, (4, 7), 7), by_hand.ravel())
    z_hat, _ = iht(W.T, x, lambda b: model_project(b, 4, 4), iterations=1)
    assert np.allclose(z_hat, by_hand.ravel())
    assert layer_is_iht_iteration(W, x, 4).left == 0


@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_layer_is_iht_iteration_fails_below_K_by_what_pooling_keeps_too_much(k):
    W = conv_matrix(random_filters(6, 2, 3, np.random.default_rng(0)), 9)
    x = np.random.default_rng(1).standard_normal(18)
    statement = layer_is_iht_iteration(W, x, 6, k)
    assert not statement.holds
    # the layer keeps one entry of each block; Algorithm 1 drops the 6 − k smallest of them
    winners = np.sort(np.abs(W @ x).reshape(6, -1).max(axis=1))
    assert statement.left == pytest.approx(np.linalg.norm(winners[: 6 - k]))


def test_layer_is_iht_iteration_names_bad_input():
    W = conv_matrix(random_filters(3, 1, 2, np.random.default_rng(0)), 4)
    with pytest.raises(ValueError, match="NaN"):
        layer_is_iht_iteration(W, np.full(4, np.nan), 3)
    with pytest.raises(ValueError, match="must be between 0 and 3"):
        layer_is_iht_iteration(W, np.ones(4), 3, 4)
    with pytest.raises(ValueError, match="9"):
        layer_is_iht_iteration(W, np.ones(4), 2)
    with pytest.raises(ValueError, match="5"):
        layer_is_iht_iteration(W, np.ones(5), 3)
