"""The model-RIP of random filters: Theorem 3.1, Corollary 3.2, and their repair in Mℓ with constants.

The repaired constants are ours (Gilbert 2017, §3.2 and Appendix A, for the statements).
"""

from math import log

import numpy as np

from cnninv.statement import Statement, states
from cnninv.supports import SupportModel
from cnninv.theorems.bounds import checked_delta
from cnninv.validation import POSITIVE, real_number, whole_number


@states("Theorem 3.1", "random filters have the model-RIP, as printed")
def theorem_3_1(
    M: int, length: int, D: int, K: int, n: int, k: int, delta: float, epsilon: float, C: float
) -> Statement:
    """Theorem 3.1 as printed: the hypothesis C/δ² (k(log K + log n) − log ε) ≤ Mℓ²/D.

    Under it, Wᵀ has the model-RIP on M_k with δ, with probability 1 − ε. The scale Mℓ²/D is pessimistic and
    the union bound counts supports only: see `theorem_3_1_repaired`.
    """
    delta, epsilon = _probabilities(delta, epsilon)
    M, length, D = (
        whole_number(v, name, low=1) for v, name in ((M, "M"), (length, "length"), (D, "D"))
    )
    K, n = whole_number(K, "K", low=1), whole_number(n, "n", low=1)
    k = whole_number(k, "k", 0, K)
    need = real_number(C, "C", low=0) / delta**2 * (k * (log(K) + log(n)) - log(epsilon))
    return Statement(
        "Theorem 3.1", "C/δ²(k(log K + log n) − log ε) ≤ Mℓ²/D", need, M * length**2 / D
    )


def guaranteed_delta(
    M: int, length: int, K: int, n: int, k: int, epsilon: float, sums: int = 1
) -> float:
    """The δ that random filters meet with probability 1 − ε, on M_k (sums=1) or M_k² (sums=2). Ours.

    For each of N supports a γ-net of the unit sphere of dimension d = sums·k has at most (1 + 2/γ)^d
    points, and ‖A‖ ≤ max_net |zᵀAz| / (1 − 2γ) for A = W_S W_Sᵀ − I. With the tail bound on every point,

        δ = (2√(su) + 2su)/(1 − 2γ),   u = log(2/ε) + log N + d log(1 + 2/γ),   s = sums/(Mℓ),

    minimised over γ. For d = 1 no net is needed.

    Parameters
    ----------
    M, length, K, n, k : int
    epsilon : float
        Failure probability, in (0, 1).
    sums : int

    Returns
    -------
    float
    """
    gamma, u = _union_bound(K, n, k, epsilon, sums)
    s = sums / (whole_number(M, "M", low=1) * whole_number(length, "length", low=1))
    return float(np.min((2 * np.sqrt(s * u) + 2 * s * u) / (1 - 2 * gamma))) if k else 0.0


def sufficient_size(delta: float, K: int, n: int, k: int, epsilon: float, sums: int = 1) -> float:
    """The Mℓ from which on `guaranteed_delta` is at most δ. Ours; note that D does not enter.

    Examples
    --------
    >>> Ml = sufficient_size(0.5, K=96, n=28, k=10, epsilon=0.01)
    >>> round(guaranteed_delta(int(np.ceil(Ml)), 1, K=96, n=28, k=10, epsilon=0.01), 3)
    0.5
    """
    delta = real_number(delta, "delta", low=POSITIVE)
    gamma, u = _union_bound(K, n, k, epsilon, sums)
    # 2√(su) + 2su = δ(1−2γ)  ⇔  su = ((√(1+2δ(1−2γ)) − 1)/2)²
    su = ((np.sqrt(1 + 2 * delta * (1 - 2 * gamma)) - 1) / 2) ** 2
    return float(np.min(sums * u / su)) if k else 0.0


@states("Theorem 3.1, repaired (ours)", "random filters have the model-RIP, in Mℓ with constants")
def theorem_3_1_repaired(
    delta: float, M: int, length: int, K: int, n: int, k: int, epsilon: float
) -> Statement:
    """Ours: with probability 1 − ε the model-RIP constant δ of Wᵀ on M_k is at most `guaranteed_delta`.

    Parameters
    ----------
    delta : float
        The constant of a drawn W (`model_rip_exact`).
    M, length, K, n, k, epsilon
        As in `guaranteed_delta`.
    """
    return Statement(
        "Theorem 3.1, repaired (ours)",
        "δ_k ≤ min_γ (2√(su)+2su)/(1−2γ)",
        checked_delta(delta, "delta"),
        guaranteed_delta(M, length, K, n, k, epsilon),
    )


@states("Corollary 3.2", "the same for sums of two codes (with our constants)")
def corollary_3_2(
    delta: float, M: int, length: int, K: int, n: int, k: int, epsilon: float
) -> Statement:
    """Corollary 3.2 with constants (ours): with probability 1 − ε, δ_2k ≤ `guaranteed_delta(…, sums=2)`.

    The paper says that the analysis of M_k carries over. It does not as it stands: two shifts of one filter
    share weights, the entries of y are dependent, and ‖Σ‖ doubles. Parameters as in `theorem_3_1_repaired`.
    """
    return Statement(
        "Corollary 3.2",
        "δ_2k ≤ min_γ (2√(su)+2su)/(1−2γ), s = 2/(Mℓ)",
        checked_delta(delta, "delta"),
        guaranteed_delta(M, length, K, n, k, epsilon, sums=2),
    )


def _union_bound(
    K: int, n: int, k: int, epsilon: float, sums: int
) -> tuple[np.ndarray, np.ndarray]:
    """Some γ of nets, and u = log(2/ε) + log N + d log(1 + 2/γ) of each; without a net for d ≤ 1."""
    K, n = whole_number(K, "K", low=1), whole_number(n, "n", low=1)
    k, sums = whole_number(k, "k", 0, K), whole_number(sums, "sums", 1, 4)
    _, epsilon = _probabilities(0.5, epsilon)
    model = SupportModel(np.repeat(np.arange(K), n), k, sums)
    gamma = np.array([0.0]) if model.size <= 1 else np.linspace(0.002, 0.498, 249)
    cost = np.array([0.0]) if model.size <= 1 else model.size * np.log1p(2 / gamma)
    return gamma, log(2 / epsilon) + log(model.count()) + cost


def _probabilities(delta: float, epsilon: float) -> tuple[float, float]:
    return real_number(delta, "delta", POSITIVE), real_number(epsilon, "epsilon", POSITIVE, 1)
