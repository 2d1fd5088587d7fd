"""Lemmas B.1 to B.4, both sides computed (Gilbert 2017, Appendix B).

Throughout, x = Wᵀz with z in M_k on the support Π, h = Wx, ẑ = M(h, k) on the support Ω. The constants
δ_k and δ_2k are arguments: give exact ones (`model_rip_exact`) to test a statement, smaller ones to
see it fail.
"""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.statement import Statement, states
from cnninv.theorems.bounds import checked_delta, estimation_factor
from cnninv.theorems.instance import fitting, layer_instance, norm, restrict, times
from cnninv.validation import places, real_array, real_matrix


@states("Lemma B.1", "W_Ω and W_Ω W_Ωᵀ are nearly isometries")
def lemma_b1(
    W: Any, z: Any, x: Any, omega: Any, delta_k: float
) -> tuple[Statement, Statement, Statement]:
    """Lemma B.1: on the support Ω of a subspace of M_k,

        (4)  ‖W_Ω x‖ ≤ √(1+δ_k) ‖x‖      (5)  ‖W_Ω W_Ωᵀ z‖ ≤ (1+δ_k) ‖z‖
        (6)  ‖W_Ω W_Ωᵀ z‖ ≥ (1−δ_k) ‖z‖

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (len(omega),)
        A code on Ω.
    x : array, shape (M*D,)
        Any input.
    omega : array of int
        Ω.
    delta_k : float

    Returns
    -------
    (4), (5), (6) : three Statement
        (6) as (1−δ_k)‖z‖ ≤ ‖W_Ω W_Ωᵀ z‖.
    """
    W, z, x = real_matrix(W, "W"), real_array(z, "z", ndim=1), real_array(x, "x", ndim=1)
    xp = array_namespace(W=W, z=z, x=x, omega=omega)
    omega, delta_k = places(omega, "omega", W.shape[0], xp), checked_delta(delta_k, "delta_k")
    if len(z) != len(omega) or len(x) != W.shape[1]:
        raise ValueError(
            f"z has {len(z)} and x {len(x)} entries; expected |Ω| = {len(omega)} and {W.shape[1]}"
        )
    on_omega = xp.zeros(W.shape[0])
    on_omega[omega] = z
    back, size = norm((W @ (W.T @ on_omega))[omega]), norm(z)  # ‖W_Ω W_Ωᵀ z‖, ‖z‖
    above, below = (1 + delta_k) * size, (1 - delta_k) * size
    return (
        Statement(
            "Lemma B.1 (4)",
            "‖W_Ω x‖ ≤ √(1+δ_k) ‖x‖",
            norm((W @ x)[omega]),
            float(np.sqrt(1 + delta_k)) * norm(x),
            scale=norm(x),
        ),
        Statement("Lemma B.1 (5)", "‖W_Ω W_Ωᵀ z‖ ≤ (1+δ_k) ‖z‖", back, above, scale=size),
        Statement("Lemma B.1 (6)", "(1−δ_k) ‖z‖ ≤ ‖W_Ω W_Ωᵀ z‖", below, back, scale=size),
    )


@states("Lemma B.2", "what lies outside Ω leaks little into it")
def lemma_b2(W: Any, z: Any, omega: Any, delta_2k: float) -> Statement:
    """Lemma B.2: ‖W_Ω Wᵀ z|_Ωᶜ‖ ≤ δ_2k ‖z|_Ωᶜ‖ for z in M_k and any support Ω of M_k.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (K*n,)
    omega : array of int
        Ω.
    delta_2k : float

    Returns
    -------
    Statement
    """
    W, delta_2k = real_matrix(W, "W"), checked_delta(delta_2k, "delta_2k")
    omega = places(omega, "omega", W.shape[0], array_namespace(W=W, z=z, omega=omega))
    z = fitting(z, "z", W, axis=0)
    outside = z - restrict(z, omega)  # z|_Ωᶜ
    return Statement(
        "Lemma B.2",
        "‖W_Ω Wᵀ z|_Ωᶜ‖ ≤ δ_2k ‖z|_Ωᶜ‖",
        norm((W @ (W.T @ outside))[omega]),
        delta_2k * norm(outside),
        scale=norm(outside),
    )


