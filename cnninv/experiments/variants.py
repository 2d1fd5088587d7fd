"""AlexNet's sparsity under other readings of its forward pass (Gilbert 2017, Table 7).

With the weights at hand conv3 and conv4 are far less sparse than printed. Each reading changes one thing that a
forward pass may have done otherwise; none explains it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import Architecture, MaxPool, Normalization
from cnninv.backend import array_namespace
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.coherences import printed
from cnninv.experiments.sources import photographs
from cnninv.experiments.sparsities import loaded
from cnninv.images import read_image
from cnninv.networks import Network
from cnninv.plots import COLOURS

EVERY = 40
"""At paper scale, every so many photographs."""
LAYERS = {"conv2": "relu2", "conv3": "relu3", "conv4": "relu4", "conv5": "relu5"}
THRESHOLD = 20.0
REASON = "none of the readings tried comes near; the weights are those of a replication"
Reading = tuple[Network, Callable[[np.ndarray], np.ndarray], float]
"""A network, from image to input, and the activation that others must exceed to count."""


def readings(network: Network) -> dict[str, Reading]:
    """The forward pass as the book has it, and with one thing changed at a time.

    Parameters
    ----------
    network : Network
        An AlexNet.
    """
    preprocess, weights, architecture = (
        network.preprocessing,
        network.weights,
        network.architecture,
    )
    xp, mean = _place(network), np.asarray(preprocess.mean, dtype=np.float32)
    mean = xp.asarray(mean if mean.ndim == 1 else mean.mean(axis=(1, 2)))

    def inputs(change: Callable[[np.ndarray], np.ndarray]) -> Reading:
        return network, lambda image: xp.ascontiguousarray(change(preprocess(image))), 0.0

    def layers(**changes: Any) -> Reading:
        return with_architecture(
            replace(
                architecture,
                layers=tuple(
                    replace(layer, **changes) if isinstance(layer, Normalization) else layer
                    for layer in architecture.layers
                ),
            )
        )

    def with_architecture(changed: Architecture) -> Reading:
        return Network(replace(weights, architecture=changed)), preprocess, 0.0

    def with_weights(**changes: Any) -> Reading:
        return Network(replace(weights, **changes)), preprocess, 0.0

    flipped = {
        name: xp.ascontiguousarray(f[..., ::-1, ::-1]) for name, f in weights.filters.items()
    }
    silent = {name: np.zeros_like(bias) for name, bias in weights.biases.items()}
    return {
        "as the book has it": (network, preprocess, 0.0),
        "colours in the order BGR": inputs(lambda x: x[::-1]),
        "no mean subtracted": inputs(lambda x: x - preprocess(np.zeros_like(x))),
        "mean colour in place of the mean image": inputs(
            lambda x: x - preprocess(np.zeros_like(x)) - mean[:, None, None]
        ),
        "223 pixels, as many as 224 allow": inputs(lambda x: x[:, 2:-2, 2:-2]),
        "values in 0 … 1": inputs(lambda x: x / 255),
        "normalisation with k = 2": layers(k=2.0),
        "normalisation with α not over 5": layers(alpha=5e-4),
        "no normalisation": layers(alpha=0.0),
        "pooling before normalisation, as in CaffeNet": with_architecture(
            replace(architecture, layers=pooled_first(architecture.layers))
        ),
        "filters flipped": with_weights(filters=flipped),
        "no biases": with_weights(biases=silent),
        f"entries above {THRESHOLD:g} only": (network, preprocess, THRESHOLD),
    }


def pooled_first(layers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each normalisation and the pooling behind it, exchanged."""
    layers = list(layers)
    for i in range(len(layers) - 1):
        if isinstance(layers[i], Normalization) and isinstance(layers[i + 1], MaxPool):
            layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return tuple(layers)


def run(context: Context) -> Outcome:
    """All readings over some of the photographs in `--data`."""
    network, files = loaded(context.data, "alexnet"), photographs(context.data)
    files = files[:: context.pick(max(1, len(files) // LEAST_SEEDS), EVERY)]
    paper = {label: printed("Table 7")[f"Table 7 {label} non-zeros %"] for label in LAYERS}
    if network is None or len(files) < LEAST_SEEDS or LAYERS["conv5"] not in network.layers:
        needs = f"cnninv run variants --data DIR, with AlexNet's weights and {LEAST_SEEDS} photographs in DIR"
        rows = [
            Row(f"Table 7, other readings: {label}", "", value, None, None, "not run", needs)
            for label, value in paper.items()
        ]
        return Outcome(rows, draw({}, paper))
    task = partial(_of_one, data=context.data, device=context.device)
    by_file = context.sweep(task, files, "readings")
    found = {name: np.array([of_one[name] for of_one in by_file]) for name in by_file[0]}
    rows = [
        row(
            f"Table 7, other readings: {label}",
            f"{name}; {len(files)} photographs",
            paper[label],
            values[:, i],
            REASON if label in ("conv3", "conv4") else "",
        )
        for name, values in found.items()
        for i, label in enumerate(LAYERS)
    ]
    return Outcome(rows, draw(found, paper))


def _of_one(file: Path, data: str, device: str) -> dict[str, np.ndarray]:
    """All readings of one photograph."""
    found = _readings(loaded(data, "alexnet", device))
    return {name: shares(reading, [file])[0] for name, reading in found.items()}


def _place(network: Network) -> Any:
    """Where the network is: numpy or cupy."""
    return array_namespace(network.filters("conv1"))


_readings = lru_cache(maxsize=1)(readings)


def shares(reading: Reading, files: list[Path]) -> np.ndarray:
    """Entries above the least that counts, in per cent, shape (photographs, layers)."""
    network, preprocess, least = reading
    found = []
    for file in files:
        image = _place(network).asarray(read_image(file))
        activations = network.forward(preprocess(image), LAYERS.values())
        found.append([100 * float((activations[name] > least).mean()) for name in LAYERS.values()])
    return np.array(found)


def draw(found: dict[str, np.ndarray], paper: dict[str, float]) -> Any:
    """A line for each reading, a colour for each layer, the printed number as an upright line."""
    figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for i, (label, colour) in enumerate(zip(LAYERS, COLOURS, strict=False)):
        ax.axvline(paper[label], color=colour, linewidth=1.5, label=f"{label}, printed")
        means = [values[:, i].mean() for values in found.values()]
        ax.plot(means, range(len(means)), "o", ms=5, color=colour)
    ax.set_yticks(range(len(found)), found, fontsize=7)
    ax.set(xlabel="non-zeros, %", xlim=(0, 70))
    ax.invert_yaxis()
    ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


EXPERIMENT = Experiment(
    name="variants",
    paper_item="Table 7",
    title="how sparse AlexNet's activations are under other readings of its forward pass",
    run=run,
    needs="AlexNet's weights and photographs in --data DIR",
)
