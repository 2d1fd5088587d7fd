"""Problem set 5, the chain of lemmas of Appendix B (chapter 05)."""

from collections.abc import Callable

import numpy as np

from cnninv.checks.asking import array, close, instances, number, require, title
from cnninv.conv import conv_matrix
from cnninv.filters import random_filters
from cnninv.model import in_model, sample_code
from cnninv.pooling import max_pool, unpool
from cnninv.projection import model_project
from cnninv.rip import model_rip_exact
from cnninv.theorems import reconstruction_bound

ROUNDS = 8


def missed_share(function: Callable[[np.ndarray, np.ndarray, int, int], float]) -> None:
    """Left side of Lemma B.3: ‖z|_Ωᶜ‖/‖z‖, Ω the support of M(Wx, k) for x = Wᵀz."""
    rng, name = instances("missed_share"), title(function)
    for _ in range(ROUNDS):
        W, K, n = _layer(rng, 4)
        k = int(rng.integers(2, K))
        z = sample_code(K, n, k, rng)
        z_hat = model_project(W @ (W.T @ z), K, k)
        want = np.linalg.norm(z[z_hat == 0]) / np.linalg.norm(z)
        came = number(function, W, z, K, k)
        require(
            abs(came - want) < 1e-9,
            f"`{name}` is {came:.4f} for a layer of {K} blocks of {n} and k = {k}: which entries of z lie "
            "outside of the support of ẑ, and what is their norm beside ‖z‖?",
        )


def factor(function: Callable[[float, float], float]) -> None:
    """The factor of Theorem 3.3, as printed."""
    rng, name = instances("factor"), title(function)
    for _ in range(ROUNDS):
        small, large = sorted(float(d) for d in rng.uniform(0.01, 0.9, 2))
        came, want = number(function, small, large), reconstruction_bound(small, large)
        require(
            close(came, want),
            f"`{name}(delta_k={small:.3f}, delta_2k={large:.3f})` is {came:.4f}; go through the last three "
            "lines of the proof with these numbers",
        )


def largest_useful(function: Callable[[Callable[[float], float]], float]) -> None:
    """The δ at which an increasing factor of δ = δ_k = δ_2k reaches 1, within 1e-6."""
    rng, name = instances("largest_useful"), title(function)
    for _ in range(ROUNDS):
        root, power = float(rng.uniform(0.02, 0.9)), float(rng.uniform(0.5, 3))

        def rising(delta: float, root: float = root, power: float = power) -> float:
            return (delta / root) ** power

        came = number(function, rising)
        require(
            abs(came - root) < 1e-6,
            f"`{name}` is {came:.7f} for a factor that is {rising(came):.6f} there",
        )


def worst_code(function: Callable[[np.ndarray, int, int], np.ndarray]) -> None:
    """A unit code of M_k that attains δ_k: |‖Wᵀz‖² − 1| = δ_k."""
    rng, name = instances("worst_code"), title(function)
    for turn in range(ROUNDS):
        W, K, n = _layer(rng, 3)
        W, k = W * (0.6, 1.0, 1.4)[turn % 3], 2
        z = array(function, (K * n,), W, K, k)
        require(
            close(np.linalg.norm(z), 1), f"`{name}`: ‖z‖ is {np.linalg.norm(z):.3g}, expected 1"
        )
        require(in_model(z, K, k), f"`{name}`: z is not in M_{k} ({K} blocks of {n})")
        came, want = abs(np.sum((W.T @ z) ** 2) - 1), model_rip_exact(W, K, k)
        require(
            came >= want - 1e-7,
            f"`{name}`: |‖Wᵀz‖² − 1| is {came:.4f}, another code of M_{k} reaches {want:.4f} ({K} blocks of "
            f"{n})",
        )


def misled_code(function: Callable[[int, int], np.ndarray]) -> None:
    """A counterexample to "any upsampling": a one-sparse code that a layer with orthonormal rows recovers
    exactly with known switches, and misses by more than ‖x‖ with naive upsampling."""
    rng, name = instances("misled_code"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(2, 6)), int(rng.integers(2, 6))
        W = np.linalg.qr(rng.standard_normal((K * n, K * n)))[0]
        z = array(function, (K * n,), K, n)
        require(np.count_nonzero(z) == 1, f"`{name}`: z has {np.count_nonzero(z)} non-zeros, not 1")
        x = W.T @ z
        # the other blocks pool rounding errors of 1e-16
        values, switches = max_pool(W @ x, (K, n), n)
        naive = W.T @ unpool(values, switches, (K, n), n, how="naive")
        error = np.linalg.norm(naive - x) / np.linalg.norm(x)
        require(
            error > 1,
            f"`{name}`: naive upsampling errs by {error:.3f}‖x‖ for your code (K = {K}, n = {n})",
        )


def _layer(rng: np.random.Generator, K: int) -> tuple[np.ndarray, int, int]:
    """A dense random layer of K blocks, K and n."""
    l, n = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    W = conv_matrix(random_filters(K, int(rng.integers(8, 20)), l, rng), n + l - 1)
    return W.toarray(), K, n
