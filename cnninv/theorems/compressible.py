"""Theorem 3.3 with noise on x and codes that are compressible rather than sparse. Ours.

Baraniuk et al. 2010, §V, treat compressible signals with a hypothesis of its own, the restricted amplification
property. Here the code is cut into pieces of M_k, largest first, and the model-RIP of each piece does (Candès
2008, for k-sparse codes).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.blocks import block_labels
from cnninv.projection import model_project
from cnninv.statement import Statement, states
from cnninv.theorems.best_constant import GOLDEN
from cnninv.theorems.bounds import checked_delta
from cnninv.theorems.instance import code_in_model, fitting, norm
from cnninv.validation import real_array, real_matrix, whole_number


def peel(z: Any, K: int, k: int, blocks: Any = None) -> Any:
    """z as a sum of pieces of M_k, each the best approximation of what the ones before leave.

    Parameters
    ----------
    z : array, shape (K*n,)
    K : int
    k : int
        At least 1.
    blocks : array of int, optional

    Returns
    -------
    array, shape (pieces, K*n)
        Row 0 is z_k = M(z, k); no row is zero but that of z = 0. Their norms do not grow.

    Examples
    --------
    >>> peel([3.0, -4.0, 1.0, 0.0], K=2, k=1)
    array([[ 0., -4.,  0.,  0.],
           [ 3.,  0.,  0.,  0.],
           [ 0.,  0.,  1.,  0.]])
    """
    z, k = real_array(z, "z", ndim=1), whole_number(k, "k", low=1)
    block_labels(len(z), K, blocks)
    xp, rest, pieces = array_namespace(z), z, []
    while not pieces or bool(rest.any()):
        pieces.append(model_project(rest, K, k, blocks))
        rest = rest - pieces[-1]
    return xp.stack(pieces)


@dataclass(frozen=True)
class _Noisy:
    """x = Wᵀz + e seen as Wᵀz_k + u, and what is known of ‖u‖."""

    W: Any
    z_k: Any
    x: Any
    u: Any
    noise: float
    """‖e‖"""
    tail: float
    """Σ_{j≥2} ‖z^(j)‖"""


def _noisy(W: Any, z: Any, K: int, k: int, noise: Any, blocks: Any) -> _Noisy:
    W = real_matrix(W, "W")
    xp = array_namespace(W=W, z=z, blocks=blocks)
    z = fitting(z, "z", W, axis=0)
    noise = xp.zeros(W.shape[1]) if noise is None else fitting(noise, "noise", W, axis=1)
    pieces = peel(z, K, k, blocks)
    tail = float(sum(norm(piece) for piece in pieces[1:]))
    u = W.T @ (z - pieces[0]) + noise
    return _Noisy(W, pieces[0], W.T @ pieces[0] + u, u, norm(noise), tail)


@states("Theorem 3.3, noise and compressible codes (ours)", "stable in the noise and in the tail")
def theorem_3_3_noisy(
    W: Any,
    z: Any,
    K: int,
    k: int,
    delta_k: float,
    delta_2k: float,
    noise: Any = None,
    blocks: Any = None,
) -> Statement:
    """Ours: for x = Wᵀz + e with any z and e, z_k = M(z, k) and z = z_k + z^(2) + z^(3) + … cut by `peel`,

        ‖x̂ − x‖ ≤ φ δ_2k √(1+δ_2k) ‖z_k‖ + (1 + φ(1+δ_2k)) (‖e‖ + √(1+δ_k) Σ_{j≥2} ‖z^(j)‖)

    With u = Wᵀ(z − z_k) + e the layer sees x = Wᵀz_k + u. On T = supp ẑ ∪ supp z_k, a support of M_k²,

        ‖(h − z_k)_T‖ ≤ ‖(W_T W_Tᵀ − I) z_k‖ + ‖W_T u‖ ≤ δ_2k ‖z_k‖ + √(1+δ_2k) ‖u‖,

    and pooling gives ‖ẑ − z_k‖ ≤ φ ‖(h − z_k)_T‖ whatever h is (`theorem_3_3_golden`). Then
    ‖x̂ − x‖ ≤ √(1+δ_2k) ‖ẑ − z_k‖ + ‖u‖, and each piece of the tail is in M_k: ‖Wᵀz^(j)‖ ≤ √(1+δ_k) ‖z^(j)‖.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (K*n,)
        Any code.
    K, k : int
    delta_k, delta_2k : float
    noise : array, shape (M*D,), optional
        e.
    blocks : array of int, optional

    Returns
    -------
    Statement
        With the steps of the proof. For z in M_k and no noise, `theorem_3_3_golden` before its last step.
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    run = _noisy(W, z, K, k, noise, blocks)
    h = run.W @ run.x
    z_hat = model_project(h, K, k, blocks)
    T = np.union1d(np.flatnonzero(z_hat), np.flatnonzero(run.z_k))
    size, u, far = norm(run.z_k), norm(run.u), norm((h - run.z_k)[T])
    code_error, error = norm(z_hat - run.z_k), norm(run.W.T @ z_hat - run.x)
    wide, disturbance = np.sqrt(1 + delta_2k), run.noise + np.sqrt(1 + delta_k) * run.tail
    claim = partial(Statement, scale=size + u)
    steps = (
        claim("each piece is in M_k", "‖u‖ ≤ ‖e‖ + √(1+δ_k) Σ ‖z⁽ʲ⁾‖", u, disturbance),
        claim("model-RIP on M_k²", "‖(h−z_k)_T‖ ≤ δ_2k ‖z_k‖ + √(1+δ_2k) ‖u‖", far,
              delta_2k * size + wide * u),
        claim("golden ratio", "‖ẑ−z_k‖ ≤ φ ‖(h−z_k)_T‖", code_error, GOLDEN * far),
        claim("model-RIP on M_k²", "‖x̂−x‖ ≤ √(1+δ_2k) ‖ẑ−z_k‖ + ‖u‖", error, wide * code_error + u),
    )  # fmt: skip
    bound = GOLDEN * delta_2k * wide * size + (1 + GOLDEN * (1 + delta_2k)) * disturbance
    return claim(
        "Theorem 3.3, noise and compressible codes (ours)",
        "‖x̂−x‖ ≤ φδ_2k √(1+δ_2k) ‖z_k‖ + (1+φ(1+δ_2k)) (‖e‖ + √(1+δ_k) Σ ‖z⁽ʲ⁾‖)",
        error,
        float(bound),
        steps,
    )


