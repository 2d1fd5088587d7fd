"""Algorithm 2: line by line, model-sparse, certified."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from test_lasso import a_layer, objective

from cnninv import (
    conv_matrix,
    lambda_max,
    lasso,
    max_pool,
    normalize_filters,
    pooling_regions,
    random_filters,
    recover_code,
    unpool,
)


def test_recover_code_is_algorithm_2_line_by_line():
    W, rng = a_layer(K=4, D=7)
    x, shape, window = rng.standard_normal(W.shape[1]), (4, 7), 2
    lam = 0.05 * lambda_max(W, x)
    z, history = recover_code(W, x, lam, shape, window, tol=1e-8)
    z_init, _ = lasso(W, x, lam, tol=1e-8)
    values, switches = max_pool(z_init, shape, window)
    z_model = unpool(values, switches, shape, window)
    expected, _ = lasso(W, x, lam, allowed=z_model != 0, start=z_model, tol=1e-8)
    for ours, by_hand in (
        (history["z_init"], z_init),
        (history["z_model"], z_model),
        (z, expected),
    ):
        np.testing.assert_array_equal(ours, by_hand)


@given(st.integers(0, 1000), st.floats(0.01, 0.9))
def test_recover_code_is_model_sparse_and_certified(seed, fraction):
    W, rng = a_layer(seed, D=7)
    X = rng.standard_normal((W.shape[1], 3))
    lam = fraction * lambda_max(W, X)
    Z, history = recover_code(W, X, lam, (4, 7), 2)
    labels = pooling_regions((4, 7), 2)
    for z in Z.T:
        assert np.bincount(labels[np.flatnonzero(z)], minlength=1).max() <= 1
    assert not Z[history["z_model"] == 0].any()
    energy = (X**2).sum(axis=0)
    for line in ("init", "final"):
        assert history[line]["stopped"] == "gap"
        assert (history[line]["gap"][-1] <= 1e-6 * energy).all()
    # line 3 fits better than line 2, on the same support
    for j in range(3):
        pooled = objective(W, X[:, j], history["z_model"][:, j], lam[j])
        assert history["final"]["objective"][j] <= pooled * (1 + 1e-6)


def test_a_code_of_well_separated_filters_is_found_again():
    rng = np.random.default_rng(0)
    filters = normalize_filters(random_filters(6, 200, 3, rng))
    W, z = conv_matrix(filters, 8, padding="circular"), np.zeros(48)
    places = np.arange(0, 48, 6)
    z[places] = rng.choice([-1, 1], 8) * rng.uniform(0.5, 1, 8)
    x = W.T @ z
    found, _ = recover_code(W, x, 0.01 * lambda_max(W, x), (6, 8), 2)
    np.testing.assert_allclose(found, z, atol=0.05)
