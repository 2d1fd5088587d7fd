"""Theorem 3.1 and Corollary 3.2 measured: δ against M, ℓ, D and k (Gilbert 2017, §3.2, Appendix A).

Solved for δ, the theorem's hypothesis Mℓ²/D ≥ C/δ² (k(log K + log n) − log ε) reads

    δ ∝ M^(−1/2) ℓ^(−1) D^(1/2) k^(1/2).

Here δ is exact, on random layers small enough to enumerate, with K and n fixed and D as free as in
the theorem: the n shifts are spread over the input by the stride t = (D − ℓ)/(n − 1).
"""

from functools import partial
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import to_device
from cnninv.conv import conv_matrix
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.filters import random_filters
from cnninv.plots import COLOURS
from cnninv.rip import model_rip_exact
from cnninv.theorems.random_filters import guaranteed_delta
from cnninv.validation import real_array, whole_number

K, SHIFTS, SPARSITY = 4, 3, 2
LENGTHS = (4, 8, 16, 32)
WIDE_K, WIDE_SHIFTS, SPARSITIES = 12, 2, (1, 2, 3, 4)
EPSILON = 0.01
PAPER = {"M": -0.5, "ℓ": -1.0, "D": 0.5}


def spread_layer(
    K: int, M: int, length: int, D: int, n: int, rng: np.random.Generator, device: str = "cpu"
) -> Any:
    """W of a random layer with n shifts that reach from one end of the input to the other.

    The stride is t = (D − ℓ)/(n − 1), so that D can grow while n, ℓ and M stay.

    Parameters
    ----------
    K, M, length, D : int
        Filters, channels, ℓ, input length.
    n : int
        Shifts, at least 2; n − 1 must divide D − ℓ.
    rng : numpy.random.Generator
    device : str
        As in `cnninv.backend.to_device`.

    Raises
    ------
    ValueError
        If no stride gives n shifts.

    Examples
    --------
    >>> spread_layer(3, 2, 4, 20, 5, np.random.default_rng(0)).shape
    (15, 40)
    """
    n, length = whole_number(n, "n", low=2), whole_number(length, "length", low=1)
    D = whole_number(D, "D", low=length)
    stride, rest = divmod(D - length, n - 1)
    if rest or not stride:
        raise ValueError(
            f"D − ℓ = {D} − {length} must be a positive multiple of n − 1 = {n - 1} for n = {n} shifts"
        )
    return conv_matrix(to_device(random_filters(K, M, length, rng), device), D, stride)


