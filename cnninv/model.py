"""The sparsity model M_k: its codes and their supports (Gilbert 2017, §2.3).

A code z of K blocks is model-k-sparse if each block has at most one non-zero entry and z has
at most k of them. M_k² holds the sums of two such codes. By default the blocks are the K
contiguous ones of n entries; `blocks` gives any other partition as a label for each entry.
"""

from math import comb
from typing import Any

import numpy as np

from cnninv.backend import INT32_MAX, array_namespace, csr, to_host
from cnninv.blocks import block_labels, check_blocks
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
