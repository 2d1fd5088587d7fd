"""Problem set 3, projection, pooling and iterative hard thresholding (chapter 03)."""

from collections.abc import Callable

import numpy as np

from cnninv.checks.asking import array, close, instances, number, require, title
from cnninv.model import in_model, sample_code
from cnninv.projection import model_project

ROUNDS = 10


def project(function: Callable[[np.ndarray, int, int], np.ndarray]) -> None:
    """M(h, k): no code in M_k is nearer to h."""
    rng, name = instances("project"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(3, 7)), int(rng.integers(2, 6))
        k = int(rng.integers(2, K))
        h = rng.standard_normal(K * n)
        z_hat = array(function, h.shape, h, K, k)
        kept = z_hat != 0
        require(
            in_model(z_hat, K, k),
            f"`{name}`: M(h, {k}) has {kept.sum()} non-zeros, {kept.reshape(K, n).sum(axis=1).tolist()} in the "
            f"blocks; at most one in each, {k} in all",
        )
        require(close(z_hat[kept], h[kept]), f"`{name}`: the entries that are kept have changed")
        best, came = (float(np.sum((h - z) ** 2)) for z in (model_project(h, K, k), z_hat))
        require(
            came <= best * (1 + 1e-12),
            f"`{name}`: ‖h − ẑ‖² is {came:.4f}, but another code of M_k reaches {best:.4f} "
            f"(K = {K}, n = {n}, k = {k})",
        )


def iteration(
    function: Callable[[np.ndarray, np.ndarray, np.ndarray, int, int, float], np.ndarray],
) -> None:
    """One iteration of Algorithm 1, from ẑ to M(ẑ + t·W(x − Wᵀẑ), k)."""
    rng, name = instances("iteration"), title(function)
    for turn in range(ROUNDS):
        K, n = int(rng.integers(3, 6)), int(rng.integers(2, 5))
        k = int(rng.integers(1, K))
        W = rng.standard_normal((K * n, K * n + 5)) / np.sqrt(K * n)
        x = W.T @ sample_code(K, n, k, rng)
        z = np.zeros(K * n) if turn == 0 else sample_code(K, n, k, rng)
        step = float(rng.uniform(0.3, 1.0))
        came = array(function, z.shape, W, x, z, K, k, step)
        want = model_project(z + step * (W @ (x - W.T @ z)), K, k)
        start = "zero" if turn == 0 else "a random code"
        require(
            in_model(came, K, k), f"`{name}`: the new ẑ is not in M_k (K = {K}, n = {n}, k = {k})"
        )
        require(
            close(came, want), f"`{name}`: the new ẑ differs, started from {start}, step {step:.2f}"
        )


def safe_step(function: Callable[[np.ndarray], float]) -> None:
    """The largest step that makes no residual of IHT grow for sure, 1/‖W‖²."""
    rng, name = instances("safe_step"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(3, 6)), int(rng.integers(2, 6))
        W = rng.standard_normal((K * n, K * n - 2)) * rng.uniform(0.2, 5)
        came = number(function, W)
        largest = came * np.linalg.norm(W, 2) ** 2
        x, z, residuals = rng.standard_normal(W.shape[1]), np.zeros(K * n), []
        for _ in range(40):
            residuals.append(float(np.linalg.norm(x - W.T @ z)))
            z = model_project(z + came * (W @ (x - W.T @ z)), K, K)
            if residuals[-1] > 100 * residuals[0]:
                break
        require(
            largest <= 1 + 1e-9,
            f"`{name}`: the step {came:.3g} is too long for this W of shape {W.shape}; residuals of IHT on K "
            f"= {K} blocks go {', '.join(f'{r:.3g}' for r in residuals[:5])}, ...",
        )
        require(
            largest >= 1 - 1e-6,
            f"`{name}`: the step {came:.3g} is safe, but shorter than need be by a factor {largest:.3g}",
        )


def wrong_order(function: Callable[[int, int, int], np.ndarray]) -> None:
    """A counterexample: h for which keeping the k largest entries and pooling after that is not M(h, k)."""
    rng, name = instances("wrong_order"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(2, 7)), int(rng.integers(2, 6))
        k = int(rng.integers(2, K + 1))
        h = array(function, (K * n,), K, n, k)
        sizes = np.sort(abs(h))[::-1]
        require(
            (np.diff(sizes) < 0).all(),
            f"`{name}`: two entries of h are of the same size; make all |h_j| different, so that nothing "
            "hangs on ties",
        )
        entries = np.where(abs(h) >= sizes[k - 1], h, 0)
        require(
            not close(model_project(entries, K, k), model_project(h, K, k)),
            f"`{name}(K={K}, n={n}, k={k})`: both orders give the same code for your h",
        )


def needed_k(function: Callable[[np.ndarray, np.ndarray, int], int]) -> None:
    """The smallest k' with which 100 iterations of IHT bring ‖x − Wᵀẑ‖ below ‖x‖/1000."""
    rng, name = instances("needed_k"), title(function)
    for _ in range(ROUNDS // 2):
        K, n = int(rng.integers(4, 8)), int(rng.integers(2, 4))
        k = int(rng.integers(2, K))
        Q, _ = np.linalg.qr(rng.standard_normal((K * n, K * n)))
        W = Q * np.sqrt(rng.uniform(0.7, 1.0, K * n))[:, None]
        z = sample_code(K, n, k, rng)
        z[z != 0] += 0.3 * np.sign(z[z != 0])
        came = number(function, W, W.T @ z, K)
        require(
            came == k,
            f"`{name}` is {came:g} for an x made of {k} rows of W (K = {K}, n = {n})",
        )
