"""The sparsity model M_k and the projection onto it (Gilbert 2017, §2.3).

A code z of K blocks is model-k-sparse if each block has at most one non-zero entry and z has
at most k of them. M_k² holds the sums of two such codes. By default the blocks are the K
contiguous ones of n entries; `blocks` gives any other partition as a label for each entry.
"""

from math import comb
from typing import Any

import numpy as np

from cnninv.backend import INT32_MAX, array_namespace, csr, to_host
from cnninv.statement import states
from cnninv.validation import generator, places, real_array, whole_number


@states("§2.3, n^k C(K, k)", "number of subspaces in M_k")
def count_supports(K: int, n: int, k: int) -> int:
    """Number of k-dimensional subspaces in M_k: n^k · C(K, k) (§2.3).

    Examples
    --------
    >>> count_supports(3, 2, 2)
    12
    """
    K, n = whole_number(K, "K", low=1), whole_number(n, "n", low=1)
    return n ** whole_number(k, "k", 0, K) * comb(K, k)


def sample_code(
    K: int,
    n: int,
    k: int,
    rng: np.random.Generator,
    blocks: Any = None,
    batch: int | None = None,
) -> np.ndarray:
    """A random code in M_k: k blocks and a place in each at random, values U[-1, 1] (§4.2).

    Parameters
    ----------
    K, n, k : int
        Blocks, entries per block, non-zeros.
    rng : numpy.random.Generator
    blocks : array of int, shape (K*n,), optional
        Label of each entry; then k non-empty labels are drawn.
    batch : int, optional
        So many codes, as columns.

    Returns
    -------
    z : ndarray, shape (K*n,) or (K*n, batch)
        In memory, where `rng` draws (`cnninv.backend.to_device` moves it).

    Examples
    --------
    >>> z = sample_code(4, 5, 3, np.random.default_rng(0))
    >>> (z.reshape(4, 5) != 0).sum(axis=1)
    array([0, 1, 1, 1])
    """
    K, n = whole_number(K, "K", low=1), whole_number(n, "n", low=1)
    rng, columns = generator(rng), whole_number(1 if batch is None else batch, "batch", low=1)
    if blocks is None:
        whole_number(k, "k", 0, K)
        entries, starts, sizes = np.arange(K * n), np.arange(K) * n, np.full(K, n)
    else:
        labels = to_host(check_blocks(blocks, K * n))
        entries = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        starts, sizes = (np.cumsum(counts) - counts)[counts > 0], counts[counts > 0]
        whole_number(k, "k", 0, len(sizes))
    chosen = np.argsort(rng.random((columns, len(sizes))), axis=1)[:, :k]
    place = starts[chosen] + rng.integers(0, sizes[chosen])
    z = np.zeros((K * n, columns))
    z[entries[place], np.arange(columns)[:, None]] = rng.uniform(-1, 1, (columns, k))
    return z[:, 0] if batch is None else z


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


def in_model(z: Any, K: int, k: int, sums: int = 1, blocks: Any = None) -> bool:
    """Whether z is a sum of `sums` codes of M_k.

    It is exactly when no block has more than `sums` non-zeros and z has at most `sums`·k.

    Examples
    --------
    >>> z = np.array([1.0, 2.0, 0.0, 0.0])
    >>> in_model(z, K=2, k=1), in_model(z, K=2, k=1, sums=2)
    (False, True)
    """
    z, sums = real_array(z, "z", ndim=1), whole_number(sums, "sums", low=1)
    labels = block_labels(len(z), K, blocks, array_namespace(z=z, blocks=blocks))
    k = whole_number(k, "k", 0, len(np.unique(labels)))
    per_block = np.bincount(labels, (z != 0).astype(float))
    return bool(per_block.max() <= sums and per_block.sum() <= sums * k)


def support(z: Any) -> Any:
    """Indices of the non-zeros of z."""
    z = real_array(z, "z", ndim=1)
    return array_namespace(z).flatnonzero(z)


def selection_matrix(support: Any, size: int) -> Any:
    """R with R h = h[support] and Rᵀ R h = h on the support, zero elsewhere.

    Parameters
    ----------
    support : sequence of int
        Distinct entries, in the order of the rows.
    size : int
        Length of h.

    Returns
    -------
    R : sparse array, shape (len(support), size)
        Where `support` is: SciPy's csr_array, or CuPy's CSR matrix.

    Examples
    --------
    >>> selection_matrix([3, 1], 4).toarray()
    array([[0., 0., 0., 1.],
           [0., 1., 0., 0.]])
    """
    size = whole_number(size, "size", low=1)
    support = places(support, "support", size)
    xp, index = array_namespace(support), np.int32 if size <= INT32_MAX else np.int64
    rows = xp.arange(len(support) + 1, dtype=index)
    return csr(xp.ones(len(support)), support.astype(index), rows, (len(support), size))


def check_blocks(blocks: Any, size: int) -> Any:
    """`blocks` as an integer label for each of `size` entries, none negative."""
    xp = array_namespace(blocks)
    try:
        labels = xp.asarray(blocks)
    except ValueError:
        raise TypeError(f"blocks = {blocks!r} must be a sequence of integer labels") from None
    if labels.dtype.kind not in "iu":
        raise TypeError(f"blocks has dtype {labels.dtype}; expected integer labels")
    if labels.shape != (size,):
        raise ValueError(
            f"blocks has shape {labels.shape}; expected a label for each of {size} entries"
        )
    if int(labels.min()) < 0:
        raise ValueError(f"blocks has the label {int(labels.min())}; expected labels from 0")
    if int(labels.max()) >= size:
        # what is counted label by label stays as small as the code
        return xp.unique(labels, return_inverse=True)[1]
    return labels.astype(np.intp, copy=False)


def block_labels(size: int, K: int, blocks: Any = None, xp: Any = np) -> Any:
    """The block of each entry: `blocks`, or the K contiguous ones of size/K entries each (in `xp`)."""
    K = whole_number(K, "K", low=1)
    if blocks is not None:
        return check_blocks(blocks, size)
    if size % K:
        raise ValueError(f"K = {K} must divide the length {size} of the code")
    return xp.repeat(xp.arange(K), size // K)


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
