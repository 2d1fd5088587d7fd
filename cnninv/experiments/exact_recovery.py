"""Which codes more iterations of Algorithm 1 recover exactly (Gilbert 2017, §2.3, footnote 4)."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np

from cnninv.backend import to_device, to_host
from cnninv.conv import conv_matrix
from cnninv.filters import random_filters
from cnninv.iht import iht
from cnninv.model import sample_code
from cnninv.projection import model_project, sparse_project
from cnninv.statement import states
from cnninv.sweep import sweep
from cnninv.validation import generator, whole_number

# Figure 2's layer: 96 filters of length 5 on signals of length 32; M is what varies
K, LENGTH, D = 96, 5, 32
RESIDUAL = 1e-4
"""A recovered code has the right support and a relative residual below this."""


@states("Footnote 4", "which codes more iterations recover exactly")
def recover(
    k: int,
    channels: int,
    rng: np.random.Generator,
    K: int = K,
    D: int = D,
    length: int = LENGTH,
    codes: int = 10,
    iterations: int = 60,
    step: float | str = 1.0,
    structured: bool = True,
    filters: Callable[[int, int, int, np.random.Generator], np.ndarray] = random_filters,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Run Algorithm 1 on x = Wᵀz for one drawn layer W and several drawn codes z in M_k.

    Parameters
    ----------
    k, channels : int
        Non-zeros of a code; M.
    rng : numpy.random.Generator
    K, D, length : int
        Filters, signal length, l.
    codes : int
        Codes drawn for the layer.
    iterations, step
        As in `iht`.
    structured : bool
        Project on M_k, or on all k-sparse codes (same k).
    filters : callable
        Draws the filters from (K, M, l, rng), shape (K, M, l).
    device : str
        As in `cnninv.backend.to_device`.

    Returns
    -------
    recovered : ndarray of bool, shape (codes,)
        Support found and residual below 1e-4.
    error : ndarray, shape (iterations done + 1, codes)
        ‖x − Wᵀẑ_i‖/‖x‖ for i = 0, 1, …

    Examples
    --------
    >>> recovered, error = recover(k=1, channels=32, rng=np.random.default_rng(0), K=8, D=12, codes=4)
    >>> recovered
    array([ True,  True,  True,  True])
    """
    rng, codes = generator(rng), whole_number(codes, "codes", low=1)
    W = conv_matrix(to_device(filters(K, channels, length, rng), device), D)
    z = to_device(sample_code(K, W.shape[0] // K, k, rng, batch=codes), device)
    z_hat, history = iht(
        W.T,
        W.T @ z,
        (lambda b: model_project(b, K, k)) if structured else (lambda b: sparse_project(b, k)),
        iterations,
        step,
        tol=RESIDUAL / 100,  # so that a small entry of z can still enter the support
    )
    error, same = to_host(history["residual"]), to_host(((z_hat != 0) == (z != 0)).all(axis=0))
    return same & (error[-1] < RESIDUAL), error


def phase_diagram(
    ks: Sequence[int],
    channels: Sequence[int],
    rng: np.random.Generator,
    layers: int = 4,
    progress: Callable[[Any], Any] = iter,
    executor: Executor | None = None,
    **options: Any,
) -> np.ndarray:
    """Share of codes that Algorithm 1 recovers exactly, for each k and each number of channels M.

    Each cell draws from its own stream, named by (k, M): its value depends neither on the order in which
    the cells are computed nor on which others there are.

    Parameters
    ----------
    ks : sequence of int
        Non-zeros of a code, between 0 and K.
    channels : sequence of int
        Values of M; a filter has M·length weights.
    rng : numpy.random.Generator
        One number is taken from it, for all cells.
    layers : int
        Layers drawn for each cell.
    progress : callable
        Wraps the list of cells, for a progress bar.
    executor : concurrent.futures.Executor, optional
        Where the cells are computed, as in `cnninv.sweep.sweep`; none is this process.
    **options
        Of `recover`: K, D, length, codes, iterations, step, structured, filters, device.

    Returns
    -------
    rates : ndarray, shape (len(ks), len(channels))

    Examples
    --------
    >>> phase_diagram([1, 8], [1, 32], np.random.default_rng(0), K=8, D=12, layers=2, codes=2)
    array([[0.25, 1.  ],
           [0.  , 1.  ]])
    """
    cells = diagram_cells(ks, channels, rng)
    task = partial(cell_rate, layers=whole_number(layers, "layers", low=1), **options)
    rates = sweep(task, cells, executor, "phase diagram", progress)
    return np.reshape(rates, (len(ks), len(channels)))


def diagram_cells(
    ks: Sequence[int], channels: Sequence[int], rng: np.random.Generator
) -> list[tuple[int, int, np.random.SeedSequence]]:
    """k, M and the random stream of each cell."""
    ks = [whole_number(k, "ks", low=0) for k in ks]
    channels = [whole_number(M, "channels", low=1) for M in channels]
    root = int(generator(rng).integers(2**63))
    return [(k, M, np.random.SeedSequence(root, spawn_key=(k, M))) for k in ks for M in channels]


def cell_rate(cell: tuple[int, int, np.random.SeedSequence], layers: int, **options: Any) -> float:
    """Share of recovered codes in one cell."""
    k, M, stream = cell
    layer_streams = map(np.random.default_rng, stream.spawn(layers))
    return float(np.mean([recover(k, M, rng, **options)[0] for rng in layer_streams]))


def half_size(rates: np.ndarray, sizes: Sequence[float]) -> np.ndarray:
    """The size at which each row of success rates first reaches 1/2, interpolated in log(size).

    Parameters
    ----------
    rates : array, shape (rows, len(sizes))
    sizes : sequence of float, increasing

    Returns
    -------
    ndarray, shape (rows,)
        NaN where no rate reaches 1/2; the first size where the first already does.

    Examples
    --------
    >>> half_size([[0.0, 1.0], [1.0, 1.0], [0.0, 0.25]], [10, 40]).round(9)
    array([20., 10., nan])
    """
    rates, log_sizes = np.asarray(rates, dtype=float), np.log(sizes)
    half = np.full(len(rates), np.nan)
    for i, rate in enumerate(rates):
        if (rate >= 0.5).any():
            j = int(np.argmax(rate >= 0.5))
            share = 0.0 if j == 0 else (0.5 - rate[j - 1]) / (rate[j] - rate[j - 1])
            log_size = log_sizes[j] - (1 - share) * (log_sizes[j] - log_sizes[j - 1] if j else 0)
            half[i] = np.exp(log_size)
    return half
