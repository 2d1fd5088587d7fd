"""Problem set 4, random filters (chapter 04)."""

from collections.abc import Callable

import numpy as np

from cnninv.checks.asking import array, close, instances, number, require, title
from cnninv.conv import conv_matrix
from cnninv.model import in_model
from cnninv.rip import model_rip_exact
from cnninv.theorems import output_covariance

ROUNDS = 6


def draw_filters(function: Callable[[int, int, int, np.random.Generator], np.ndarray]) -> None:
    """Independent Gaussian filters (K, M, l) whose rows have unit squared norm in expectation."""
    rng, name = instances("draw_filters"), title(function)
    for _ in range(ROUNDS):
        K, M, l = (int(rng.integers(a, b)) for a, b in [(2, 5), (10, 20), (3, 9)])
        draws = np.array([array(function, (K, M, l), K, M, l, rng) for _ in range(60)])
        energies = np.sum(draws**2, axis=(2, 3)).ravel()
        error = energies.std(ddof=1) / np.sqrt(energies.size)
        require(
            abs(energies.mean() - 1) <= 6 * error and error < 0.1,
            f"`{name}(K={K}, M={M}, l={l})`: the squared norm of a filter is {energies.mean():.3g} on average "
            f"over {energies.size} filters; Theorem 3.1 asks for 1",
        )
        standard = draws.ravel() * np.sqrt(M * l)
        require(
            energies.std() > 0 and abs(np.mean(standard**4) - 3) < 0.5,
            f"`{name}`: the weights are not independent and Gaussian",
        )


def delta(function: Callable[[np.ndarray, int, int], float]) -> None:
    """δ_k of Wᵀ on M_k, by enumeration of all supports with one entry in each of k blocks."""
    rng, name = instances("delta"), title(function)
    for turn in range(ROUNDS):
        K, n = int(rng.integers(3, 5)), int(rng.integers(2, 4))
        k = int(rng.integers(2, K))
        filters = rng.standard_normal((K, 6, 2)) / np.sqrt(12)
        W = conv_matrix(filters, n + 1).toarray() * (0.5, 1.0, 1.5)[turn % 3]
        # two shifts of a filter that are alike: no code of M_k has both
        W[1] = W[0] + 0.1 * W[1]
        came, want = number(function, W, K, k), model_rip_exact(W, K, k)
        # with these factors the smallest, either, or the largest eigenvalue decides
        side = ("smallest", "largest or smallest", "largest")[turn % 3]
        require(
            close(came, want, 1e-6),
            f"`{name}` is {came:.4f} for a W of {K} blocks of {n} and k = {k}, where the {side} "
            f"‖Wᵀz‖²/‖z‖² on M_k decides; {'too large' if came > want else 'too small'}",
        )


def one_sparse_variance(function: Callable[[int, int], float]) -> None:
    """The variance of ‖Wᵀz‖² over random filters for a code z of one entry 1."""
    rng, name = instances("one_sparse_variance"), title(function)
    for _ in range(ROUNDS):
        M, l = int(rng.integers(1, 12)), int(rng.integers(2, 8))
        came = number(function, M, l)
        draws = rng.chisquare(M * l, 200_000) / (M * l)
        require(
            abs(draws.var() / came - 1) < 0.1 if came > 0 else False,
            f"`{name}(M={M}, l={l})` is {came:.4g}; over {draws.size} random filters it is {draws.var():.4f}",
        )


def dependent_code(function: Callable[[int, int], np.ndarray]) -> None:
    """A counterexample to the independence in Corollary 3.2: a unit code of M_2² for which the variance of
    ‖Wᵀz‖² is at least 1.2 times that of any code of M_2, and no block but one is in use."""
    rng, name = instances("dependent_code"), title(function)
    for _ in range(ROUNDS):
        K, n, l = int(rng.integers(3, 6)), int(rng.integers(3, 7)), int(rng.integers(3, 7))
        z = array(function, (K * n,), K, n)
        require(
            close(np.linalg.norm(z), 1), f"`{name}`: ‖z‖ is {np.linalg.norm(z):.3g}, expected 1"
        )
        require(
            in_model(z, K, 2, sums=2),
            f"`{name}`: z is no sum of two codes of M_2: at most two non-zeros in a block, four in all",
        )
        covariance = output_covariance(z, K, l, n + l - 1)
        # the variance of ‖y‖² is 2 tr Σ²/M, and 2/(Mℓ) for one entry, the most on M_k
        growth = float(np.sum(covariance**2) * l)
        require(
            growth >= 1.2,
            f"`{name}`: the variance of ‖Wᵀz‖² is {growth:.2f} times that of a code of one entry (K = {K}, "
            f"n = {n}, l = {l}); codes of M_2² with weights in common reach more",
        )


def exponent(function: Callable[[np.ndarray, np.ndarray], float]) -> None:
    """The exponent p of δ ≈ c·Mᵖ by least squares in the logarithms."""
    rng, name = instances("exponent"), title(function)
    for _ in range(ROUNDS):
        M = np.sort(rng.choice(np.arange(2, 400), 8, replace=False)).astype(float)
        p, c = float(rng.uniform(-1.5, 1.5)), float(rng.uniform(0.1, 5))
        measured = c * M**p * np.exp(0.1 * rng.standard_normal(M.size))
        want = np.polyfit(np.log(M), np.log(measured), 1)[0]
        came = number(function, M, measured)
        require(
            close(came, want, 1e-6),
            f"`{name}` is {came:.4f} for data drawn about c·M^{p:.3f}; the least-squares line in the "
            "logarithms has another slope",
        )
