"""One layer is one iteration of Algorithm 1 (Gilbert 2017, §2.3)."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.iht import iht
from cnninv.pooling import max_pool, unpool
from cnninv.projection import model_project
from cnninv.statement import Statement, states
from cnninv.validation import real_array, real_matrix, whole_number


@states(
    "§2.3, layer = IHT iteration", "W, then pooling over all shifts, is one iteration from zero"
)
def layer_is_iht_iteration(W: Any, x: Any, K: int, k: int | None = None) -> Statement:
    """§2.3: one iteration of Algorithm 1 from ẑ = 0 equals unpool(max_pool(W x)) if k = K.

    For k < K it does not: max pooling keeps one entry of each of the K blocks, and a layer has no step that
    picks the k best of them.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    x : array, shape (M*D,)
    K : int
    k : int, optional
        K if not given.

    Returns
    -------
    Statement
        ‖difference‖ ≤ 0.
    """
    W, x = real_matrix(W, "W"), real_array(x, "x", ndim=1)
    array_namespace(W=W, x=x)
    K = whole_number(K, "K", low=1)
    if len(x) != W.shape[1] or W.shape[0] % K:
        raise ValueError(
            f"W has shape {W.shape}; expected {len(x)} columns, as x has entries, and rows that "
            f"K = {K} divides"
        )
    k = K if k is None else whole_number(k, "k", 0, K)
    h, n = W @ x, W.shape[0] // K
    values, switches = max_pool(h, (K, n), n)
    pooled = unpool(values, switches, (K, n), n)
    z_hat, _ = iht(W.T, x, lambda b: model_project(b, K, k), iterations=1)
    return Statement(
        "§2.3, layer = IHT iteration",
        "‖unpool(max_pool(Wx)) − one IHT iteration‖ ≤ 0",
        float(np.linalg.norm(pooled - z_hat)),
        0.0,
    )
