"""‖Wᵀz‖/‖z‖ of a layer: of codes drawn, of codes searched for, and of codes recovered (Gilbert 2017, §4.4)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, to_device, to_host
from cnninv.filters import normalize_filters, random_filters
from cnninv.fourier import FourierConv
from cnninv.iht import operator_norm
from cnninv.lasso import lambda_max
from cnninv.model import sample_code
from cnninv.operator import ConvOperator
from cnninv.pooling import pooling_regions
from cnninv.projection import model_project
from cnninv.recovery import recover_code
from cnninv.statement import states

D, SIZE, WINDOW = 15, 3, 2
SHARES = {"conv(5,2)": 0.206, "conv(5,1)": 0.239}
"""Non-zeros of a code: §4.4's caption takes conv(5,2)'s share in Table 2, its text conv(5,1)'s."""
SEARCH = 100
"""Iterations of the search for an extreme code."""


@dataclass(frozen=True)
class Drawing:
    """Codes to be drawn for one layer."""

    filters: np.ndarray | tuple[int, int]
    """Filters, or K and M for random ones."""
    codes: int
    rng: np.random.Generator


@dataclass(frozen=True)
class Seen:
    """Activations to be explained by the codes of one layer."""

    filters: np.ndarray
    x: np.ndarray
    """Shape (M*D², patches)."""
    fractions: tuple[float, ...]
    """λ/λ_max, from large to small."""
    tol: float
    iterations: int


@dataclass(frozen=True)
class Recovered:
    """What Algorithm 2 finds, one number for each activation."""

    ratio: np.ndarray
    """‖Wᵀz‖/‖z‖."""
    error: np.ndarray
    """‖x − Wᵀz‖/‖x‖."""
    share: np.ndarray
    """Non-zeros of z."""
    gap: np.ndarray
    """The larger of the certified gaps of lines 1 and 3, over ‖x‖²."""
    iterations: np.ndarray
    """Of lines 1 and 3 together."""


def layer(filters: Any, D: int = D) -> FourierConv:
    """W of unit filters with zero padding, in single precision."""
    return FourierConv(normalize_filters(filters).astype(np.float32), (D, D), padding="same")


def row_lengths(W: Any) -> Any:
    """‖W_i‖ of each row, below 1 where padding cuts the filter: the squared filters over an input of ones."""
    squares = ConvOperator(W.filters**2, W.layer.input_shape, padding="same")
    return np.sqrt(squares @ array_namespace(W).ones(W.shape[1], W.dtype))


def regions(W: Any) -> np.ndarray:
    """The 2 × 2 pooling regions of each channel, partial ones at two of its borders."""
    return pooling_regions((W.layer.K, *W.layer.positions), WINDOW)


