"""Problem set 1, the matrix (chapter 01)."""

from collections.abc import Callable

import numpy as np
from scipy.signal import correlate

from cnninv.checks.asking import Incorrect, array, ask, close, instances, number, require, title

ROUNDS = 12


def output_length(function: Callable[[int, int, int, int], int]) -> None:
    """n = (D + 2·padding − ℓ)/stride + 1 where that is a whole number of at least 1, ValueError elsewhere."""
    rng, name = instances("output_length"), title(function)
    for _ in range(ROUNDS):
        l, stride, padding, n = (
            int(rng.integers(a, b)) for a, b in [(2, 8), (1, 5), (0, 3), (2, 9)]
        )
        D = (n - 1) * stride + l - 2 * padding
        if D < 1:
            continue
        came = number(function, D, l, stride, padding)
        require(
            came == n,
            f"`{name}(D={D}, l={l}, stride={stride}, padding={padding})` is {came:g}: sliding a filter of "
            f"{l} taps over the padded signal by hand gives another count",
        )
    D, l, stride = 10, 4, 5
    try:
        came = function(D, l, stride, 0)
    except ValueError:
        return
    except Exception as error:
        raise Incorrect(
            f"`{name}(D={D}, l={l}, stride={stride}, padding=0)` raised {error!r}"
        ) from None
    raise Incorrect(
        f"`{name}(D={D}, l={l}, stride={stride}, padding=0)` returned {came!r}, but no whole number of "
        "shifts fits; the book refuses such a layer with a ValueError"
    )


def correlation_matrix(function: Callable[[np.ndarray, int, int], np.ndarray]) -> None:
    """W (Kn, MD) of 1-D filters without padding: row i·n + j is filter i at shift j, unflipped."""
    rng, name = instances("correlation_matrix"), title(function)
    for _ in range(ROUNDS):
        filters, D, stride, n = _layer(rng)
        K, M, _ = filters.shape
        W = array(function, (K * n, M * D), filters, D, stride)
        x = rng.standard_normal(M * D)
        h, came = _hidden(filters, x, stride), W @ x
        if close(came, h):
            continue
        problem = "W @ x differs from scipy.signal.correlate"
        if close(came, _hidden(filters[:, :, ::-1], x, stride)):
            problem = "your W convolves; rows of W hold the filters as they are"
        elif close(came.reshape(n, K).T.ravel(), h):
            problem = "the rows are right, but in another order than i·n + j"
        elif close(W @ x.reshape(M, D).T.ravel(), h):
            problem = "the columns are right, but in another order than m·D + p"
        raise Incorrect(
            f"`{name}`: {problem} (K, M, l = {filters.shape}, D = {D}, stride = {stride})"
        )


def back_project(function: Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]) -> None:
    """Wᵀz, tested as the adjoint: ⟨Wx, z⟩ = ⟨x, Wᵀz⟩ for fresh x."""
    rng, name = instances("back_project"), title(function)
    for _ in range(ROUNDS):
        filters, D, stride, n = _layer(rng)
        K, M, _ = filters.shape
        z, X = rng.standard_normal(K * n), rng.standard_normal((4, M * D))
        y = array(function, (M * D,), filters, z, D, stride)
        require(
            close(X @ y, [_hidden(filters, x, stride) @ z for x in X]),
            f"`{name}`: ⟨Wx, z⟩ and ⟨x, Wᵀz⟩ differ for a random x (K, M, l = {filters.shape}, D = {D}, "
            f"stride = {stride})",
        )


def unseen_entries(function: Callable[[int, int, int], list[int]]) -> None:
    """The positions of a signal that no shift of a filter reaches, ascending."""
    rng, name = instances("unseen_entries"), title(function)
    for _ in range(ROUNDS):
        l, stride, n = (int(rng.integers(a, b)) for a, b in [(1, 5), (1, 7), (2, 6)])
        D = (n - 1) * stride + l
        seen = np.zeros(D, dtype=bool)
        for start in range(0, D - l + 1, stride):
            seen[start : start + l] = True
        came = np.asarray(ask(function, D, l, stride)).ravel().tolist()
        require(
            came == np.flatnonzero(~seen).tolist(),
            f"`{name}(D={D}, l={l}, stride={stride})` is {came}: put an impulse at each place and look at Wx",
        )


def faintest_signal(function: Callable[[np.ndarray], np.ndarray]) -> None:
    """A unit vector x with the smallest ‖Wx‖."""
    rng, name = instances("faintest_signal"), title(function)
    for _ in range(ROUNDS):
        filters, D, stride, n = _layer(rng)
        K, M, _ = filters.shape
        W = np.column_stack([_hidden(filters, e, stride) for e in np.eye(M * D)])
        x = array(function, (M * D,), W)
        require(
            close(np.linalg.norm(x), 1), f"`{name}`: ‖x‖ is {np.linalg.norm(x):.3g}, expected 1"
        )
        values = np.linalg.svd(W, compute_uv=False)
        smallest = values[-1] if K * n >= M * D else 0.0
        came = float(np.linalg.norm(W @ x))
        require(
            came <= smallest + 1e-6 * values[0],
            f"`{name}`: ‖Wx‖ is {came:.3g} for a W of shape {W.shape}; there is a fainter unit vector",
        )


def fewest_filters(function: Callable[[int, int, int, int], int]) -> None:
    """The smallest K with Kn ≥ MD (Section 2.2 of the paper)."""
    rng, name = instances("fewest_filters"), title(function)
    for _ in range(ROUNDS):
        M, l, stride, n = (int(rng.integers(a, b)) for a, b in [(1, 9), (2, 6), (1, 4), (3, 12)])
        D = (n - 1) * stride + l
        came = number(function, M, D, l, stride)
        require(
            came == int(came) and came * n >= M * D and (came - 1) * n < M * D,
            f"`{name}(M={M}, D={D}, l={l}, stride={stride})` is {came:g}: compare Kn with MD for it, and for "
            "one filter less",
        )


def _layer(rng: np.random.Generator) -> tuple[np.ndarray, int, int, int]:
    """Filters (K, M, l) with K ≠ M, D, stride and n of a random small layer."""
    K, M, l, stride, n = (
        int(rng.integers(a, b)) for a, b in [(3, 6), (1, 3), (2, 5), (1, 4), (3, 7)]
    )
    return rng.standard_normal((K, M, l)), (n - 1) * stride + l, stride, n


def _hidden(filters: np.ndarray, x: np.ndarray, stride: int) -> np.ndarray:
    """Wx by SciPy's correlation."""
    signal = x.reshape(filters.shape[1], -1)
    h = [
        sum(correlate(s, w, "valid", "direct") for s, w in zip(signal, f, strict=True))
        for f in filters
    ]
    return np.concatenate([response[::stride] for response in h])
