"""Proposition 1: exact for orthonormal convolution matrices, and what breaks without each hypothesis."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import small_layers

import cnninv
from cnninv import conv_matrix, filterbanks, psi_matrix, random_filters, relu
from cnninv.theorems import proposition_1


def orthonormal_layers():
    rng = np.random.default_rng(0)
    yield "dct", conv_matrix(filterbanks.dct_filters(4), 16, stride=4)
    yield "dct 2-D", conv_matrix(filterbanks.dct_filters((2, 3)), (6, 6), stride=(2, 3))
    for moments in (1, 2, 4, 10):
        bank = filterbanks.wavelet_filters(moments)
        yield f"db{moments}", conv_matrix(bank, 24, stride=2, padding="circular")
    bank = filterbanks.wavelet_filters(2, axes=2)
    yield "db2 2-D", conv_matrix(bank, (8, 6), stride=2, padding="circular")
    bank = filterbanks.random_orthogonal_filters(3, 4, rng)
    yield "random", conv_matrix(bank, 12, stride=4)
    bank = filterbanks.random_orthogonal_filters(2, (2, 3), rng)
    yield "random 2-D", conv_matrix(bank, (4, 6), stride=(2, 3))


def parseval_frames():
    for stride in (1, 2):
        dct = filterbanks.dct_filters(4) * sqrt(stride / 4)
        yield "dct", conv_matrix(dct, 12, stride=stride, padding="circular")
    haar = filterbanks.wavelet_filters(1, axes=2) / 2
    yield "undecimated Haar", conv_matrix(haar, (4, 6), padding="circular")


@pytest.mark.parametrize("W", [pytest.param(W, id=name) for name, W in orthonormal_layers()])
def test_proposition_1_is_exact_for_orthonormal_layers(W):
    assert W.shape[0] == W.shape[1]
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal(W.shape[1])
        statement = proposition_1(W, x)
        assert statement.holds
        # exact to rounding: both sides
        assert statement.left < 1e-13 * np.linalg.norm(x)
        assert statement.right < 1e-13 * np.linalg.norm(x)


@pytest.mark.parametrize("W", [pytest.param(W, id=name) for name, W in parseval_frames()])
def test_proposition_1_is_exact_for_parseval_frames(W):
    assert W.shape[0] > W.shape[1]
    x = np.random.default_rng(0).standard_normal(W.shape[1])
    statement = proposition_1(W, x)
    assert max(statement.left, statement.right) < 1e-13 * np.linalg.norm(x)


@given(
    small_layers(channels=(1, 3, 10)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_proposition_1_bounds_the_error_of_any_layer(layer, seed, scale):
    x = scale * np.random.default_rng(seed).standard_normal(layer.W.shape[1])
    statement = proposition_1(layer.W, x)
    assert statement.holds
    W = layer.W.toarray()
    assert statement.left == pytest.approx(np.linalg.norm(W.T @ W @ x - x), rel=1e-9)
    defect = np.linalg.norm(W.T @ W - np.eye(len(x)), 2)
    assert statement.right == pytest.approx(defect * np.linalg.norm(x), rel=1e-9, abs=1e-13)


def test_proposition_1_is_attained_by_the_worst_input():
    W = conv_matrix(random_filters(3, 2, 3, np.random.default_rng(0)), 6).toarray()
    values, vectors = np.linalg.eigh(W.T @ W)
    statement = proposition_1(W, vectors[:, np.argmax(np.abs(values - 1))])
    assert statement.left == pytest.approx(statement.right)


def test_proposition_1_says_nothing_for_gaussian_filters():
    rng = np.random.default_rng(0)
    W = conv_matrix(random_filters(8, 2, 4, rng), 16, stride=4)
    x = rng.standard_normal(W.shape[1])
    statement = proposition_1(W, x)
    assert statement.holds
    assert statement.left > 0.5 * np.linalg.norm(x)


def test_proposition_1_needs_both_of_the_pair():
    # Wᵀ ReLU(Wx) drops what is negative: x splits into x = Wᵀh₊ − Wᵀh₋, half of the energy each
    rng = np.random.default_rng(0)
    W = conv_matrix(filterbanks.random_orthogonal_filters(4, 4, rng), 16, stride=4)
    x = rng.standard_normal(W.shape[1])
    assert proposition_1(W, x).left < 1e-13
    h = W @ x
    half = W.T @ relu(h)
    error = np.linalg.norm(half - x) / np.linalg.norm(x)
    assert error == pytest.approx(np.linalg.norm(relu(-h)) / np.linalg.norm(x))
    assert error == pytest.approx(sqrt(0.5), abs=0.1)


def test_proposition_1_is_lost_with_pooling():
    rng = np.random.default_rng(0)
    W = conv_matrix(filterbanks.dct_filters(4), 32, stride=4)
    x = rng.standard_normal(32)
    assert proposition_1(W, x).left < 1e-13
    Psi, h = psi_matrix(W), relu(psi_matrix(W).T @ x)
    values, switches = cnninv.max_pool(h, (8, 8), 2)
    x_hat = Psi @ cnninv.unpool(values, switches, (8, 8), 2)
    assert np.linalg.norm(x_hat - x) > 0.3 * np.linalg.norm(x)


def test_proposition_1_of_a_wide_layer_needs_no_matrix_of_the_size_of_the_input():
    # WᵀW would have 200 000² entries
    W = conv_matrix(random_filters(3, 50_000, 2, np.random.default_rng(0)), 4, stride=2)
    statement = proposition_1(W, np.ones(200_000))
    assert statement.holds
    assert statement.right == pytest.approx(np.sqrt(200_000), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e8, 1e30])
def test_proposition_1_allows_for_rounding_at_any_scale(scale):
    for _, W in orthonormal_layers():
        for seed in range(20):
            x = scale * np.random.default_rng(seed).standard_normal(W.shape[1])
            assert proposition_1(W, x).holds


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones(7), ValueError, r"x has 7 entries; W of shape \(8, 8\) expects 8"),
        (np.full(8, np.nan), ValueError, "x has 8 entries that are NaN or infinite"),
        (np.ones(8, complex), TypeError, "x has dtype complex128"),
        (np.ones((8, 1)), ValueError, "x has shape"),
    ],
)
def test_proposition_1_names_bad_input(x, error, message):
    with pytest.raises(error, match=message):
        proposition_1(np.eye(8), x)