def synthetic(W: Any, share: float, codes: int, rng: np.random.Generator) -> dict[str, Any]:
    """‖Wᵀz‖/‖z‖ of random codes, one non-zero at most per channel and 2 × 2 region, values U[-1, 1].

    Parameters
    ----------
    W : operator
        A layer as `layer` makes it.
    share : float
        Non-zeros of the K*n entries.
    codes : int
    rng : numpy.random.Generator

    Returns
    -------
    dict of arrays, shape (codes,)
        ``zero padding``: W as it is; ``unit rows``: every row of W scaled to unit norm.
    """
    K, k = W.layer.K, round(share * W.shape[0])
    z = sample_code(K, W.shape[0] // K, k, rng, regions(W), codes).astype(W.dtype)
    z = array_namespace(W).asarray(z)
    unit = z / row_lengths(W)[:, None]
    length = norms(z)
    return {"zero padding": norms(W.T @ z) / length, "unit rows": norms(W.T @ unit) / length}


def extreme(
    W: Any, share: float, rng: np.random.Generator, iterations: int = SEARCH, largest: bool = True
) -> float:
    """The largest or smallest ‖Wᵀz‖/‖z‖ that truncated power iterations find in the model.

        z ← M(W Wᵀ z, k), or z ← M(‖W‖² z − W Wᵀ z, k)

    A certified end of what δ_k must allow, for one code has it; the other end is not known.

    Parameters
    ----------
    W, share
        As in `synthetic`.
    rng : numpy.random.Generator
        For the code to start from.
    iterations : int
    largest : bool

    Returns
    -------
    float
    """
    K, k, blocks = W.layer.K, round(share * W.shape[0]), regions(W)
    xp, z = array_namespace(W), sample_code(K, W.shape[0] // K, k, rng, blocks).astype(W.dtype)
    z, blocks = xp.asarray(z), xp.asarray(blocks)
    most = W.dtype.type(operator_norm(W) ** 2)
    best = 0.0 if largest else np.inf
    for _ in range(iterations):
        z /= np.linalg.norm(z)
        x = W.T @ z
        best = (max if largest else min)(best, float(np.linalg.norm(x)))
        z = model_project(W @ x if largest else most * z - W @ x, K, k, blocks)
    return best


@states("Figure 3", "‖Wᵀz‖/‖z‖ of the code that Algorithm 2 recovers from an activation")
def recovered_ratio(
    W: Any,
    x: Any,
    fraction: float,
    tol: float = 1e-3,
    iterations: int = 3000,
    norm: float | None = None,
    start: Any = None,
) -> tuple[Recovered, Any]:
    """Algorithm 2 with λ = fraction · λ_max on each activation (Figures 3 (b) and (c)).

    Parameters
    ----------
    W : operator
        A layer with `layer` and `@`, such as `ConvOperator` or `FourierConv`.
    x : array, shape (M*D²,) or (M*D², patches)
    fraction : float
        λ/λ_max, for each patch.
    tol, iterations, norm, start
        As in `recover_code`.

    Returns
    -------
    found : Recovered
    z_init : array
        Of line 1: a start for a smaller λ.
    """
    x = x.reshape(len(x), -1)
    shape, lam = (W.layer.K, *W.layer.positions), fraction * lambda_max(W, x)
    z, history = recover_code(W, x, lam, shape, WINDOW, tol, iterations, norm, start)
    init, final = history["init"], history["final"]
    fit, energy = W.T @ z, norms(x)
    found = Recovered(
        ratio=norms(fit) / norms(z),
        error=norms(x - fit) / energy,
        share=(z != 0).mean(axis=0),
        gap=np.maximum(init["gap"][-1], final["gap"][-1]) / energy**2,
        iterations=init["iterations"] + final["iterations"],
    )
    return found, history["z_init"]


def draw_codes(task: Drawing, device: str = "cpu") -> dict[str, dict[str, np.ndarray]]:
    """`synthetic` for both sparsities."""
    W, found = _drawn(task, device), {}
    for source, share in SHARES.items():
        ratios = synthetic(W, share, task.codes, task.rng)
        found[source] = {scaling: to_host(values) for scaling, values in ratios.items()}
    return found


def search_codes(task: Drawing, device: str = "cpu") -> tuple[float, float]:
    """The smallest and the largest ratio that a search finds, at conv(5,2)'s sparsity."""
    W, share = _drawn(task, device), SHARES["conv(5,2)"]
    return extreme(W, share, task.rng, largest=False), extreme(W, share, task.rng)


def _drawn(task: Drawing, device: str) -> FourierConv:
    """The layer of a task, its filters drawn if they are not given."""
    filters = task.filters
    if isinstance(filters, tuple):
        filters = random_filters(*filters, (SIZE, SIZE), task.rng)
    return layer(to_device(filters, device))


def recover(task: Seen, device: str = "cpu") -> list[dict[str, np.ndarray]]:
    """`recovered_ratio` along the λ, as dicts."""
    filters, x = to_device(task.filters, device), to_device(task.x, device)
    W = layer(filters, round((len(x) / filters.shape[1]) ** 0.5))
    norm, start, path = operator_norm(W), None, []
    for fraction in task.fractions:
        found, start = recovered_ratio(W, x, fraction, task.tol, task.iterations, norm, start)
        path.append({name: to_host(values) for name, values in vars(found).items()})
    return path


def norms(columns: Any) -> Any:
    """The 2-norm of each column, summed in double precision."""
    return np.linalg.norm(columns.astype(float, copy=False), axis=0)
