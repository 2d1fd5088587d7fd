"""Theorem 3.3 from the constant δ_k alone: pooling keeps the most energy. Ours (Gilbert 2017, §3.3).

The proof never asks whether pooling finds the right support. It asks how much of ‖x‖ the filters it keeps
take up.
"""

from typing import Any

import numpy as np

from cnninv.statement import Statement, states
from cnninv.theorems.bounds import checked_delta
from cnninv.theorems.instance import layer_instance, norm, times


@states("Theorem 3.3, by energy (ours)", "a factor below 1 for every δ_k below 1")
def theorem_3_3_energy(
    W: Any, z: Any, K: int, k: int, delta_k: float, blocks: Any = None
) -> tuple[Statement, Statement]:
    """Ours: x̂ is nearer to x than 0 is whenever δ_k < 1, and so is x̂/(1+δ_k), by more:

        ‖x̂ − x‖ ≤ √(δ_k (2−δ_k)) ‖x‖,     ‖x̂/(1+δ_k) − x‖ ≤ √(2δ_k/(1+δ_k)) ‖x‖

    No δ_2k enters. With x̂ = W_Ωᵀ h_Ω and ⟨x, W_Ωᵀ h_Ω⟩ = ‖h_Ω‖²,

        ‖x̂ − x‖² = ‖x‖² − 2‖h_Ω‖² + ‖W_Ωᵀ h_Ω‖² ≤ ‖x‖² − (1−δ_k) ‖h_Ω‖²,

    pooling keeps the support of the most energy, ‖h_Ω‖ ≥ ‖h_Π‖, and x = W_Πᵀ z gives ‖h_Π‖² ≥ (1−δ_k) ‖x‖². The
    first factor is attained for every δ_k in (0, 1) by rows in two blocks of two (chapter 11).

    Parameters as in `lemma_b3`, without δ_2k.

    Returns
    -------
    unscaled, scaled : two Statement
        The first with the steps of the proof.

    Examples
    --------
    >>> W = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> print(theorem_3_3_energy(W, np.array([0.0, 1.0]), K=2, k=1, delta_k=0.0)[0])
    Theorem 3.3, by energy (ours): ‖x̂−x‖ ≤ √(δ_k(2−δ_k)) ‖x‖: 0 ≤ 0, slack 0, holds
    """
    delta_k = checked_delta(delta_k, "delta_k")
    run = layer_instance(W, z, K, k, blocks)
    x_hat, size = run.synthesize(run.z_hat), norm(run.x)
    kept, wanted = norm(run.h[run.omega]), norm(run.h[run.pi])
    scaled = norm(x_hat / (1 + delta_k) - run.x)
    below = max(0.0, 1 - delta_k)
    steps = (
        run.claim("Ω is the best support for h", "‖h_Π‖ ≤ ‖h_Ω‖", wanted, kept),
        run.claim("model-RIP", "√(1−δ_k) ‖x‖ ≤ ‖h_Π‖", np.sqrt(below) * size, wanted),
        run.claim(
            "model-RIP", "‖W_Ωᵀh_Ω‖ ≤ √(1+δ_k) ‖h_Ω‖", norm(x_hat), np.sqrt(1 + delta_k) * kept
        ),
    )
    label = "Theorem 3.3, by energy (ours)"
    factor = reconstruction_bound_energy(delta_k)
    narrow = float(np.sqrt(2 * delta_k / (1 + delta_k))) if delta_k <= 1 else np.inf
    return (
        run.claim(label, "‖x̂−x‖ ≤ √(δ_k(2−δ_k)) ‖x‖", run.error, times(factor, size), steps),
        run.claim(label, "‖x̂/(1+δ_k)−x‖ ≤ √(2δ_k/(1+δ_k)) ‖x‖", scaled, times(narrow, size)),
    )


def reconstruction_bound_energy(delta_k: float) -> float:
    """The factor √(δ_k (2−δ_k)) = √(1 − (1−δ_k)²), below 1 iff δ_k is; inf iff δ_k > 1.

    Examples
    --------
    >>> round(reconstruction_bound_energy(0.5), 3)
    0.866
    """
    delta_k = checked_delta(delta_k, "delta_k")
    return float(np.sqrt(delta_k * (2 - delta_k))) if delta_k <= 1 else float("inf")