def fit_exponents(sizes: Any, deltas: Any) -> np.ndarray:
    """The exponents e of δ ≈ c · Π sizes^e, by least squares on the logarithms.

    Parameters
    ----------
    sizes : array, shape (layers, quantities)
        For example M, ℓ, D of each layer.
    deltas : array, shape (layers,)

    Returns
    -------
    ndarray, shape (quantities,)

    Examples
    --------
    >>> sizes = np.array([[1, 1], [4, 1], [1, 4], [4, 4]])
    >>> fit_exponents(sizes, [1.0, 0.5, 1.0, 0.5]).round(6) + 0.0
    array([-0.5,  0. ])
    """
    sizes, deltas = real_array(sizes, "sizes", ndim=2), real_array(deltas, "deltas", ndim=1)
    if len(sizes) != len(deltas) or not (sizes > 0).all() or not (deltas > 0).all():
        raise ValueError(
            f"sizes {sizes.shape} and deltas {deltas.shape} must be positive, one row per layer"
        )
    design = np.column_stack([np.ones(len(sizes)), np.log(sizes)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(
            f"sizes of {len(sizes)} layers do not vary independently; no fit is unique"
        )
    return np.linalg.lstsq(design, np.log(deltas), rcond=None)[0][1:]


def scatter(scale: Any, deltas: Any) -> float:
    """Standard deviation of log δ + ½ log(scale): 0 if δ = c/√scale for all layers.

    Parameters
    ----------
    scale, deltas : arrays, shape (layers,)
    """
    scale, deltas = real_array(scale, "scale", ndim=1), real_array(deltas, "deltas", ndim=1)
    return float(np.std(np.log(deltas) + np.log(scale) / 2))


def run(context: Context) -> Outcome:
    """Exact δ over a grid of M, ℓ, D; exponents fitted seed by seed."""
    seeds, draws = context.pick((20, 2), (100, 5))
    channels, inputs = context.pick(
        ((8, 64, 512), (36, 84, 192)), ((8, 32, 128, 512), (36, 48, 64, 96, 128, 192))
    )
    sizes = np.array(list(product(channels, LENGTHS, inputs)))
    task = partial(_measure, sizes=sizes, draws=draws, device=context.device)
    measured = context.sweep(task, context.streams(seeds), "theorem31")
    first, second, by_sparsity = map(np.array, zip(*measured, strict=True))
    rows = [
        *_rows("Theorem 3.1", "δ_k", sizes, first, sums=1),
        _sparsity_row(by_sparsity),
        *_rows("Corollary 3.2", "δ_2k", sizes, second, sums=2),
    ]
    return Outcome(rows, draw(sizes, first))


def _measure(
    rng: np.random.Generator, sizes: np.ndarray, draws: int, device: str
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Of one seed, over its draws: mean δ_k and δ_2k for each size, and mean δ_k for each k."""
    pairs = [_deltas(sizes, rng, device) for _ in range(draws)]
    first, second = np.exp(np.mean(np.log(pairs), axis=0))
    wide = [spread_layer(WIDE_K, 64, 8, 12, WIDE_SHIFTS, rng, device) for _ in range(draws)]
    by_sparsity = [
        float(np.mean([model_rip_exact(W, WIDE_K, k) for W in wide])) for k in SPARSITIES
    ]
    return first, second, by_sparsity


def _deltas(sizes: np.ndarray, rng: np.random.Generator, device: str) -> list[list[float]]:
    """Exact δ_k and δ_2k of one layer of each size."""
    layers = [spread_layer(K, *map(int, size), SHIFTS, rng, device) for size in sizes]
    return [[model_rip_exact(W, K, SPARSITY, sums) for W in layers] for sums in (1, 2)]


def _rows(label: str, name: str, sizes: np.ndarray, deltas: np.ndarray, sums: int) -> list[Row]:
    M, length, D = sizes.T
    convention = (
        f"exact {name}, k = {SPARSITY}, K = {K}, n = {SHIFTS}; least squares in log M, log ℓ, log D"
    )
    reason = "the hypothesis is sufficient, not necessary: ‖a‖² ≤ D‖a‖²_∞ loses a factor D/ℓ"
    fitted = np.array([fit_exponents(sizes, values) for values in deltas])
    where = {
        "M": "exponent of M",
        "ℓ": "exponent of ℓ at fixed M and D",
        "D": "exponent of D at fixed Mℓ",
    }
    promise = np.array(
        [guaranteed_delta(int(m), int(l), K, SHIFTS, SPARSITY, EPSILON, sums) for m, l, _ in sizes]
    )
    return [
        *(
            row(f"{label} {where[size]}", convention, PAPER[size], fitted[:, column], reason)
            for column, size in enumerate(PAPER)
        ),
        row(
            f"{label} scatter at equal Mℓ²/D",
            f"standard deviation of log({name} √(Mℓ²/D)) over the layers",
            None,
            [scatter(M * length**2 / D, values) for values in deltas],
        ),
        row(
            f"{label} scatter at equal Mℓ",
            f"standard deviation of log({name} √(Mℓ)) over the layers",
            None,
            [scatter(M * length, values) for values in deltas],
        ),
        row(
            f"{label} (ours) guarantee over {name}",
            f"geometric mean over the layers; the guarantee holds with probability {1 - EPSILON}",
            None,
            np.exp(np.mean(np.log(promise / deltas), axis=1)),
        ),
        row(
            f"{label} (ours) layers over the guarantee",
            f"share of the layers whose {name} exceeds it; at most {EPSILON} expected",
            None,
            (deltas > promise).mean(axis=1),
        ),
    ]


def _sparsity_row(by_sparsity: np.ndarray) -> Row:
    k = np.array(SPARSITIES)[:, None]
    return row(
        "Theorem 3.1 exponent of k",
        f"exact δ_k, k = {SPARSITIES[0]} … {SPARSITIES[-1]}, K = {WIDE_K}, n = {WIDE_SHIFTS}, M = 64, ℓ = 8",
        0.5,
        [fit_exponents(k, values)[0] for values in by_sparsity],
        "k(log K + log n) counts the supports as if they had nothing in common",
    )


def draw(sizes: np.ndarray, deltas: np.ndarray) -> Any:
    """Median δ_k of each layer size against Mℓ²/D and against Mℓ, with the guarantee.

    Parameters
    ----------
    sizes : array, shape (layers, 3)
        M, ℓ, D.
    deltas : array, shape (seeds, layers)

    Returns
    -------
    matplotlib.figure.Figure
    """
    M, length, D = sizes.T
    median = np.median(deltas, axis=0)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
    panels = [(M * length**2 / D, "$M\\ell^2/D$, the theorem's scale"), (M * length, "$M\\ell$")]
    for axis, (scale, label) in zip(axes, panels, strict=True):
        for value, colour in zip(np.unique(length), COLOURS, strict=False):
            chosen = length == value
            axis.loglog(
                scale[chosen], median[chosen], "o", color=colour, ms=4, label=f"$\\ell={value}$"
            )
        axis.set(xlabel=label)
    axes[0].set_ylabel(rf"median $\delta_{SPARSITY}$")
    ends = np.array([(M * length).min(), (M * length).max()])
    grid = np.geomspace(*ends, 20)
    promise = [guaranteed_delta(int(s), 1, K, SHIFTS, SPARSITY, EPSILON) for s in grid]
    axes[1].loglog(grid, promise, color="0.4", lw=1)
    axes[1].text(grid[9], promise[9] * 1.15, "our guarantee", color="0.4")
    axes[0].legend(fontsize=8, title="all $D$", title_fontsize=8)
    return figure


EXPERIMENT = Experiment(
    name="theorem31",
    paper_item="Theorem 3.1",
    title="how the model-RIP constant scales with M, ℓ, D and k (§3.2, Appendix A)",
    run=run,
    claims=("Theorem 3.1", "Corollary 3.2"),
    gpu=True,
)