@states("Algorithm 1, contraction with noise (ours)", "each iteration shrinks the error by φδ_3k")
def iht_contraction_noisy(
    W: Any,
    z: Any,
    z_hat: Any,
    K: int,
    k: int,
    delta_2k: float,
    delta_3k: float,
    noise: Any = None,
    blocks: Any = None,
) -> Statement:
    """Ours: one iteration of Algorithm 1, x = Wᵀz + e = Wᵀz_k + u with any z and e:

        ‖ẑ' − z_k‖ ≤ φ (δ_3k ‖ẑ − z_k‖ + √(1+δ_2k) ‖u‖),     ẑ' = M(ẑ + W(x − Wᵀẑ), k)

    The golden ratio replaces the 2 of `iht_contraction` by the argument of `theorem_3_3_golden`, with
    b − z_k = (I − WWᵀ)(ẑ − z_k) + Wu on T = supp ẑ' ∪ supp z_k. For φ δ_3k < 1 the iterates end within
    φ√(1+δ_2k)/(1−φδ_3k) ‖u‖ of z_k: δ_3k < 0.618 is enough. From ẑ = 0, δ_2k does in the place of δ_3k.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    z : array, shape (K*n,)
        Any code.
    z_hat : array, shape (K*n,)
        The iterate before, in M_k.
    K, k : int
    delta_2k, delta_3k : float
    noise : array, shape (M*D,), optional
    blocks : array of int, optional

    Returns
    -------
    Statement
        With the steps of the proof.
    """
    delta_2k, delta_3k = checked_delta(delta_2k, "delta_2k"), checked_delta(delta_3k, "delta_3k")
    run = _noisy(W, z, K, k, noise, blocks)
    z_hat = code_in_model(z_hat, "z_hat", run.W, K, k, blocks)
    b = z_hat + run.W @ (run.x - run.W.T @ z_hat)  # b = ẑ + W(x − Wᵀẑ)
    following = model_project(b, K, k, blocks)
    T = np.union1d(np.flatnonzero(following), np.flatnonzero(run.z_k))
    before, after, u = norm(z_hat - run.z_k), norm(following - run.z_k), norm(run.u)
    far = norm((b - run.z_k)[T])
    bound = delta_3k * before + np.sqrt(1 + delta_2k) * u
    claim = partial(Statement, scale=norm(run.z_k) + norm(z_hat) + u)
    steps = (
        claim("golden ratio", "‖ẑ'−z_k‖ ≤ φ ‖(b−z_k)_T‖", after, GOLDEN * far),
        claim("model-RIP", "‖(b−z_k)_T‖ ≤ δ_3k ‖ẑ−z_k‖ + √(1+δ_2k) ‖u‖", far, float(bound)),
    )
    return claim(
        "Algorithm 1, contraction with noise (ours)",
        "‖ẑ'−z_k‖ ≤ φ (δ_3k ‖ẑ−z_k‖ + √(1+δ_2k) ‖u‖)",
        after,
        float(GOLDEN * bound),
        steps,
    )
