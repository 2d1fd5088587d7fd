"""The covariance of Wᵀz, the law of ‖Wᵀz‖², and Lemma A.1, against explicit layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cnninv
from cnninv import theorems


def explicit_covariance(z, K, size, input_shape, stride=1, padding=0):
    """M·Cov of one channel of Wᵀz, from W of unit filters: Wᵀz is linear in the weights."""
    taps = int(np.prod(size))
    columns = []
    for weight in range(K * taps):
        filters = np.zeros(K * taps)
        filters[weight] = 1
        shape = (K, 1, *np.atleast_1d(size))
        columns.append(
            cnninv.conv_matrix(filters.reshape(shape), input_shape, stride, padding).T @ z
        )
    A = np.array(columns).T
    return A @ A.T / taps


@pytest.mark.parametrize(
    ("size", "input_shape", "stride", "padding"),
    [
        (3, 8, 1, 0),
        (3, 9, 2, 0),
        (4, 6, 1, 2),
        (3, 6, 1, "circular"),
        ((2, 3), (4, 5), 1, 0),
        ((3, 3), (5, 5), (2, 1), 1),
    ],
)
def test_output_covariance_is_that_of_the_linear_map(size, input_shape, stride, padding):
    rng = np.random.default_rng(0)
    filters = np.ones((3, 1, *np.atleast_1d(size)))
    z = rng.standard_normal(cnninv.conv_matrix(filters, input_shape, stride, padding).shape[0])
    np.testing.assert_allclose(
        theorems.output_covariance(z, 3, size, input_shape, stride, padding),
        explicit_covariance(z, 3, size, input_shape, stride, padding),
        atol=1e-12,
    )


@given(
    K=st.integers(1, 4),
    l=st.integers(1, 5),
    n=st.integers(1, 8),
    stride=st.integers(1, 3),
    uses=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_lemma_ours_trace_and_norm_of_the_covariance(K, l, n, stride, uses, seed):
    # tr Σ = ‖z‖², ‖Σ‖ ≤ min(r, ℓ)/(Mℓ) ‖z‖² if no filter carries more than r entries
    rng = np.random.default_rng(seed)
    z = np.zeros((K, n))
    for block in z:
        places = rng.permutation(n)[:uses]
        block[places] = rng.standard_normal(len(places))
    size = np.sum(z**2)
    Sigma = theorems.output_covariance(z.ravel(), K, l, (n - 1) * stride + l, stride)
    assert np.trace(Sigma) == pytest.approx(size)
    assert np.linalg.norm(Sigma, 2) * l <= min(uses, l) * size * (1 + 1e-12)
    if uses == 1:
        assert np.count_nonzero(Sigma - np.diag(np.diag(Sigma))) == 0
    if uses <= 2:
        assert np.sum(Sigma**2) * l <= (1.5 if uses == 2 else 1) * size**2 * (1 + 1e-12)


def test_one_sparse_codes_attain_the_variance_for_every_d():
    for D in (5, 20, 60):
        z = np.eye(1, 2 * (D - 4)).ravel() * 3
        assert 5 * np.sum(theorems.output_covariance(z, 2, 5, D) ** 2) == pytest.approx(81)


def test_squared_ratios_has_the_law_of_explicit_layers():
    rng = np.random.default_rng(2)
    K, M, l, D = 3, 4, 3, 8
    z = rng.standard_normal(K * (D - l + 1))
    layers = [cnninv.conv_matrix(cnninv.random_filters(K, M, l, rng), D).T @ z for _ in range(1500)]
    explicit = np.sum(np.square(layers), axis=1) / (z @ z)
    law = theorems.squared_ratios(z, K, M, l, D, rng, 20_000)
    assert stats.ks_2samp(explicit, law).pvalue > 1e-3


def test_squared_ratios_of_a_one_sparse_code_is_chi_squared():
    rng = np.random.default_rng(3)
    ratios = theorems.squared_ratios(np.eye(1, 12).ravel(), 2, 6, 3, 8, rng, 20_000)
    assert stats.kstest(ratios, stats.chi2(18, scale=1 / 18).cdf).pvalue > 1e-3


@pytest.mark.parametrize("padding", [0, "circular"])
def test_lemma_a1_holds_where_no_tap_is_cut(padding):
    rng = np.random.default_rng(4)
    n = 8 if padding else 6
    assert theorems.lemma_a1(rng.standard_normal(2 * n), 2, 20, 3, 8, rng, padding=padding).holds


def test_lemma_a1_fails_where_zero_padding_cuts_taps():
    border = np.eye(1, 8).ravel()
    assert not theorems.lemma_a1(
        border, 1, 100, 3, 8, np.random.default_rng(5), trials=400, padding=1
    ).holds
    assert np.trace(theorems.output_covariance(border, 1, 3, 8, padding=1)) == pytest.approx(2 / 3)


def test_output_law_bad_input_is_named():
    with pytest.raises(ValueError, match=r"expected K\*n = 2\*6"):
        theorems.output_covariance(np.ones(5), 2, 3, 8)
    with pytest.raises(ValueError, match="z is zero"):
        theorems.squared_ratios(np.zeros(12), 2, 3, 3, 8, np.random.default_rng(0))
