"""Problem set 2, positive and negative pairs (chapter 02)."""

from collections.abc import Callable

import numpy as np

from cnninv.checks.asking import array, ask, close, instances, number, require, title
from cnninv.conv import conv_matrix
from cnninv.crelu import crelu as book_crelu
from cnninv.crelu import psi_matrix
from cnninv.model import in_model

ROUNDS = 10


def crelu(function: Callable[[np.ndarray], np.ndarray]) -> None:
    """CReLU of h: the positive parts, then the negative parts, both counted positive."""
    rng, name = instances("crelu"), title(function)
    for _ in range(ROUNDS):
        h = rng.standard_normal(int(rng.integers(3, 20)))
        units = array(function, (2 * h.size,), h)
        require(
            not (units < 0).any(),
            f"`{name}`: a unit is {units.min():.3g}; what a ReLU returns is never negative",
        )
        require(
            close(units[: h.size] - units[h.size :], h),
            f"`{name}`: the first half minus the second half of the units is not h",
        )
        require(close(units, book_crelu(h)), f"`{name}`: both units of a pair are at work at once")


def paired_filters(function: Callable[[np.ndarray], np.ndarray]) -> None:
    """2K filters whose ReLU responses are CReLU's units for the K given ones."""
    rng, name = instances("paired_filters"), title(function)
    for _ in range(ROUNDS):
        K, M, l = (int(rng.integers(a, b)) for a, b in [(2, 6), (1, 4), (2, 6)])
        filters, D = rng.standard_normal((K, M, l)), l + 4
        both = array(function, (2 * K, M, l), filters)
        x = rng.standard_normal(M * D)
        units = np.maximum(conv_matrix(both, D) @ x, 0)
        require(
            close(units, book_crelu(conv_matrix(filters, D) @ x)),
            f"`{name}`: ReLU of your 2K = {2 * K} filters' responses is not CReLU of the K filters' responses",
        )


def decode_pairs(function: Callable[[np.ndarray, float, np.ndarray], np.ndarray]) -> None:
    """x from CReLU's units where WᵀW = rI (Proposition 1)."""
    rng, name = instances("decode_pairs"), title(function)
    for _ in range(ROUNDS):
        W, r = _tight(rng)
        x = rng.standard_normal(W.shape[1])
        x_hat = array(function, x.shape, W, r, book_crelu(W @ x))
        ratio = float(x_hat @ x / (x @ x))
        problem = "your x̂ is not x"
        if close(x_hat, ratio * x):
            problem = f"your x̂ is {ratio:.3g} times x"
        require(close(x_hat, x), f"`{name}`: {problem} (W of shape {W.shape}, r = {r:.3g})")


def decode_leaky(
    function: Callable[[np.ndarray, float, np.ndarray, float], np.ndarray],
) -> None:
    """x from max(h, a·h), h = Wx, where WᵀW = rI and 0 < a < 1."""
    rng, name = instances("decode_leaky"), title(function)
    for _ in range(ROUNDS):
        W, r = _tight(rng)
        a = float(rng.uniform(0.05, 0.9))
        x = rng.standard_normal(W.shape[1])
        h = W @ x
        x_hat = array(function, x.shape, W, r, np.maximum(h, a * h), a)
        error = np.linalg.norm(x_hat - x) / np.linalg.norm(x)
        require(error < 1e-8, f"`{name}`: relative error {error:.2g} for a = {a:.2f}, r = {r:.3g}")


def vanishing_code(function: Callable[[int, int], np.ndarray]) -> None:
    """A counterexample: z ≠ 0 in M_2 over the 2K blocks of Ψ = [Wᵀ −Wᵀ] with Ψz = 0 for every W."""
    rng, name = instances("vanishing_code"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(2, 6)), int(rng.integers(2, 6))
        z = array(function, (2 * K * n,), K, n)
        require(z.any(), f"`{name}`: z is zero")
        require(
            in_model(z, 2 * K, 2),
            f"`{name}`: z is not in M_2: at most one non-zero in each of the 2K = {2 * K} blocks of n = {n}, "
            "two in all",
        )
        W = rng.standard_normal((K * n, K * n + 3))
        ratio = np.linalg.norm(psi_matrix(W) @ z) / np.linalg.norm(z)
        require(ratio < 1e-9, f"`{name}`: ‖Ψz‖/‖z‖ is {ratio:.3g} for a random W, not 0")


def pooling_agrees(function: Callable[[np.ndarray, int], bool]) -> None:
    """Whether z₊ − z₋ of pooled CReLU equals the pooled h, largest |h_j| in each of K blocks."""
    rng, name = instances("pooling_agrees"), title(function)
    for turn in range(4 * ROUNDS):
        K, n = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        h = rng.uniform(0.1, 1, (K, n))
        if turn % 4 == 0:
            h *= rng.choice([-1, 1], (K, n))
        else:
            h *= rng.choice([-1, 1], (K, 1))
        if turn % 4 == 3:
            h[rng.integers(K), rng.integers(n)] *= -1
        h *= rng.random((K, n)) < 0.9
        units = _keep_largest(book_crelu(h.ravel()).reshape(2 * K, n))
        truth = np.array_equal(units[:K] - units[K:], _keep_largest(h))
        came = ask(function, h.ravel(), K)
        require(
            bool(came) == truth,
            f"`{name}` says {bool(came)} for the blocks {np.round(h, 2).tolist()}; pool both and compare",
        )


def agreement_probability(function: Callable[[int, int], float]) -> None:
    """The probability that both poolings agree for K blocks of n entries with independent random signs."""
    rng, name = instances("agreement_probability"), title(function)
    for _ in range(ROUNDS):
        K, n = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        came, draws = number(function, K, n), 20_000
        signs = rng.choice([-1, 1], (draws, K, n))
        share = (abs(signs.sum(axis=2)) == n).all(axis=1).mean()
        error = np.sqrt(max(came * (1 - came), 1e-4) / draws) if 0 <= came <= 1 else 0.0
        require(
            abs(share - came) <= 5 * error,
            f"`{name}(K={K}, n={n})` is {came:.4g}, but {share:.4f} of {draws} random draws agree",
        )


def _tight(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """W with WᵀW = rI and r ≠ 1."""
    columns = int(rng.integers(4, 10))
    rows = columns + int(rng.integers(0, 8))
    r = float(rng.uniform(1.5, 4))
    Q, _ = np.linalg.qr(rng.standard_normal((rows, columns)))
    return np.sqrt(r) * Q, r


def _keep_largest(h: np.ndarray) -> np.ndarray:
    """The largest |h_j| of each row, at its place."""
    pooled = np.zeros_like(h)
    places = abs(h).argmax(axis=1)
    rows = np.arange(len(h))
    pooled[rows, places] = h[rows, places]
    return pooled
