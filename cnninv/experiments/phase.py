"""Footnote 4: what more iterations of Algorithm 1 recover, as a phase diagram (Gilbert 2017, §2.3)."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import to_device, to_host
from cnninv.conv import conv_matrix
from cnninv.experiments.base import Context, Experiment, Outcome, row
from cnninv.filters import random_filters
from cnninv.iht import iht
from cnninv.model import model_project, sample_code, sparse_project
from cnninv.statement import states
from cnninv.sweep import sweep
from cnninv.validation import generator, whole_number

# Figure 2's layer: 96 filters of length 5 on signals of length 32; M is what varies
K, LENGTH, D = 96, 5, 32
FIGURE_2 = {"channels": 32, "k": 10}
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
    cells = _cells(ks, channels, rng)
    task = partial(_rate, layers=whole_number(layers, "layers", low=1), **options)
    rates = sweep(task, cells, executor, "phase diagram", progress)
    return np.reshape(rates, (len(ks), len(channels)))


def _cells(
    ks: Sequence[int], channels: Sequence[int], rng: np.random.Generator
) -> list[tuple[int, int, np.random.SeedSequence]]:
    """k, M and the random stream of each cell."""
    ks = [whole_number(k, "ks", low=0) for k in ks]
    channels = [whole_number(M, "channels", low=1) for M in channels]
    root = int(generator(rng).integers(2**63))
    return [(k, M, np.random.SeedSequence(root, spawn_key=(k, M))) for k in ks for M in channels]


def _rate(cell: tuple[int, int, np.random.SeedSequence], layers: int, **options: Any) -> float:
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


LAYERS = 20
"""At Figure 2's size; one a seed."""
STEPS = {"step 1": (1.0, 60), "step 1/‖W‖²": ("norm", 300)}
"""Step and most iterations."""


@dataclass(frozen=True)
class Size:
    """What one scale computes."""

    ks: tuple[int, ...]
    channels: tuple[int, ...]
    layers: int
    """For each cell of the diagram."""
    codes: int
    """For each of them."""
    codes_at_figure_2: int
    diagrams: tuple[str, ...]


SIZES = {
    "quick": Size((1, 3, 10, 30, 96), (4, 8, 16, 32, 64), 2, 4, 1, ("step 1",)),
    "paper": Size(
        ks=(1, 2, 3, 5, 10, 16, 30, 50, 96),
        channels=(2, 4, 6, 8, 12, 16, 24, 32, 48, 64),
        layers=20,
        codes=5,
        codes_at_figure_2=20,
        diagrams=("step 1", "step 1/‖W‖²"),
    ),
}


def run(context: Context) -> Outcome:
    """Errors and success rates at Figure 2's size, and the phase diagram."""
    size = SIZES[context.scale]
    for_diagrams, *streams = context.streams(1 + LAYERS)
    seeds = [rng.integers(2**63) for rng in streams]
    root = for_diagrams.integers(2**63)
    rows = []
    for name, (step, iterations) in STEPS.items():
        solve = {"iterations": iterations, "step": step, "device": context.device}
        at_figure_2 = partial(_at_figure_2, codes=size.codes_at_figure_2, **solve)
        rows += _rows(name, context.sweep(at_figure_2, seeds, f"phase at Figure 2, {name}"))
    diagrams = {}
    for name in size.diagrams:
        step, iterations = STEPS[name]
        solve = {"iterations": iterations, "step": step, "device": context.device}
        # the same layers and codes for both steps
        cells = _cells(size.ks, size.channels, np.random.default_rng(root))
        task = partial(_rate, layers=size.layers, codes=size.codes, **solve)
        rates = context.sweep(task, cells, f"phase, {name}")
        diagrams[name] = np.reshape(rates, (len(size.ks), len(size.channels)))
        rows += _cell_rows(name, size, diagrams[name])
    lengths = [M * LENGTH for M in size.channels]
    return Outcome(rows, draw(size.ks, lengths, diagrams))


def _at_figure_2(seed: int, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    return recover(**FIGURE_2, rng=np.random.default_rng(seed), **options)


def _rows(name: str, samples: list[tuple[np.ndarray, np.ndarray]]) -> list:
    where = f"M_10 at Figure 2's size, {name}; mean over codes, one layer a seed"

    def error(i: int) -> np.ndarray:
        # a run that has reached the tolerance stays there
        return np.array([e[min(i, len(e) - 1)].mean() for _, e in samples])

    rows = [
        row(f"footnote 4 ‖x̂−x‖/‖x‖, iteration {i}", where, None, error(i))
        for i in (1, 2, 5, 10, 20, 50)
    ]
    rows.append(
        row(
            "footnote 4 more iterations can improve: error of the 20th over that of the 1st",
            where,
            (0.0, 1.0),
            error(20) / error(1),
        )
    )
    success = [recovered.mean() for recovered, _ in samples]
    return [*rows, row("footnote 4 codes recovered exactly", where, None, success)]


def _cell_rows(name: str, size: Size, rates: np.ndarray) -> list:
    drawn = f"{name}; {size.layers} layers of {size.codes} codes"
    return [
        row(f"phase k = {k}, Mℓ = {M * LENGTH}, codes recovered", drawn, None, rates[i, j])
        for i, k in enumerate(size.ks)
        for j, M in enumerate(size.channels)
    ]


def draw(ks: Sequence[int], sizes: Sequence[int], diagrams: dict[str, np.ndarray]) -> Any:
    """Success rates as images, k against Mℓ, one panel for each entry of `diagrams`.

    Parameters
    ----------
    ks, sizes : sequence of int
    diagrams : dict of str to ndarray, shape (len(ks), len(sizes))
        Title and success rates.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(
        1,
        len(diagrams),
        figsize=(0.8 + 3.9 * len(diagrams), 3.4),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axis, (name, rates) in zip(axes[0], diagrams.items(), strict=True):
        image = axis.imshow(rates, origin="lower", cmap="viridis", vmin=0, vmax=1, aspect="auto")
        half = np.interp(np.log(half_size(rates, sizes)), np.log(sizes), np.arange(len(sizes)))
        axis.plot(half, np.arange(len(ks)), color="black", linewidth=3.5)
        axis.plot(half, np.arange(len(ks)), "o-", color="white", markersize=3.5, linewidth=1.5)
        axis.set(
            title=name,
            xlabel="Mℓ, weights of a filter",
            xticks=np.arange(len(sizes)),
            xticklabels=sizes,
            yticks=np.arange(len(ks)),
            yticklabels=ks,
        )
        axis.tick_params(axis="x", labelrotation=60 if len(sizes) > 8 else 0)
    axes[0, 0].set_ylabel("k, non-zeros of the code")
    figure.colorbar(image, ax=axes[0], label="codes recovered exactly", ticks=[0, 0.5, 1])
    return figure


EXPERIMENT = Experiment(
    name="phase",
    paper_item="Footnote 4",
    title="more iterations of Algorithm 1: exact recovery against k and Mℓ (§2.3)",
    run=run,
    claims=("footnote 4",),
    gpu=True,
)
