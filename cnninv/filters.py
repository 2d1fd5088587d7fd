"""Filters and their scaling (Gilbert 2017, §2.2, Theorem 3.1)."""

from math import prod
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, is_sparse
from cnninv.validation import filter_size, generator, real_array, real_matrix, whole_number


def random_filters(
    K: int, M: int, size: int | tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """K Gaussian filters over M channels, entries N(0, 1/(M·prod(size))) (Theorem 3.1).

    Rows of W then have unit *squared* norm in expectation.

    Parameters
    ----------
    K, M : int
        Number of filters and of channels.
    size : int or (int, int)
        l, or (l1, l2).
    rng : numpy.random.Generator

    Returns
    -------
    filters : ndarray, shape (K, M, *size)

    Examples
    --------
    >>> random_filters(96, 32, 5, np.random.default_rng(0)).shape
    (96, 32, 5)
    """
    K, M = whole_number(K, "K", low=1), whole_number(M, "M", low=1)
    size = filter_size(size)
    # w ~ N(0, 1/(Mℓ))
    return generator(rng).standard_normal((K, M, *size)) / np.sqrt(M * prod(size))


def normalize_filters(filters: Any) -> Any:
    """Filters scaled to unit 2-norm each.

    Rows of W are then unit wherever padding cuts no filter; `normalize_rows` makes all of them so.

    Raises
    ------
    ValueError
        If a filter is zero.
    """
    filters = check_filters(filters)
    rows = filters.reshape(len(filters), -1)
    peaks = np.abs(rows).max(axis=1, keepdims=True)
    if not peaks.all():
        raise ValueError(
            f"filters[{int(np.flatnonzero(peaks == 0)[0])}] is zero; it has no direction to normalise"
        )
    rows = rows / peaks  # squares of 1e200 overflow
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).reshape(filters.shape)


def normalize_rows(W: Any) -> Any:
    """W with every row scaled to unit 2-norm (assumed in §2.2).

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)

    Returns
    -------
    The same kind of array as W.

    Raises
    ------
    ValueError
        If a row is zero.

    Examples
    --------
    >>> from cnninv.conv import conv_matrix
    >>> W = normalize_rows(conv_matrix([[[3, 4]]], 3, padding=1))
    >>> np.round(W.toarray(), 3)
    array([[1. , 0. , 0. ],
           [0.6, 0.8, 0. ],
           [0. , 0.6, 0.8],
           [0. , 0. , 1. ]])
    """
    W = real_matrix(W, "W", explicit=True)
    norms = row_norms(W)
    if not norms.all():
        raise ValueError(
            f"row {int(np.flatnonzero(norms == 0)[0])} of W is zero; it has no direction to normalise"
        )
    if not is_sparse(W):
        return W / norms[:, None]
    scaled = W.tocsr(copy=True)
    scaled.data /= norms[scaled.tocoo(copy=False).row].astype(W.dtype)
    return scaled.asformat(W.format)


def row_norms(W: Any) -> Any:
    """The 2-norm of each row of W, shape (K*n,), where W is."""
    W = real_matrix(W, "W", explicit=True)
    if not is_sparse(W):
        return np.linalg.norm(W, axis=1)
    squares = W.tocsr().multiply(W.tocsr()).sum(axis=1)
    return np.sqrt(array_namespace(W).asarray(squares, dtype=float).ravel())


def check_filters(filters: Any) -> Any:
    """Filters as a floating-point array of shape (K, M, l) or (K, M, l1, l2)."""
    return real_array(filters, "filters", ndim=(3, 4))
