"""The model-RIP constant δ_k of Wᵀ, by enumeration and by sampling (Gilbert 2017, §2.3, eq. 1).

δ is the smallest number with (1 − δ)‖z‖² ≤ ‖Wᵀz‖² ≤ (1 + δ)‖z‖² for all z of the model. With
the Gram matrix G = W Wᵀ it is the largest |λ(G_SS) − 1| over the supports S of the model.
"""

from itertools import islice
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, dense, is_sparse, require_memory
from cnninv.statement import states
from cnninv.supports import support_model
from cnninv.validation import generator, real_matrix, whole_number

CHUNK_BYTES = 2**25
DENSE = 0.1
"""Share of non-zeros from which on W is multiplied as a dense array."""


@states("Equation (1)", "the model-RIP constant")
def model_rip_exact(
    W: Any, K: int, k: int, sums: int = 1, blocks: Any = None, max_supports: int = 5_000_000
) -> float:
    """δ on M_k (sums=1) or on M_k² (sums=2), by enumeration of all supports (eq. 1).

    Parameters
    ----------
    W : array, sparse array or operator, shape (K*n, M*D)
    K, k : int
        Blocks, non-zeros of a code.
    sums : int
        1 to 4 codes added up.
    blocks : array of int, shape (K*n,), optional
        Label of each entry, in place of the K contiguous blocks.
    max_supports : int
        More than that are refused.

    Returns
    -------
    float
        max over supports S of the model of ‖W_S W_Sᵀ − I‖.

    Raises
    ------
    ValueError
        If there are too many supports, with their number.

    Examples
    --------
    >>> W = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> round(model_rip_exact(W, K=2, k=1), 12), round(model_rip_exact(W, K=2, k=1, sums=2), 12)
    (0.0, 0.6)
    """
    W, max_supports = real_matrix(W, "W"), whole_number(max_supports, "max_supports", low=1)
    model = support_model(W, K, k, sums, blocks)
    count = model.count()
    if count > max_supports:
        raise ValueError(
            f"δ on {count:,} supports cannot be enumerated (max_supports = {max_supports:,}); "
            f"model_rip_bracket gives certified bounds"
        )
    if model.size == 0:
        return 0.0
    G = gram(W)
    rows = max(1, CHUNK_BYTES // (8 * model.size**2))
    supports, largest = model.supports(), -np.inf
    while chunk := list(islice(supports, rows)):
        low, high = _extremes(G, chunk)
        largest = max(largest, float(high.max()) - 1, 1 - float(low.min()))
    return largest


def model_rip_sampled(
    W: Any,
    K: int,
    k: int,
    rng: np.random.Generator,
    trials: int = 1000,
    sums: int = 1,
    blocks: Any = None,
) -> float:
    """The largest |λ(W_S W_Sᵀ) − 1| over random supports S: a lower end of δ, and a weak one.

    Parameters as in `model_rip_exact`; `trials` is the number of supports.
    """
    W = real_matrix(W, "W")
    model = support_model(W, K, k, sums, blocks)
    trials, rng = whole_number(trials, "trials", low=1), generator(rng)
    if model.size == 0:
        return 0.0
    low, high = _extremes(gram(W), model.sample(trials, rng))
    return max(float(high.max()) - 1, 1 - float(low.min()))


def gram(W: Any) -> Any:
    """G = W Wᵀ as a dense float64 array where W is, refused if it does not fit there."""
    rows = W.shape[0]
    require_memory(
        3 * 8 * rows**2,
        f"the Gram matrix of {rows:,} rows would have {rows**2:,} entries and needs copies",
        "Use fewer filters or a smaller input.",
        array_namespace(W),
    )
    return products(W)


def products(W: Any) -> Any:
    """W Wᵀ as a dense float64 array, exactly symmetric."""
    # a sparse product costs about 10 times as much per term as a dense one
    if is_sparse(W) and W.nnz > DENSE * W.shape[0] * W.shape[1]:
        W = dense(W)
    explicit = is_sparse(W) or hasattr(W, "__array__")
    # an operator is applied to the columns of its transpose
    G = dense(W @ (W.T if explicit else dense(W.T))).astype(float, copy=False)
    return (G + G.T) / 2


def _extremes(G: Any, supports: Any) -> tuple[Any, Any]:
    """Least and largest eigenvalue of G_SS for each row S of `supports`."""
    supports = array_namespace(G).asarray(supports)
    if supports.shape[1] == 1:
        values = np.diag(G)[supports[:, 0]]
        return values, values
    if supports.shape[1] == 2:
        i, j = supports.T
        mean, half = (G[i, i] + G[j, j]) / 2, (G[i, i] - G[j, j]) / 2
        radius = np.hypot(half, G[i, j])
        return mean - radius, mean + radius
    values = np.linalg.eigvalsh(G[supports[:, :, None], supports[:, None, :]])
    return values[:, 0], values[:, -1]
