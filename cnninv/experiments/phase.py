"""Footnote 4: what more iterations of Algorithm 1 recover, as a phase diagram (Gilbert 2017, §2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.experiments.base import Context, Experiment, Outcome, row
from cnninv.experiments.exact_recovery import (
    LENGTH,
    cell_rate,
    diagram_cells,
    half_size,
    recover,
)

FIGURE_2 = {"channels": 32, "k": 10}
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
        cells = diagram_cells(size.ks, size.channels, np.random.default_rng(root))
        task = partial(cell_rate, layers=size.layers, codes=size.codes, **solve)
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
