"""The projection onto the sparsity model, M(h, k), in linear time (Gilbert 2017, §2.3)."""

from typing import Any

import numpy as np

from cnninv.backend import INT32_MAX, array_namespace
from cnninv.blocks import check_blocks
from cnninv.statement import states
from cnninv.validation import real_array, whole_number


def model_support(h: Any, K: int, k: int, blocks: Any = None) -> Any:
    """Ω, the k places that M(h, k) keeps: the largest |h| of each block, then the k largest of these.

    Ties go to the lower index, always. The places are sorted.

    Parameters
    ----------
    h : array, shape (K*n,)
    K, k : int
        Blocks; entries to keep, 0 ≤ k ≤ number of blocks.
    blocks : array of int, shape (K*n,), optional
        Label of each entry, in place of the K contiguous blocks.

    Returns
    -------
    omega : integer array, shape (k,)

    Examples
    --------
    >>> model_support([3.0, -4.0, 1.0, 1.0, 0.5, -6.0], K=3, k=2)
    array([1, 5])
    """
    h = real_array(h, "h", ndim=1)
    return _support(h[:, None], K, k, blocks)[:, 0]


@states("§2.3, M(h, k)", "the best model-k-sparse approximation")
def model_project(h: Any, K: int, k: int, blocks: Any = None) -> Any:
    """ẑ = M(h, k), the best model-k-sparse approximation of h in the 2-norm (§2.3).

        M(h, k) = argmin { ‖h − z‖₂ : z in M_k } = Rᵀ R h,  R = selection_matrix(Ω)

    In linear time; ties go to the lower index.

    Parameters
    ----------
    h : array, shape (K*n,) or (K*n, batch)
        Columns are projected one by one.
    K, k : int
        Blocks; entries to keep, 0 ≤ k ≤ number of blocks.
    blocks : array of int, shape (K*n,), optional
        Label of each entry, in place of the K contiguous blocks.

    Returns
    -------
    z_hat : array, of the shape of h

    Raises
    ------
    ValueError, TypeError
        If K does not divide the length of h, k is out of range, or h is not finite.

    Examples
    --------
    >>> model_project([3.0, -4.0, 1.0, 1.0, 0.5, -6.0], K=3, k=2)
    array([ 0., -4.,  0.,  0.,  0., -6.])
    """
    h = real_array(h, "h", ndim=(1, 2))
    xp = array_namespace(h)
    columns = h.reshape(len(h), -1)
    omega = _support(columns, K, k, blocks)
    z_hat = xp.zeros_like(columns)
    here = (omega, xp.arange(columns.shape[1]))
    z_hat[here] = columns[here]
    return z_hat.reshape(h.shape)


def sparse_project(h: Any, k: int) -> Any:
    """The classical k-sparse projection: the k largest |h|, wherever they are (§2.3).

    Examples
    --------
    >>> sparse_project([3.0, -4.0, 1.0, 1.0, 0.5, -6.0], 3)
    array([ 3., -4.,  0.,  0.,  0., -6.])
    """
    h = real_array(h, "h", ndim=(1, 2))
    return model_project(h, len(h), k)


def _support(h: Any, K: int, k: int, blocks: Any) -> Any:
    """Ω for each column of h, shape (k, columns), sorted."""
    K = whole_number(K, "K", low=1)
    xp, size = array_namespace(h=h, blocks=blocks), abs(h)
    if blocks is None:
        if len(h) % K:
            raise ValueError(f"K = {K} must divide the length {len(h)} of the code")
        n = len(h) // K
        winners = size.reshape(K, n, -1).argmax(axis=1) + xp.arange(K)[:, None] * n
    else:
        winners = _winners(size, check_blocks(blocks, len(h)), xp)
    k = whole_number(k, "k", 0, len(winners))
    kept = _largest(xp.take_along_axis(size, winners, axis=0), k, xp)
    # every column keeps k winners: read them off column by column
    omega = winners.T[kept.T].reshape(h.shape[1], k).T
    return xp.sort(omega, axis=0)


def _winners(size: Any, labels: Any, xp: Any) -> Any:
    """First place of the largest entry of each non-empty block, in linear time."""
    shape = (int(labels.max()) + 1, size.shape[1])
    peak = xp.full(shape, -1.0, dtype=size.dtype)
    xp.maximum.at(peak, labels, size)
    row, column = xp.nonzero(size == peak[labels])
    # CuPy's minimum.at takes no 64-bit integers
    first = xp.full(shape, len(size), dtype=np.int32 if len(size) <= INT32_MAX else np.int64)
    xp.minimum.at(first, (labels[row], column), row.astype(first.dtype))
    # in order of place, not of label: ties go to the lower index
    return xp.sort(first[peak[:, 0] >= 0].astype(np.intp), axis=0)


def _largest(size: Any, k: int, xp: Any) -> Any:
    """Which entries of each column are its k largest, ties to the lower index, in linear time."""
    if k == 0:
        return xp.zeros(size.shape, dtype=bool)
    threshold = xp.partition(size, len(size) - k, axis=0)[len(size) - k]
    above, ties = size > threshold, size == threshold
    return above | (ties & (ties.cumsum(axis=0) <= k - above.sum(axis=0)))