@states("Lemma B.3", "identification: pooling finds most of z's energy")
def lemma_b3(
    W: Any, z: Any, K: int, k: int, delta_k: float, delta_2k: float, blocks: Any = None
) -> Statement:
    """Lemma B.3 (identification): the support of the pooled code misses little of z's energy.

        ‖z|_Ωᶜ‖ ≤ 2 δ_2k / (1 − δ_k) · ‖z‖,   Ω = supp M(W Wᵀ z, k)

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (K*n,)
        In M_k.
    K, k : int
    delta_k, delta_2k : float
    blocks : array of int, optional

    Returns
    -------
    Statement
        With the three steps of the proof.

    Examples
    --------
    >>> W = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> print(lemma_b3(W, np.array([0.0, 1.0]), K=2, k=1, delta_k=0.0, delta_2k=0.6))
    Lemma B.3: ‖z|_Ωᶜ‖ ≤ 2δ_2k/(1−δ_k) ‖z‖: 0 ≤ 1.2, slack 1.2, holds
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = layer_instance(W, z, K, k, blocks)
    missed = norm(run.z - restrict(run.z, run.omega))  # ‖z|_Ωᶜ‖
    extra = norm(run.h[np.setdiff1d(run.omega, run.pi)])  # ‖h_{Ω∖Π}‖
    lost = norm(run.h[np.setdiff1d(run.pi, run.omega)])  # ‖h_{Π∖Ω}‖
    steps = (
        run.claim("Ω is the best support for h", "‖h_Π∖Ω‖ ≤ ‖h_Ω∖Π‖", lost, extra),
        run.claim("by Lemma B.2", "‖h_Ω∖Π‖ ≤ δ_2k ‖z‖", extra, delta_2k * run.norm),
        run.claim(
            "by (6) and Lemma B.2",
            "(1−δ_k) ‖z|_Ωᶜ‖ − δ_2k ‖z‖ ≤ ‖h_Π∖Ω‖",
            (1 - delta_k) * missed - delta_2k * run.norm,
            lost,
        ),
    )
    factor = 2 * delta_2k / (1 - delta_k) if delta_k < 1 else np.inf
    bound = times(factor, run.norm)
    return run.claim("Lemma B.3", "‖z|_Ωᶜ‖ ≤ 2δ_2k/(1−δ_k) ‖z‖", missed, bound, steps)


@states("Lemma B.4", "estimation: the pooled code is near z")
def lemma_b4(
    W: Any, z: Any, K: int, k: int, delta_k: float, delta_2k: float, blocks: Any = None
) -> Statement:
    """Lemma B.4 (estimation): ‖z − ẑ‖ ≤ 5 δ_2k / (1 − δ_k) · ‖z‖ with ẑ = M(W Wᵀ z, k).

    Parameters and return value as in `lemma_b3`; the steps are those of the printed chain. The paper's first
    display bounds σ_max from below where the proof needs σ_min: ‖I − W_Ω W_Ωᵀ‖ ≤ δ_k is the step used.
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = layer_instance(W, z, K, k, blocks)
    inside = restrict(run.z, run.omega)  # z|_Ω
    outside = run.z - inside  # z|_Ωᶜ
    defect = inside[run.omega] - run.hidden(inside, run.omega)  # (I − W_Ω W_Ωᵀ) z|_Ω
    leak = norm(run.hidden(outside, run.omega))  # ‖W_Ω Wᵀ z|_Ωᶜ‖
    missed = norm(outside)
    unrounded = times(estimation_factor(delta_k, delta_2k), run.norm)
    factor = 5 * delta_2k / (1 - delta_k) if delta_k < 1 else np.inf
    steps = (
        run.claim(
            "triangle inequality",
            "‖z−ẑ‖ ≤ ‖z|_Ωᶜ‖ + ‖(I−W_ΩW_Ωᵀ)z|_Ω‖ + ‖W_ΩWᵀz|_Ωᶜ‖",
            run.code_error,
            missed + norm(defect) + leak,
        ),
        run.claim(
            "model-RIP", "‖(I−W_ΩW_Ωᵀ)z|_Ω‖ ≤ δ_k ‖z|_Ω‖", norm(defect), delta_k * norm(inside)
        ),
        run.claim("by Lemma B.2", "‖W_ΩWᵀz|_Ωᶜ‖ ≤ δ_2k ‖z|_Ωᶜ‖", leak, delta_2k * missed),
        run.claim(
            "by Lemma B.3",
            "‖z−ẑ‖ ≤ ((1+δ_2k)·2δ_2k/(1−δ_k) + δ_k) ‖z‖",
            run.code_error,
            unrounded,
        ),
    )
    bound = times(factor, run.norm)
    return run.claim("Lemma B.4", "‖z−ẑ‖ ≤ 5δ_2k/(1−δ_k) ‖z‖", run.code_error, bound, steps)
