"""Batch normalisation in evaluation, as a matrix: a diagonal and a shift (Gilbert 2017, Appendix C.1)."""

from typing import Any

import numpy as np
import scipy.sparse

from cnninv.validation import real_array, real_number, whole_number


def batch_norm_matrix(
    scale: Any, bias: Any, mean: Any, variance: Any, n: int, eps: float = 1e-5
) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """(A, c) with A h + c = scale · (h − mean)/√(variance + eps) + bias, channel by channel.

    Parameters
    ----------
    scale, bias, mean, variance : array-like, shape (K,)
        The learnt scale and bias, the running mean and variance of each channel.
    n : int
        Entries per channel.
    eps : float
        Added to the variance.

    Returns
    -------
    A : scipy.sparse.csr_array, shape (K*n, K*n)
        Diagonal.
    c : ndarray, shape (K*n,)

    Examples
    --------
    >>> A, c = batch_norm_matrix([2.0], [1.0], [3.0], [4.0], n=2, eps=0.0)
    >>> A @ np.array([3.0, 5.0]) + c
    array([1., 3.])
    """
    named = {"scale": scale, "bias": bias, "mean": mean, "variance": variance}
    scale, bias, mean, variance = (real_array(v, name, ndim=1) for name, v in named.items())
    lengths = {name: len(np.atleast_1d(v)) for name, v in named.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"one entry per channel is expected in each of {lengths}")
    if (variance < 0).any():
        raise ValueError(f"variance has the entry {variance.min()}; expected none below 0")
    n, eps = whole_number(n, "n", low=1), real_number(eps, "eps", low=0)
    if (variance + eps == 0).any():
        raise ValueError("variance has a zero and eps = 0; expected variance + eps > 0")
    # a = scale/√(variance + eps),  c = bias − a·mean
    a = scale / np.sqrt(variance + eps)
    A = scipy.sparse.diags_array(np.repeat(a, n)).tocsr()
    A.indices, A.indptr = A.indices.astype(np.int32), A.indptr.astype(np.int32)
    return A, np.repeat(bias - a * mean, n)
