"""What each further iteration of Algorithm 1 gains (Gilbert 2017, footnote 4)."""

from functools import partial
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.projection import model_project
from cnninv.statement import Statement, states
from cnninv.theorems.bounds import checked_delta
from cnninv.theorems.instance import code_in_model, norm
from cnninv.validation import real_matrix


@states("Algorithm 1, contraction", "each iteration shrinks the error by 2δ_3k")
def iht_contraction(
    W: Any, z: Any, z_hat: Any, K: int, k: int, delta_3k: float, blocks: Any = None
) -> Statement:
    """One iteration of Algorithm 1 with unit step: ‖z − ẑ'‖ ≤ 2 δ_3k ‖z − ẑ‖, ẑ' = M(ẑ + W(x − Wᵀẑ), k).

    The paper leaves more iterations to footnote 4; this is the argument known for k-sparse codes (Foucart
    and Rauhut 2013, chapter 6), which needs nothing but that M(·, k) is a best approximation. With x = Wᵀz
    and b = ẑ + W(x − Wᵀẑ), both ẑ' and z are in M_k, and ẑ' is nearest to b. Both vanish outside
    T = supp ẑ' ∪ supp z, so ‖z − ẑ'‖ ≤ 2 ‖(b − z)_T‖, where b − z = (I − WWᵀ)(ẑ − z): three codes in all.
    So δ_3k < 1/2 is enough for exact recovery. From ẑ = 0 two codes remain: the sharper Theorem 3.3.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (K*n,)
        In M_k.
    z_hat : array, shape (K*n,)
        The iterate before, in M_k.
    K, k : int
    delta_3k : float
        The constant on sums of three codes (`model_rip_exact` with sums=3).
    blocks : array of int, optional

    Returns
    -------
    Statement
        With the three steps of the proof.

    Raises
    ------
    ValueError
        If z or z_hat does not fit W or is not model-k-sparse.

    Examples
    --------
    >>> W = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> z, start = np.array([0.0, 1.0]), np.zeros(2)
    >>> print(iht_contraction(W, z, start, K=2, k=1, delta_3k=0.6))
    Algorithm 1, contraction: ‖z−ẑ'‖ ≤ 2δ_3k ‖z−ẑ‖: 0 ≤ 1.2, slack 1.2, holds
    """
    W = real_matrix(W, "W")
    array_namespace(W=W, z=z, z_hat=z_hat, blocks=blocks)
    z, z_hat = (
        code_in_model(z, "z", W, K, k, blocks),
        code_in_model(z_hat, "z_hat", W, K, k, blocks),
    )
    delta_3k = checked_delta(delta_3k, "delta_3k")
    b = z_hat + W @ (W.T @ (z - z_hat))  # b = ẑ + W(x − Wᵀẑ),  x = Wᵀz
    following = model_project(b, K, k, blocks)
    T = np.union1d(np.flatnonzero(following), np.flatnonzero(z))
    before, after = norm(z - z_hat), norm(z - following)
    near, far = norm((b - following)[T]), norm((b - z)[T])
    claim = partial(Statement, scale=norm(z) + norm(z_hat))
    steps = (
        claim("ẑ' is nearest to b in M_k", "‖(b−ẑ')_T‖ ≤ ‖(b−z)_T‖", near, far),
        claim("triangle inequality", "‖z−ẑ'‖ ≤ 2 ‖(b−z)_T‖", after, 2 * far),
        claim("model-RIP on three codes", "‖(b−z)_T‖ ≤ δ_3k ‖z−ẑ‖", far, delta_3k * before),
    )
    return claim(
        "Algorithm 1, contraction", "‖z−ẑ'‖ ≤ 2δ_3k ‖z−ẑ‖", after, 2 * delta_3k * before, steps
    )
