"""ReLU, CReLU and the matrix Ψ of positive and negative pairs (Gilbert 2017, §3.1)."""

from typing import Any

from cnninv.backend import array_namespace, hstack, is_sparse
from cnninv.validation import real_array, real_matrix


def relu(h: Any) -> Any:
    """max(h, 0), entry by entry."""
    h = real_array(h, "h")
    return array_namespace(h).maximum(h, 0)


def crelu(h: Any) -> Any:
    """[relu(h); relu(−h)]: the positive and the negative entries as separate hidden units.

    Parameters
    ----------
    h : array, shape (K*n,) or (K*n, batch)

    Returns
    -------
    array, shape (2*K*n,) or (2*K*n, batch)

    Examples
    --------
    >>> crelu([3.0, -2.0])
    array([3., 0., 0., 2.])
    """
    h = real_array(h, "h", ndim=(1, 2))
    return array_namespace(h).concatenate([relu(h), relu(-h)])


def psi_matrix(W: Any) -> Any:
    """Ψ = [Wᵀ  −Wᵀ], so that CReLU(W x) = ReLU(Ψᵀ x) (§3.1).

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)

    Returns
    -------
    Psi : of the kind of W, shape (M*D, 2*K*n)

    Examples
    --------
    >>> import numpy as np
    >>> psi_matrix(np.array([[1.0, 2.0]]))
    array([[ 1., -1.],
           [ 2., -2.]])
    """
    W = real_matrix(W, "W", explicit=True)
    if is_sparse(W):
        return hstack([W.T, -W.T])
    return array_namespace(W).hstack([W.T, -W.T])
