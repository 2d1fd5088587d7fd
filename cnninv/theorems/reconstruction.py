"""Theorem 3.3, as printed and sharper, both sides computed (Gilbert 2017, §3.3, Appendix B).

Throughout, x = Wᵀz with z in M_k on the support Π, h = Wx, ẑ = M(h, k) on the support Ω. The constants
δ_k and δ_2k are arguments: give exact ones (`model_rip_exact`) to test a statement, smaller ones to
see it fail.
"""

from typing import Any

import numpy as np

from cnninv.statement import Statement, states
from cnninv.theorems.bounds import checked_delta, reconstruction_bound, reconstruction_bound_sharp
from cnninv.theorems.instance import layer_instance, norm, times
from cnninv.theorems.lemmas import lemma_b4


@states("Theorem 3.3", "the reconstruction bound of one layer")
def theorem_3_3(
    W: Any, z: Any, K: int, k: int, delta_k: float, delta_2k: float, blocks: Any = None
) -> Statement:
    """Theorem 3.3: ‖x̂ − x‖ ≤ 5δ_2k/(1−δ_k) · √((1+δ_2k)/(1−δ_2k)) · ‖x‖, x̂ = Wᵀ M(W x, k).

    Parameters and return value as in `lemma_b3`.
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = layer_instance(W, z, K, k, blocks)
    steps = (
        lemma_b4(W, z, K, k, delta_k, delta_2k, blocks),
        *run.from_code_to_input(delta_2k, delta_2k, "δ_2k"),
    )
    return run.claim(
        "Theorem 3.3",
        "‖x̂−x‖ ≤ 5δ_2k/(1−δ_k) √((1+δ_2k)/(1−δ_2k)) ‖x‖",
        run.error,
        times(reconstruction_bound(delta_k, delta_2k), norm(run.x)),
        steps,
    )


@states("Theorem 3.3, sharper (ours)", "the same bound from one best-approximation argument")
def theorem_3_3_sharp(
    W: Any, z: Any, K: int, k: int, delta_k: float, delta_2k: float, blocks: Any = None
) -> Statement:
    """Ours: ‖x̂ − x‖ ≤ 2δ_2k √((1+δ_2k)/(1−δ_k)) ‖x‖; only δ_k < 1 is needed.

    ẑ and z are both in M_k and ẑ is the nearest to h, so ‖h − ẑ‖ ≤ ‖h − z‖. Both codes vanish outside
    T = Ω ∪ Π, so the same holds on T, and ‖z − ẑ‖ ≤ 2 ‖(h − z)_T‖ = 2 ‖(W_T W_Tᵀ − I) z‖ ≤ 2δ_2k ‖z‖.
    `theorem_3_3_golden` has the best constant in place of the 2.

    Parameters and return value as in `lemma_b3`.
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = layer_instance(W, z, K, k, blocks)
    T = np.union1d(run.omega, run.pi)
    near, far = norm((run.h - run.z_hat)[T]), norm((run.h - run.z)[T])
    steps = (
        run.claim("ẑ is nearest to h in M_k", "‖(h−ẑ)_T‖ ≤ ‖(h−z)_T‖", near, far),
        run.claim("triangle inequality", "‖z−ẑ‖ ≤ 2 ‖(h−z)_T‖", run.code_error, 2 * far),
        run.claim("model-RIP on M_k²", "‖(h−z)_T‖ ≤ δ_2k ‖z‖", far, delta_2k * run.norm),
        run.claim("together", "‖z−ẑ‖ ≤ 2δ_2k ‖z‖", run.code_error, 2 * delta_2k * run.norm),
        *run.from_code_to_input(delta_2k, delta_k, "δ_k"),
    )
    return run.claim(
        "Theorem 3.3, sharper (ours)",
        "‖x̂−x‖ ≤ 2δ_2k √((1+δ_2k)/(1−δ_k)) ‖x‖",
        run.error,
        times(reconstruction_bound_sharp(delta_k, delta_2k), norm(run.x)),
        steps,
    )
