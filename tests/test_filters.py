"""Random filters have the law of Theorem 3.1; normalised filters and rows have unit norm."""

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from strategies import layers

from cnninv import conv_matrix, normalize_filters, normalize_rows, random_filters, row_norms

KINDS = [np.asarray, scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array]


def dense(W):
    return W.toarray() if scipy.sparse.issparse(W) else W


@pytest.mark.parametrize("size", [5, (5,), (3, 4)])
def test_random_filters_are_gaussian_with_variance_one_over_m_l(size):
    filters = random_filters(40, 30, size, np.random.default_rng(0))
    assert filters.shape == (40, 30, *np.atleast_1d(size))
    standardised = filters.ravel() * np.sqrt(30 * np.prod(size))
    assert scipy.stats.kstest(standardised, "norm").pvalue > 0.01


def test_rows_of_a_random_w_have_unit_squared_norm_in_expectation():
    rng = np.random.default_rng(0)
    squared = [row_norms(conv_matrix(random_filters(20, 4, 5, rng), 5)) ** 2 for _ in range(200)]
    mean, error = np.mean(squared), np.std(squared) / np.sqrt(np.size(squared))
    assert abs(mean - 1) < 4 * error < 0.03


def test_the_same_seed_gives_the_same_bits():
    first, second = (random_filters(3, 2, (4, 5), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_random_filters_take_their_numbers_from_rng_only():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    rng = np.random.default_rng(7)
    first, second = random_filters(3, 2, 4, rng), random_filters(3, 2, 4, rng)
    assert (first != second).all()
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("size", [4, (2, 3)])
def test_normalised_filters_have_unit_norm_and_the_same_direction(size):
    filters = 3 * random_filters(5, 2, size, np.random.default_rng(0))
    unit = normalize_filters(filters)
    norms = np.linalg.norm(filters.reshape(5, -1), axis=1)
    assert unit.shape == filters.shape
    np.testing.assert_allclose(np.linalg.norm(unit.reshape(5, -1), axis=1), 1)
    np.testing.assert_allclose((unit.T * norms).T, filters)


@given(st.floats(-300, 300))
def test_filters_of_any_scale_can_be_normalised(exponent):
    unit = normalize_filters(np.array([[[3.0, -4.0]]]) * 10**exponent)
    np.testing.assert_allclose(unit, [[[0.6, -0.8]]], rtol=1e-12)


def test_normalising_keeps_float32():
    filters = np.ones((2, 3, 4), np.float32)
    assert normalize_filters(filters).dtype == np.float32
    assert normalize_rows(conv_matrix(filters, 6)).dtype == np.float32


def test_normalising_leaves_its_argument_alone():
    filters = np.full((1, 1, 2), 3.0)
    W = conv_matrix(filters, 3)
    normalize_filters(filters)
    normalize_rows(W)
    assert (filters == 3).all()
    assert (W.data == 3).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [float, int, np.float32])
def test_normalised_rows_have_unit_norm_whatever_the_kind_of_matrix(kind, dtype):
    matrix = np.array([[3, 4, 0], [1, 0, 1], [0, -2, 1]])
    expected = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = normalize_rows(kind(matrix.astype(dtype)))
    assert type(unit) is type(kind(matrix))
    np.testing.assert_allclose(dense(unit), expected, rtol=1e-6)
    np.testing.assert_allclose(row_norms(unit), 1, rtol=1e-6)


@given(layers())
def test_row_norms_are_numpy_s(layer):
    expected = np.linalg.norm(layer.W.toarray(), axis=1)
    for kind in KINDS:
        np.testing.assert_allclose(row_norms(kind(layer.W.toarray())), expected)
    np.testing.assert_allclose(row_norms(layer.W), expected)


def test_without_padding_unit_filters_give_unit_rows():
    filters = random_filters(4, 3, (3, 3), np.random.default_rng(0))
    of_filters = conv_matrix(normalize_filters(filters), (7, 6))
    of_rows = normalize_rows(conv_matrix(filters, (7, 6)))
    np.testing.assert_allclose(of_filters.toarray(), of_rows.toarray())


def test_where_padding_cuts_a_filter_unit_filters_give_shorter_rows():
    filters = normalize_filters(random_filters(4, 3, 3, np.random.default_rng(0)))
    norms = row_norms(conv_matrix(filters, 7, padding="same")).reshape(4, 7)
    np.testing.assert_allclose(norms[:, 1:-1], 1)
    assert (norms[:, [0, -1]] < 1).all()
    np.testing.assert_allclose(
        row_norms(normalize_rows(conv_matrix(filters, 7, padding="same"))), 1
    )
