"""Coherence of a filter bank (Gilbert 2017, §4.4, footnote 8; Tables 3 and 6)."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from cnninv.filters import check_filters, normalize_filters
from cnninv.statement import states


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
        # ⟨w_i, w_j shifted by lag⟩ for all i, j: the taps that overlap
        here = filters[
            (..., *(slice(max(s, 0), l + min(s, 0)) for s, l in zip(lag, size, strict=True)))
        ]
        there = filters[
            (..., *(slice(max(-s, 0), l - max(s, 0)) for s, l in zip(lag, size, strict=True)))
        ]
        products = here.reshape(K, -1) @ there.reshape(K, -1).T
        if not any(lag):
            np.fill_diagonal(products, -np.inf)
        if not signed:
            products = np.abs(products, where=np.isfinite(products), out=products)
        largest = max(largest, float(products.max()))
    return largest
