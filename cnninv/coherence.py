"""Inner products of filters, and the coherence of a bank (Gilbert 2017, §4.4, footnote 8; Tables 3 and 6)."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from cnninv.filters import check_filters, normalize_filters
from cnninv.statement import states
from cnninv.validation import axis_lengths


def filter_gram(filters: Any, lag: int | tuple[int, ...] = 0) -> Any:
    """Inner products of all pairs of unit-normalised filters, the second of each pair moved by `lag`.

    Entry (i, j) is Σ_{m,τ} w_{i,m}[τ] w_{j,m}[τ − lag] over the taps that overlap: the inner product of two
    rows of W, filter i at some position and filter j `lag` further on (stride 1, away from the border).

    Parameters
    ----------
    filters : array-like, shape (K, M, l) or (K, M, l1, l2)
    lag : int or one per axis
        0 compares the filters in place.

    Returns
    -------
    ndarray, shape (K, K)
        Zero where nothing overlaps; its transpose belongs to −lag.

    Raises
    ------
    ValueError
        If a filter is zero.

    Examples
    --------
    >>> pair = np.array([[[1.0, 2.0]], [[-1.0, -2.0]]])
    >>> filter_gram(pair).round(3)
    array([[ 1., -1.],
           [-1.,  1.]])
    >>> filter_gram(pair, lag=1).round(3)
    array([[ 0.4, -0.4],
           [-0.4,  0.4]])
    """
    filters = normalize_filters(check_filters(filters))
    return _products(filters, axis_lengths(lag, "lag", filters.ndim - 2, low=None))


@states("Footnote 8", "coherence of the filters")
def coherence(filters: Any, signed: bool = False, shifts: bool = False) -> float:
    """Largest inner product between two distinct unit-normalised filters.

    Parameters
    ----------
    filters : array-like, shape (K, M, l) or (K, M, l1, l2)
    signed : bool
        Without the absolute value of footnote 8.
    shifts : bool
        Between two distinct rows of W, as footnote 8 has it: also a filter against shifts of
        itself and of the others (stride 1, away from the border, shifts that overlap).

    Returns
    -------
    float
        μ, in [0, 1], or in [−1, 1] if signed.

    Raises
    ------
    ValueError
        If a filter is zero, or there is no pair.

    Examples
    --------
    >>> filters = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> coherence(filters), coherence(filters, shifts=True)
    (0.0, 1.0)
    """
    filters = normalize_filters(check_filters(filters))
    K, size = len(filters), filters.shape[2:]
    if K < 2 and not (shifts and prod(size) > 1):
        raise ValueError(
            f"filters has shape {filters.shape}; expected at least two rows to compare"
        )
    ranges = [range(-l + 1, l) if shifts else (0,) for l in size]
    largest = -np.inf
    for lag in product(*ranges):
        if lag < (0,) * len(lag):
            continue  # the same pairs the other way round
        products = _products(filters, lag)
        if not signed:
            products = abs(products)
        if not any(lag):
            np.fill_diagonal(products, -np.inf)
        largest = max(largest, float(products.max()))
    return largest


def _products(filters: Any, lag: tuple[int, ...]) -> Any:
    """⟨w_i, w_j moved by lag⟩ for all i, j, of the filters as they are."""
    K, moves = len(filters), list(zip(lag, filters.shape[2:], strict=True))
    if any(abs(move) >= l for move, l in moves):
        return np.zeros_like(filters, shape=(K, K))
    # the taps that overlap
    here = tuple(slice(max(move, 0), l + min(move, 0)) for move, l in moves)
    there = tuple(slice(max(-move, 0), l - max(move, 0)) for move, l in moves)
    return filters[(..., *here)].reshape(K, -1) @ filters[(..., *there)].reshape(K, -1).T
