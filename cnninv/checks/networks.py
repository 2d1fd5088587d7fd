"""Problem set 6, the project on a real network (chapters 08 to 10)."""

from collections.abc import Callable

import numpy as np

from cnninv.checks.asking import array, close, instances, number, require, title
from cnninv.coherence import coherence as book_coherence
from cnninv.conv import conv_matrix
from cnninv.pooling import max_pool, unpool

ROUNDS = 8


def coherence(function: Callable[[np.ndarray], float]) -> None:
    """The largest |⟨w_i, w_j⟩| over pairs of different filters, scaled to unit norm."""
    rng, name = instances("coherence"), title(function)
    for turn in range(ROUNDS):
        filters = rng.standard_normal(
            tuple(int(rng.integers(a, b)) for a, b in [(3, 6), (2, 4), (2, 4), (2, 4)])
        )
        if turn % 2:
            filters[1] = 0.2 * rng.standard_normal(filters[0].shape) - filters[0]
        filters *= rng.uniform(0.2, 5, (len(filters), 1, 1, 1))
        came, want = number(function, filters), book_coherence(filters)
        message = f"`{name}` is {came:.4f} for filters of shape {filters.shape}"
        if close(came, book_coherence(filters, signed=True)) and not close(came, want):
            message += "; two filters that are nearly opposite are as much alike as two that are nearly equal"
        elif came > 1 + 1e-9:
            message += "; for vectors of unit norm it never exceeds 1"
        require(close(came, want, 1e-7), message)


def negative_partners(function: Callable[[np.ndarray], float]) -> None:
    """The mean over filters of the largest −⟨w_i, w_j⟩, j ≠ i, of unit-normalised filters."""
    rng, name = instances("negative_partners"), title(function)
    for turn in range(ROUNDS):
        filters = rng.standard_normal((int(rng.integers(4, 9)), 2, 3, 3))
        if turn % 2:
            filters[: len(filters) // 2] = -1.7 * filters[-(len(filters) // 2) :]
        unit = filters.reshape(len(filters), -1)
        unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        gram = -(unit @ unit.T)
        np.fill_diagonal(gram, -np.inf)
        came = number(function, filters)
        require(
            close(came, gram.max(axis=1).mean(), 1e-7),
            f"`{name}` is {came:.4f} for {len(filters)} filters, of which "
            f"{2 * (len(filters) // 2) if turn % 2 else 0} have an exact negative",
        )


def nonzero_percentage(function: Callable[[np.ndarray], float]) -> None:
    """Percentage of non-zeros that ReLU leaves of the responses h."""
    rng, name = instances("nonzero_percentage"), title(function)
    for _ in range(ROUNDS):
        h = rng.standard_normal(tuple(rng.integers(2, 9, 3))) + rng.uniform(-1.5, 0.3)
        came = number(function, h)
        require(
            close(came, 100 * np.mean(h > 0), 1e-9),
            f"`{name}` is {came:.2f} for responses of which {np.sum(h > 0)} of {h.size} are positive",
        )


def reconstruct(
    function: Callable[[np.ndarray, np.ndarray, tuple[int, int, int], int], np.ndarray],
) -> None:
    """x̂ = WᵀM(Wx): one entry, the largest |h_j|, in each window of each channel, put back at its place."""
    rng, name = instances("reconstruct"), title(function)
    for _ in range(ROUNDS):
        filters = rng.standard_normal((int(rng.integers(2, 5)), 2, 3, 3)) / 4
        side = 2 * int(rng.integers(2, 4))
        W = conv_matrix(filters, (side + 2, side + 2))
        shape, x = (len(filters), side, side), rng.standard_normal(W.shape[1])
        code = unpool(*max_pool(W @ x, shape, 2), shape, 2)
        x_hat = array(function, x.shape, W, x, shape, 2)
        message = (
            f"`{name}`: your x̂ is not Wᵀ of the pooled and unpooled code (shape {shape}, window 2)"
        )
        if close(x_hat, W.T @ unpool(*max_pool(W @ x, shape, 2, by="value"), shape, 2)):
            message += "; you pool the largest h_j, the model keeps the largest |h_j|"
        elif close(x_hat, W.T @ unpool(*max_pool(W @ x, shape, 2), shape, 2, how="naive")):
            message += "; the values went back to the first entry of each window"
        require(close(x_hat, W.T @ code), message)


def scaled_error(function: Callable[[np.ndarray, np.ndarray], float]) -> None:
    """‖x̂‖ brought to ‖x‖, then ‖x̂ − x‖/‖x‖, as in Table 4."""
    rng, name = instances("scaled_error"), title(function)
    for _ in range(ROUNDS):
        x = rng.standard_normal(int(rng.integers(5, 40)))
        x_hat = (x + rng.uniform(0.1, 2) * rng.standard_normal(x.size)) * rng.uniform(0.1, 9)
        norm = np.linalg.norm
        want = norm(x_hat * norm(x) / norm(x_hat) - x) / norm(x)
        came = number(function, x, x_hat)
        require(
            close(came, want),
            f"`{name}` is {came:.4f}; after scaling to equal norm it is √(2 − 2 cos θ), and your vectors have "
            f"cos θ = {x @ x_hat / norm(x) / norm(x_hat):.4f}",
        )


def layer_errors(
    function: Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[float, float]],
) -> None:
    """(learned, random): scaled errors of x̂ = WᵀM(Wx) through given filters, and through Gaussian ones of
    the same shape; "same" padding, windows of 2 × 2."""
    rng, name = instances("layer_errors"), title(function)
    for _ in range(ROUNDS // 2):
        filters = rng.standard_normal((int(rng.integers(4, 8)), 3, 3, 3))
        filters[1::2] *= 0.1
        h = np.maximum(rng.standard_normal((3, 6, 6)), 0)
        learned, random = array(function, (2,), filters, h, rng)
        again = array(function, (2,), filters, h, rng)
        want = _error(filters, h)
        draws = [_error(rng.standard_normal(filters.shape), h) for _ in range(200)]
        require(
            close(learned, want, 1e-6),
            f"`{name}`: the first number is {learned:.4f}, for filters of shape {filters.shape}",
        )
        require(
            random != again[1],
            f"`{name}`: the second number is {random:.4f} each time, although random filters change",
        )
        require(
            min(draws) * 0.8 <= random <= max(draws) * 1.2,
            f"`{name}`: the second number is {random:.4f}; 200 draws of random filters of shape "
            f"{filters.shape} give {min(draws):.3f} to {max(draws):.3f}",
        )


def _error(filters: np.ndarray, h: np.ndarray) -> float:
    """The scaled error of one layer."""
    W, x = conv_matrix(filters, h.shape[1:], padding="same"), h.ravel()
    shape = (len(filters), *h.shape[1:])
    x_hat = W.T @ unpool(*max_pool(W @ x, shape, 2), shape, 2)
    cosine = x @ x_hat / np.linalg.norm(x) / np.linalg.norm(x_hat)
    return float(np.sqrt(2 - 2 * cosine))
