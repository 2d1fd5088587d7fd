"""A layer in the frequency domain is the matrix W."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import ConvOperator, lasso, random_filters
from cnninv.fourier import FourierConv


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(1, 4), st.integers(4, 7)), min_size=1, max_size=2),
    st.sampled_from([0, 1, 3, "same", "circular"]),
    st.integers(0, 2**32 - 1),
)
def test_fourier_conv_is_the_matrix_and_its_transpose(K, M, axes, padding, seed):
    rng = np.random.default_rng(seed)
    size = tuple(l if padding != "same" else 2 * (l // 2) + 1 for l, _ in axes)
    filters, D = rng.standard_normal((K, M, *size)), tuple(D for _, D in axes)
    W = FourierConv(filters, D, padding)
    explicit = ConvOperator(filters, D, padding=padding).to_matrix()
    assert W.shape == explicit.shape
    np.testing.assert_allclose(W.to_matrix().toarray(), explicit.toarray())
    x, h = rng.standard_normal((W.shape[1], 3)), rng.standard_normal(W.shape[0])
    np.testing.assert_allclose(W @ x, explicit @ x, atol=1e-10)
    np.testing.assert_allclose(W @ x[:, 0], explicit @ x[:, 0], atol=1e-10)
    np.testing.assert_allclose(W.T @ h, explicit.T @ h, atol=1e-10)
    np.testing.assert_allclose(W.T.T @ x, explicit @ x, atol=1e-10)


def test_one_padding_for_each_axis():
    rng = np.random.default_rng(0)
    filters = random_filters(3, 2, (3, 5), rng)
    W = FourierConv(filters, (6, 9), (0, 2))
    explicit = ConvOperator(filters, (6, 9), padding=(0, 2))
    x = rng.standard_normal(W.shape[1])
    np.testing.assert_allclose(W @ x, explicit @ x, atol=1e-12)


def test_single_precision_stays_single_and_the_lasso_takes_it():
    rng = np.random.default_rng(0)
    filters = random_filters(4, 3, (3, 3), rng).astype(np.float32)
    W, explicit = FourierConv(filters, (6, 6), "same"), ConvOperator(filters, (6, 6), padding=1)
    x = rng.standard_normal((W.shape[1], 2)).astype(np.float32)
    assert (W @ x).dtype == (W.T @ (W @ x)).dtype == np.float32
    z, history = lasso(W, x, 0.5, tol=1e-4)
    other, _ = lasso(explicit, x, 0.5, tol=1e-4)
    assert history["stopped"] == "gap"
    np.testing.assert_allclose(W.T @ z, explicit.T @ other, atol=0.05)


def test_a_wrong_length_is_told():
    W = FourierConv([[[1.0, 2.0]]], 4)
    with pytest.raises(
        ValueError, match=r"x has shape \(3,\); an operator of shape .* expect 4 rows here"
    ):
        W @ np.ones(3)
    assert repr(W) == "FourierConv(3 × 4, 3 frequencies, float64)"
    assert repr(W.T) == "FourierConv(3 × 4, 3 frequencies, float64).T"
