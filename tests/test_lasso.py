"""The ℓ1 problem of Algorithm 2: optimality, the certificate, agreement with scikit-learn."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st
from strategies import circular_layers, layers

from cnninv import (
    ConvOperator,
    conv_matrix,
    lambda_max,
    lasso,
    lasso_path,
    normalize_filters,
    operator_norm,
    random_filters,
    recover_code,
)

fractions = st.floats(0.05, 1.5)


def objective(W, x, z, lam):
    return np.sum((x - W.T @ z) ** 2) + lam * np.abs(z).sum()


def a_layer(seed=0, K=4, M=3, D=6):
    rng = np.random.default_rng(seed)
    filters = normalize_filters(random_filters(K, M, 3, rng))
    return conv_matrix(filters, D, padding=1), rng


def solved(layer, fraction, tol=1e-10):
    W, x = layer.W, layer.random().ravel()
    lam = fraction * max(lambda_max(W, x), 1e-3)
    z, history = lasso(W, x, lam, tol=tol)
    return W, x, lam, z, history


@given(layers() | circular_layers(), fractions)
def test_the_kkt_conditions_hold(layer, fraction):
    W, x, lam, z, history = solved(layer, fraction)
    assert history["stopped"] == "gap"
    # 0 ∈ −2W(x − Wᵀz) + λ∂‖z‖₁: with a gap g, to within about √(g) ‖W‖
    slope = 2 * W @ (x - W.T @ z)
    tolerance = 4 * np.sqrt(history["gap"][-1]) * operator_norm(W) + 1e-12 * lam
    assert (np.abs(slope) <= lam + tolerance).all()
    large = np.abs(z) > 1e-3 * np.abs(z).max(initial=0)
    np.testing.assert_allclose(slope[large], lam * np.sign(z[large]), atol=tolerance)


@given(layers(), fractions, st.integers(0, 60))
def test_the_gap_bounds_the_suboptimality_and_is_never_negative(layer, fraction, iterations):
    W, x, lam, _, certified = solved(layer, fraction, tol=1e-12)
    z, history = lasso(W, x, lam, tol=0, iterations=iterations)
    rounding = 1e-12 * (x @ x)
    assert (history["gap"] >= 0).all()
    least = certified["objective"] - certified["gap"][-1]
    assert history["objective"] == pytest.approx(objective(W, x, z, lam), rel=1e-9)
    assert history["objective"] - history["gap"][-1] <= certified["objective"] + rounding
    assert history["objective"] >= least - rounding


@pytest.mark.parametrize("size", [(20, 50), (50, 20), (30, 30)])
@pytest.mark.parametrize("fraction", [0.5, 0.1, 0.02])
def test_lasso_agrees_with_scikit_learn(size, fraction):
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(sum(size))
    W, x = rng.standard_normal(size[::-1]) / np.sqrt(size[0]), rng.standard_normal(size[0])
    lam = fraction * lambda_max(W, x)
    z, history = lasso(W, x, lam, tol=1e-9)
    # theirs is 1/(2n) ‖x − Wᵀz‖² + α‖z‖₁ with n = len(x)
    theirs = linear_model.Lasso(
        alpha=lam / (2 * len(x)), fit_intercept=False, tol=1e-12, max_iter=100_000
    ).fit(W.T, x)
    assert objective(W, x, z, lam) == pytest.approx(objective(W, x, theirs.coef_, lam), abs=1e-6)
    np.testing.assert_allclose(z, theirs.coef_, atol=1e-3)
    assert history["stopped"] == "gap"


@given(layers(), st.floats(1.0, 10.0))
def test_from_lambda_max_on_the_code_is_zero(layer, factor):
    W, x = layer.W, layer.random().ravel()
    lam = factor * max(lambda_max(W, x), 1e-3)
    z, history = lasso(W, x, lam)
    assert not z.any()
    # and certified without one iteration
    assert history["gap"][0] <= 1e-12 * (x @ x)


def test_just_below_lambda_max_it_is_not():
    W, rng = a_layer()
    x = rng.standard_normal(W.shape[1])
    assert lasso(W, x, 0.99 * lambda_max(W, x), tol=1e-10)[0].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lasso_of_a_batch_is_that_of_its_columns(dtype):
    W, rng = a_layer()
    W = W.astype(dtype)
    X = rng.standard_normal((W.shape[1], 4)).astype(dtype)
    X[:, 2] = 0
    lam = 0.1 * lambda_max(W, X) + 0.01
    Z, together = lasso(W, X, lam)
    assert Z.dtype == dtype
    for j in range(4):
        z, alone = lasso(W, X[:, j], lam[j])
        np.testing.assert_allclose(Z[:, j], z, atol=1e-3)
        assert together["objective"][j] == pytest.approx(alone["objective"], rel=1e-5, abs=1e-9)
        assert together["gap"][-1, j] <= 1e-6 * np.sum(X[:, j].astype(float) ** 2)
    assert not Z[:, 2].any()
    assert together["iterations"][2] == 0


def test_one_lam_serves_all_columns():
    W, rng = a_layer()
    X = rng.standard_normal((W.shape[1], 3))
    for given_, same in [(0.3, [0.3] * 3), (np.float32(0.5), np.full(3, 0.5))]:
        np.testing.assert_allclose(lasso(W, X, given_)[0], lasso(W, X, same)[0])


@given(layers(), fractions, st.integers(0, 2**32 - 1))
def test_the_support_allowed_is_respected_and_its_optimum_certified(layer, fraction, seed):
    W, x = layer.W, layer.random().ravel()
    allowed = np.random.default_rng(seed).random(W.shape[0]) < 0.5
    lam = fraction * max(lambda_max(W, x), 1e-3)
    z, history = lasso(W, x, lam, allowed=allowed, tol=1e-10)
    assert not z[~allowed].any()
    if allowed.any():
        # the same as the problem for the rows allowed
        rows = W.tocsr()[np.flatnonzero(allowed)]
        other, certified = lasso(rows, x, lam, tol=1e-10)
        scale = x @ x
        assert abs(history["objective"] - certified["objective"]) <= 1e-9 * scale
        assert history["objective"] - history["gap"][-1] <= objective(rows, x, other, lam) + 1e-12


def test_a_batch_has_one_support_for_all_its_inputs_or_one_for_each():
    W, rng = a_layer()
    X, each = rng.standard_normal((W.shape[1], 3)), rng.random((W.shape[0], 3)) < 0.4
    lam = 0.1 * lambda_max(W, X)
    together, _ = lasso(W, X, lam, allowed=each, tol=1e-10)
    shared, _ = lasso(W, X, lam, allowed=each[:, 0], tol=1e-10)
    for i in range(3):
        for z, allowed in ((together, each[:, i]), (shared, each[:, 0])):
            alone, _ = lasso(W, X[:, i], lam[i], allowed=allowed, tol=1e-10)
            np.testing.assert_allclose(z[:, i], alone, atol=1e-4)
            assert not z[~allowed, i].any()
    with pytest.raises(
        ValueError, match=r"allowed has shape \(3,\); expected that of the code, \(24, 3\)"
    ):
        lasso(W, X, lam, allowed=each[0])


def test_the_restricted_optimum_is_no_better_than_the_free_one():
    W, rng = a_layer()
    x, allowed = rng.standard_normal(W.shape[1]), rng.random(W.shape[0]) < 0.3
    lam = 0.1 * lambda_max(W, x)
    free, held = lasso(W, x, lam, tol=1e-10)[1], lasso(W, x, lam, allowed, tol=1e-10)[1]
    assert held["objective"] > free["objective"]


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9])
def test_a_norm_given_too_small_is_noticed_and_the_optimum_still_certified(factor):
    W, rng = a_layer()
    x = rng.standard_normal(W.shape[1])
    lam = 0.1 * lambda_max(W, x)
    _, history = lasso(W, x, lam, norm=factor * operator_norm(W))
    assert history["stopped"] == "gap"
    assert history["objective"] == pytest.approx(lasso(W, x, lam)[1]["objective"], rel=1e-5)


def test_restarts_happen_where_the_minimum_is_approached_in_circles():
    W, rng = a_layer(K=8, M=8, D=12)
    x = rng.standard_normal(W.shape[1])
    history = lasso(W, x, 0.02 * lambda_max(W, x), tol=1e-9)[1]
    assert history["restarts"] > 0
    assert history["iterations"] < 2000


def test_a_start_at_the_optimum_stops_at_once():
    W, rng = a_layer()
    x = rng.standard_normal(W.shape[1])
    lam = 0.1 * lambda_max(W, x)
    z, _ = lasso(W, x, lam, tol=1e-9)
    again, history = lasso(W, x, lam, start=z, tol=1e-6)
    assert history["iterations"] == 0
    np.testing.assert_array_equal(again, z)


def test_iterations_that_run_out_are_told():
    W, rng = a_layer()
    x = rng.standard_normal(W.shape[1])
    z, history = lasso(W, x, 0.01, tol=1e-12, iterations=3)
    assert history["stopped"] == "iterations"
    assert history["iterations"] == 3
    assert len(history["gap"]) == 4
    assert z.any()
    assert not lasso(W, x, 0.01, iterations=0)[0].any()


def test_any_operator_gives_the_same_code():
    rng = np.random.default_rng(5)
    filters = random_filters(4, 3, (3, 3), rng)
    W = conv_matrix(filters, (5, 5), padding="same")
    x = rng.standard_normal(W.shape[1])
    lam = 0.1 * lambda_max(W, x)
    expected, _ = recover_code(W, x, lam, (4, 5, 5), 2)
    for other in (
        W.toarray(),
        scipy.sparse.coo_array(W),
        scipy.sparse.linalg.aslinearoperator(W),
        ConvOperator(filters, (5, 5), padding="same"),
    ):
        z, same = recover_code(other, x, lam, (4, 5, 5), 2)
        np.testing.assert_allclose(z, expected, atol=1e-9)
        assert same["final"]["stopped"] == "gap"


def test_the_path_is_the_lasso_for_each_fraction():
    W, rng = a_layer()
    x, shares = rng.standard_normal(W.shape[1]), [1.0, 0.3, 0.1, 0.03]
    sizes = []
    for share, (lam, z, history) in zip(shares, lasso_path(W, x, shares, tol=1e-9), strict=True):
        assert lam == pytest.approx(share * lambda_max(W, x))
        assert history["objective"] == pytest.approx(lasso(W, x, lam, tol=1e-9)[1]["objective"])
        sizes.append(np.abs(z).sum())
    assert sizes == sorted(sizes)
    assert sizes[0] == 0


def test_float32_reaches_a_gap_of_a_millionth():
    W, rng = a_layer(K=8, M=8, D=12)
    W, x = W.astype(np.float32), rng.standard_normal(W.shape[1]).astype(np.float32)
    lam = 0.05 * lambda_max(W, x)
    z, history = lasso(W, x, lam)
    exact = lasso(W.astype(float), x.astype(float), lam, tol=1e-9)[1]["objective"]
    assert z.dtype == np.float32
    assert history["stopped"] == "gap"
    assert history["objective"] == pytest.approx(exact, rel=1e-5)


def test_all_zero_is_solved_at_once():
    W, _ = a_layer()
    z, history = lasso(W, np.zeros(W.shape[1]), 0.1)
    assert not z.any()
    assert (history["objective"], history["iterations"]) == (0, 0)
    z, _ = lasso(0 * W, np.ones(W.shape[1]), 0.1)
    assert not z.any()
