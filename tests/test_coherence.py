"""Coherence against a comparison of all pairs, one by one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import (
    coherence,
    conv_matrix,
    filter_gram,
    filterbanks,
    normalize_filters,
    random_filters,
)


@st.composite
def banks(draw, least=2):
    size = draw(st.sampled_from([(1,), (2,), (5,), (2, 3), (3, 1)]))
    K, M, seed = draw(st.integers(least, 5)), draw(st.integers(1, 3)), draw(st.integers(0, 10**6))
    return np.random.default_rng(seed).standard_normal((K, M, *size))


def cosine(a, b):
    return (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


def over_pairs(rows, signed):
    products = [cosine(a, b) for a, b in combinations(rows, 2)]
    return max(products if signed else np.abs(products))


@given(banks(), st.booleans())
def test_coherence_is_the_largest_product_over_pairs_of_filters(filters, signed):
    expected = over_pairs(filters.reshape(len(filters), -1), signed)
    assert coherence(filters, signed=signed) == pytest.approx(expected)


@given(banks(), st.booleans())
def test_with_shifts_coherence_is_the_largest_product_over_pairs_of_rows_of_w(filters, signed):
    # so long that every pair of its shifts overlaps, and every lag occurs
    W = conv_matrix(filters, tuple(2 * l - 1 for l in filters.shape[2:]))
    expected = over_pairs(W.toarray(), signed)
    assert coherence(filters, signed=signed, shifts=True) == pytest.approx(expected)


def test_with_shifts_a_single_filter_has_a_coherence():
    assert coherence([[[1.0, 1.0]]], shifts=True) == pytest.approx(0.5)
    assert coherence([[[1.0, -1.0]]], shifts=True) == pytest.approx(0.5)


def test_with_shifts_only_rows_that_overlap_are_compared():
    # rows far apart would make the signed coherence 0
    assert coherence([[[1.0, -1.0]]], signed=True, shifts=True) == pytest.approx(-0.5)


@given(banks())
def test_the_scale_and_sign_of_a_filter_do_not_matter(filters):
    scales = np.arange(1, len(filters) + 1) * (-1.0) ** np.arange(len(filters))
    assert coherence((filters.T * scales).T) == pytest.approx(coherence(filters))


@given(banks())
def test_signed_coherence_is_at_most_coherence(filters):
    mu, signed, rows = (
        coherence(filters),
        coherence(filters, signed=True),
        coherence(filters, shifts=True),
    )
    assert -1 - 1e-12 <= signed <= mu <= rows <= 1 + 1e-12


def test_a_filter_and_its_negative_have_coherence_one_and_signed_minus_one():
    filters = np.array([[[1.0, 2.0]], [[-1.0, -2.0]]])
    assert coherence(filters) == pytest.approx(1)
    assert coherence(filters, signed=True) == pytest.approx(-1)


def test_an_orthonormal_bank_has_coherence_zero():
    assert coherence(filterbanks.dct_filters((3, 3))) < 1e-14


def test_more_filters_than_dimensions_obey_the_welch_bound():
    K, d = 40, 12
    filters = random_filters(K, 3, 4, np.random.default_rng(0))
    assert coherence(filters) >= np.sqrt((K - d) / (d * (K - 1)))


def test_integer_filters_are_compared_as_numbers():
    assert coherence([[[1, 1]], [[1, 0]]]) == pytest.approx(np.sqrt(0.5))


# ---- the inner products themselves ----------------------------------------------------------------------


@given(banks(least=1), st.integers(-5, 5), st.integers(-5, 5))
def test_filter_gram_holds_the_products_of_the_rows_of_w_that_are_so_far_apart(
    filters, down, right
):
    lag = (down, right)[: filters.ndim - 2]
    positions = tuple(abs(move) + 1 for move in lag)
    shape = tuple(l + move - 1 for l, move in zip(filters.shape[2:], positions, strict=True))
    W = conv_matrix(normalize_filters(filters), shape).toarray()
    rows = W.reshape(len(filters), *positions, -1)
    first = rows[(slice(None), *(max(-move, 0) for move in lag))]
    second = rows[(slice(None), *(max(move, 0) for move in lag))]
    np.testing.assert_allclose(filter_gram(filters, lag), first @ second.T, atol=1e-12)


def test_filter_gram_of_the_opposite_lag_is_the_transpose(rng):
    filters = rng.standard_normal((4, 2, 3, 5))
    np.testing.assert_allclose(filter_gram(filters, (1, -2)), filter_gram(filters, (-1, 2)).T)


def test_filter_gram_has_unit_diagonal_and_sees_pm_pairs(rng):
    half = rng.standard_normal((3, 2, 3, 3))
    G = filter_gram(np.concatenate([half, -5 * half]))
    np.testing.assert_allclose(np.diag(G), 1)
    np.testing.assert_allclose(-G.min(axis=1), 1)
