"""Footnote 4: each iteration of Algorithm 1 shrinks the error by 2δ_3k, with exact constants."""

import numpy as np
import pytest

from cnninv import conv_matrix, iht, model_project, model_rip_exact, random_filters, sample_code
from cnninv.theorems import iht_contraction

K, N = 3, 3


def small_layer(seed, M):
    return conv_matrix(random_filters(K, M, 4, np.random.default_rng(seed)), N + 3)


@pytest.mark.parametrize("M", [4, 40, 4000])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_iht_contraction_holds_at_every_iteration(M, k):
    rng = np.random.default_rng(M + k)
    for seed in range(5):
        W = small_layer(seed, M)
        delta_3k = model_rip_exact(W, K, k, sums=3)
        z = sample_code(K, N, k, rng)
        for iterations in range(5):
            z_hat, _ = iht(W.T, W.T @ z, lambda b: model_project(b, K, k), iterations)
            statement = iht_contraction(W, z, z_hat, K, k, delta_3k)
            assert statement.holds
            assert all(step.holds for step in statement.steps)


def test_iht_contraction_from_any_iterate():
    rng = np.random.default_rng(0)
    W = small_layer(0, 100)
    delta_3k = model_rip_exact(W, K, 2, sums=3)
    for _ in range(50):
        z, z_hat = sample_code(K, N, 2, rng), sample_code(K, N, 2, rng)
        assert iht_contraction(W, z, z_hat, K, 2, delta_3k).holds


def test_iht_contraction_both_sides_of_every_step_by_hand():
    norm, rng = np.linalg.norm, np.random.default_rng(3)
    W = small_layer(1, 6).toarray()
    for _ in range(10):
        z, z_hat = sample_code(K, N, 2, rng), sample_code(K, N, 2, rng)
        b = z_hat + W @ (W.T @ z - W.T @ z_hat)
        following = model_project(b, K, 2)
        T = (z != 0) | (following != 0)
        statement = iht_contraction(W, z, z_hat, K, 2, delta_3k=0.3)
        far = norm(b[T] - z[T])
        expected = [
            (norm(b[T] - following[T]), far),
            (norm(z - following), 2 * far),
            (far, 0.3 * norm(z - z_hat)),
        ]
        np.testing.assert_allclose([(s.left, s.right) for s in statement.steps], expected)
        assert statement.left == pytest.approx(norm(z - following))
        assert statement.right == pytest.approx(0.6 * norm(z - z_hat))


def test_iht_contraction_of_orthonormal_rows_finds_the_code_at_once_up_to_rounding():
    rng = np.random.default_rng(0)
    W = np.linalg.qr(rng.standard_normal((12, 9)))[0].T
    for size in (1.0, 1e8):
        z_hat = size * sample_code(K, N, 3, rng)
        for z in (sample_code(K, N, 3, rng), np.zeros(9)):
            statement = iht_contraction(W, z, z_hat, K, 3, delta_3k=0)
            assert statement.holds
            assert all(step.holds for step in statement.steps)


def test_iht_contraction_a_wrong_constant_is_caught():
    W, rng = small_layer(0, 4), np.random.default_rng(0)
    delta_3k = model_rip_exact(W, K, 2, sums=3)
    codes = [sample_code(K, N, 2, rng) for _ in range(20)]
    caught = [not iht_contraction(W, z, 0 * z, K, 2, delta_3k / 20).holds for z in codes]
    assert any(caught)


def test_iht_contraction_below_one_half_recovers():
    W, rng = small_layer(0, 4000), np.random.default_rng(0)
    rate = 2 * model_rip_exact(W, K, 3, sums=3)
    assert rate < 1
    z = sample_code(K, N, 3, rng)
    for iterations in range(1, 6):
        z_hat, _ = iht(W.T, W.T @ z, lambda b: model_project(b, K, 3), iterations)
        assert np.linalg.norm(z - z_hat) <= rate**iterations * np.linalg.norm(z)


def test_iht_contraction_bad_input():
    W, z = small_layer(0, 4), sample_code(K, N, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"z_hat has 8 entries; W of shape \(9, 24\) expects 9"):
        iht_contraction(W, z, z[:8], K, 2, 0.1)
    with pytest.raises(ValueError, match="z_hat is not in M_k"):
        iht_contraction(W, z, np.ones(9), K, 2, 0.1)
    with pytest.raises(ValueError, match=r"delta_3k = -0.1"):
        iht_contraction(W, z, z, K, 2, -0.1)
