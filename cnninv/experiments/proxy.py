"""What coherence says about δ_k: its bound beside certified ends, on VGG's own layers (Gilbert 2017, §4.4).

W is the smallest layer that pools: 4 × 4 inputs, 2 × 2 outputs, one pooling region for each filter, unit rows.
There δ_2 is the coherence of rows of different filters, and μ ≤ δ_k ≤ (k − 1)μ.
"""

from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import VGG16
from cnninv.backend import array_namespace, to_device
from cnninv.bracket import model_rip_bracket
from cnninv.conv import conv_matrix
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.sources import load
from cnninv.filters import normalize_filters, random_filters
from cnninv.model import sample_code
from cnninv.plots import COLOURS
from cnninv.rip import gram, model_rip_sampled

D = 4
TRIALS, STARTS = 1000, 50
QUICK_LAST, LAST = "conv1_2", "conv3_3"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
CONVENTIONS = {
    "coherence": "δ_k ≤ (k − 1)μ, μ over rows of different filters",
    "upper": "certified upper end",
    "lower": "certified lower end, found by search",
    "sampled": f"{TRIALS} random supports",
    "mean square": "root mean square of ⟨W_i, W_j⟩ over rows of different filters",
    "codes": f"standard deviation of ‖Wᵀz‖²/‖z‖² over {TRIALS} random codes",
}


def bounds(filters: Any, k: int, rng: np.random.Generator) -> dict[str, float]:
    """δ_k of the layer in four ways, and what decides how random codes spread, by the names of `CONVENTIONS`.

    Parameters
    ----------
    filters : array-like, shape (K, M, l, l)
    k : int
    rng : numpy.random.Generator
    """
    filters = normalize_filters(filters)
    K, W = len(filters), conv_matrix(filters, (D, D))
    n = W.shape[0] // K
    # M_k has no two rows of one filter
    xp, products = array_namespace(W), abs(gram(W)).reshape(K, n, K, n)
    products[xp.arange(K), :, xp.arange(K)] = 0
    pairs = K * (K - 1) * n**2
    lower, upper = model_rip_bracket(W, K, k, rng, starts=STARTS)
    z = xp.asarray(sample_code(K, n, k, rng, batch=TRIALS))
    ratios = np.sum((W.T @ z) ** 2, axis=0) / np.sum(z**2, axis=0)
    return {
        "coherence": (k - 1) * float(products.max()),
        "upper": upper,
        "lower": lower,
        "sampled": model_rip_sampled(W, K, k, rng, trials=TRIALS),
        "mean square": float(np.sqrt(float((products**2).sum()) / pairs)),
        "codes": float(ratios.std()),
    }


def run(context: Context) -> Outcome:
    """Random filters, and, with `--data`, the learned ones of the layers that are there."""
    network = load(context.data, "vgg16")
    shapes = VGG16.upto(context.pick(QUICK_LAST, LAST)).shapes
    tasks: list[tuple[str, int, str, np.random.Generator, Any]] = []
    for layer, shape in shapes.items():
        for k in context.pick((4,), (4, 16)):
            if network is not None and layer in network.convolutions:
                rng, filters = context.streams(1)[0], network.filters(layer)
                tasks.append((layer, k, "learned", rng, filters))
            # the same streams for each layer
            tasks += [(layer, k, "random", rng, shape) for rng in context.streams(LEAST_SEEDS)]
    found: dict[tuple[str, int, str], dict[str, list[float]]] = {}
    bound = partial(_bounds, device=context.device)
    for task, values in zip(tasks, context.sweep(bound, tasks, "δ_k by layer"), strict=True):
        of_layer = found.setdefault(task[:3], {name: [] for name in CONVENTIONS})
        for name in CONVENTIONS:
            of_layer[name].append(values[name])
    rows = [
        row(quantity(*key), CONVENTIONS[name], None, values[name])
        for key, values in found.items()
        for name in CONVENTIONS
    ]
    return Outcome(rows, draw(rows))


def _bounds(task: tuple[str, int, str, np.random.Generator, Any], device: str) -> dict[str, float]:
    """Of the filters in a task, or of random ones of a shape in it."""
    _, k, kind, rng, filters = task
    if kind == "random":
        K, M, *size = filters
        filters = random_filters(K, M, tuple(size), rng)
    return bounds(to_device(filters, device), k, rng)


def quantity(layer: str, k: int, kind: str) -> str:
    """ "§4.4 δ_4, conv(1,1) learned"."""
    return f"§4.4 δ_{k}, conv({layer.removeprefix('conv').replace('_', ',')}) {kind}"


def draw(rows: list[Row]) -> Any:
    """By layer and k: the bracket as a bar, what is sampled below it, the coherence bound above it."""
    names = dict.fromkeys(found.quantity.partition(", ")[0] for found in rows)
    figure, axes = plt.subplots(
        1,
        len(names),
        figsize=(4.2 * len(names), 3.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for ax, name in zip(axes[0], names, strict=True):
        labels = dict.fromkeys(
            found.quantity.split()[-2] for found in rows if found.quantity.startswith(f"{name},")
        )
        for i, label in enumerate(labels):
            for kind, colour, move in (
                ("learned", COLOURS[1], -0.15),
                ("random", COLOURS[0], 0.15),
            ):
                ours = {
                    found.convention: found.ours
                    for found in rows
                    if found.quantity == f"{name}, {label} {kind}"
                }
                if ours:
                    coherence, upper, lower, sampled = (
                        ours[c] for c in list(CONVENTIONS.values())[:4]
                    )
                    ax.vlines(i + move, lower, upper, color=colour, linewidth=6)
                    ax.plot(i + move, coherence, "_", color=colour, ms=10, mew=2)
                    ax.plot(i + move, sampled, "o", color=colour, ms=4)
        ax.axhline(1, color="0.6", linewidth=0.8, zorder=0)
        ax.set_xticks(range(len(labels)), [label[5:-1] for label in labels])
        ax.set(xlabel="layer", yscale="log", title=f"${name.split()[1].replace('_', '_{')}}}$")
    axes[0, 0].set_ylabel("bounds of $\\delta_k$")
    axes[0, 0].set_yticks(TICKS, map(str, TICKS))
    axes[0, 0].set_yticks([], minor=True)
    for marker, text in (
        ("_", "$(k-1)\\mu$"),
        ("s", "certified bracket"),
        ("o", "random supports"),
    ):
        axes[0, -1].plot([], [], marker, color="black", label=text)
    for kind, colour in (("learned", COLOURS[1]), ("random", COLOURS[0])):
        axes[0, -1].plot([], [], "s", color=colour, label=kind)
    axes[0, -1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


EXPERIMENT = Experiment(
    name="proxy",
    paper_item="§4.4",
    title="what coherence says about δ_k: its bound, the certified bracket, random supports",
    run=run,
    needs="nothing for random filters; VGG-16's weights in --data DIR for learned ones",
)
