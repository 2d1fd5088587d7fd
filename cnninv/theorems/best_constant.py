"""The best constant in Theorem 3.3, and a layer that attains it. Ours (Gilbert 2017, §3.3, for the theorem).

The paper's factor is 5δ_2k to first order in δ_2k, its own chain gives 3δ_2k, one best-approximation argument
2δ_2k. The golden ratio φ = (1+√5)/2 replaces the 2 and cannot be improved. For hard thresholding without blocks
the constant is that of Shen and Li 2018, *A tight bound of hard thresholding*, JMLR 18.
"""

from typing import Any

import numpy as np

from cnninv.statement import Statement, states
from cnninv.theorems.bounds import checked_delta, reconstruction_bound_sharp
from cnninv.theorems.instance import layer_instance, norm, times
from cnninv.validation import POSITIVE, real_number

GOLDEN = (1 + 5**0.5) / 2
"""φ, the larger root of φ² = φ + 1."""


@states("Theorem 3.3, best constant (ours)", "the golden ratio in place of 5, and no less will do")
def theorem_3_3_golden(
    W: Any, z: Any, K: int, k: int, delta_k: float, delta_2k: float, blocks: Any = None
) -> Statement:
    """Ours: ‖x̂ − x‖ ≤ φ δ_2k √((1+δ_2k)/(1−δ_k)) ‖x‖ with φ = (1+√5)/2.

    With e = (h − z) on Ω ∪ Π and p, q, r the norms of e on Ω∖Π, Π∖Ω, Ω∩Π: ẑ = z + e on Ω, so

        ‖z − ẑ‖² = r² + p² + ‖z_Π∖Ω‖²,   ‖z_Π∖Ω‖ ≤ ‖h_Π∖Ω‖ + q ≤ ‖h_Ω∖Π‖ + q = p + q,

    and p² + (p+q)² ≤ φ² (p² + q²), φ² being the larger eigenvalue of [[2, 1], [1, 1]]. Then ‖e‖ ≤ δ_2k ‖z‖.

    Parameters as in `lemma_b3`.

    Returns
    -------
    Statement
        With the steps of the proof. `golden_filters` makes a layer in which it is an equality in the
        limit of small δ_2k.
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = layer_instance(W, z, K, k, blocks)
    extra, lost = np.setdiff1d(run.omega, run.pi), np.setdiff1d(run.pi, run.omega)
    e = run.h - run.z
    p, q, r = (norm(e[part]) for part in (extra, lost, np.intersect1d(run.omega, run.pi)))
    whole = float(np.sqrt(p**2 + q**2 + r**2))  # ‖e_T‖, T = Ω ∪ Π
    missed, energy = norm(run.z[lost]), norm(run.x)
    steps = (
        run.claim("Ω is the best support for h", "‖h_Π∖Ω‖ ≤ p", norm(run.h[lost]), p),
        run.claim("triangle inequality", "‖z_Π∖Ω‖ ≤ p + q", missed, p + q),
        run.claim(
            "Pythagoras",
            "‖z−ẑ‖ ≤ √(r² + p² + (p+q)²)",
            run.code_error,
            float(np.sqrt(r**2 + p**2 + (p + q) ** 2)),
        ),
        run.claim("golden ratio", "‖z−ẑ‖ ≤ φ ‖e‖", run.code_error, GOLDEN * whole),
        run.claim("model-RIP on M_k²", "‖e‖ ≤ δ_2k ‖z‖", whole, delta_2k * run.norm),
        *run.from_code_to_input(delta_2k, delta_k, "δ_k"),
    )
    return run.claim(
        "Theorem 3.3, best constant (ours)",
        "‖x̂−x‖ ≤ φδ_2k √((1+δ_2k)/(1−δ_k)) ‖x‖",
        run.error,
        times(reconstruction_bound_golden(delta_k, delta_2k), energy),
        steps,
    )


def reconstruction_bound_golden(delta_k: float, delta_2k: float) -> float:
    """The factor φδ_2k √((1+δ_2k)/(1−δ_k)); inf iff δ_k ≥ 1.

    Examples
    --------
    >>> round(reconstruction_bound_golden(0.1, 0.1), 3)
    0.179
    """
    return GOLDEN / 2 * reconstruction_bound_sharp(delta_k, delta_2k)


def golden_filters(delta: float) -> tuple[np.ndarray, np.ndarray]:
    """Filters (K = 2, M = 4, ℓ = 2) with δ_2k = δ for k = 2, D = 3, and a code on which φ is attained.

    Both filters have unit norm and two shifts. With q = δ/√(1+φ²) and p = φq, the first filter has the inner
    product −q with the second, p with its next shift and −p with its previous one, and neither overlaps its own
    shift. The code (1, 0, p+q, 0) then ties on the second filter, and pooling may keep the wrong shift: the
    relative error is φδ (1 + O(δ)).

    Parameters
    ----------
    delta : float
        In (0, 1/2].

    Returns
    -------
    filters : ndarray, shape (2, 4, 2)
    z : ndarray, shape (4,)
        The last tie is broken by 10⁻⁹ of z[2], so that it goes the wrong way.

    Examples
    --------
    >>> from cnninv import conv_matrix, model_rip_exact
    >>> filters, z = golden_filters(0.01)
    >>> W = conv_matrix(filters, 3)
    >>> round(model_rip_exact(W, 2, 2, sums=2), 6)
    0.01
    >>> statement = theorem_3_3_golden(W, z, 2, 2, delta_k=0.01, delta_2k=0.01)
    >>> round(statement.left / statement.right, 2)
    0.99
    """
    delta = real_number(delta, "delta", low=POSITIVE, high=0.5)
    q = delta / np.sqrt(1 + GOLDEN**2)
    p = GOLDEN * q
    # inner products of the four taps (first filter's two, second filter's two), each a vector over 4 channels
    taps = np.array([[1, 0, -q, -2 * p], [0, 1, 2 * p, -q], [-q, 2 * p, 1, 0], [-2 * p, -q, 0, 1]])
    filters = np.linalg.cholesky(taps / 2).reshape(2, 2, 4).transpose(0, 2, 1)
    return filters, np.array([1.0, 0.0, (p + q) * (1 - 1e-9), 0.0])
