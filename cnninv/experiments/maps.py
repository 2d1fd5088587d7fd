"""Activations as maps, and how far they are from one entry per pooling region (Gilbert 2017, §4.3, §4.4)."""

from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import to_device
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.sources import photographs
from cnninv.experiments.sparsities import loaded
from cnninv.images import center_crop, read_image
from cnninv.random_networks import random_network

WINDOW = 2
EVERY = 10
"""At paper scale, every tenth photograph."""
SHOWN = ("relu1_1", "relu1_2", "relu2_2", "relu3_3")
COLUMNS = 6
RANDOM_LAST, RANDOM_CROP = "conv2_2", 96
MEASURES = {
    "more than one": "of the 2 × 2 regions with a non-zero, those with more than one, %",
    "energy kept": "of ‖h‖² after ReLU, what one entry per 2 × 2 region keeps, %",
}


def crowding(h: Any) -> dict[str, float]:
    """What `MEASURES` says, of activations after ReLU. Partial regions at the border are left out.

    Parameters
    ----------
    h : array, shape (K, n1, n2)
        Not negative.

    Examples
    --------
    >>> crowding(np.array([[[3.0, 4.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]]))
    {'more than one': 50.0, 'energy kept': 65.38461538461539}
    """
    K, rows, columns = (
        length - length % size for length, size in zip(h.shape, (1, 2, 2), strict=True)
    )
    regions = h[:, :rows, :columns].reshape(K, rows // 2, 2, columns // 2, 2)
    count = (regions != 0).sum(axis=(2, 4))
    kept = (regions.max(axis=(2, 4)) ** 2).sum(dtype=float)
    return {
        "more than one": 100 * (float((count > 1).sum()) / max(1, int((count > 0).sum()))),
        "energy kept": 100 * (float(kept) / max(float((regions**2).sum(dtype=float)), 1e-300)),
    }


def run(context: Context) -> Outcome:
    """Random filters on the sample photograph, and, with `--data`, VGG-16 on those that are there."""
    network, files = loaded(context.data, "vgg16"), photographs(context.data)
    files = files[:: context.pick(max(1, len(files) // LEAST_SEEDS), EVERY)]
    rows: list[Row] = []
    if network is not None and len(files) >= LEAST_SEEDS:
        rows += _learned(context, network, files)
    rows += _random(context)
    shown = network
    if shown is None:
        shown = random_network("vgg16", context.streams(1)[0], last=RANDOM_LAST)
    return Outcome(rows, draw(shown, portrait()))


def _learned(context: Context, network: Any, files: list[Path]) -> list[Row]:
    layers = [layer for layer in network.layers if layer.startswith("relu")]
    task = partial(_of_one, data=context.data, layers=layers, device=context.device)
    found = context.sweep(task, files, "activations")
    return _rows(found, "learned", f"{len(files)} photographs")


def _of_one(file: Path, data: str, layers: list[str], device: str) -> dict[str, dict[str, float]]:
    """VGG-16 on one photograph."""
    network, image = loaded(data, "vgg16", device), to_device(read_image(file), device)
    activations = network.activations(image, layers)
    return {layer: crowding(h) for layer, h in activations.items()}


def _random(context: Context) -> list[Row]:
    """One network of random filters a seed, on the middle of the sample photograph."""
    task = partial(_of_random, device=context.device)
    found = context.sweep(task, context.streams(LEAST_SEEDS), "random filters")
    return _rows(found, "random", f"{LEAST_SEEDS} networks, one photograph")


def _of_random(rng: np.random.Generator, device: str) -> dict[str, dict[str, float]]:
    image = center_crop(read_image("sample"), RANDOM_CROP)
    network = random_network("vgg16", rng, last=RANDOM_LAST)
    layers = [layer for layer in network.layers if layer.startswith("relu")]
    x = np.float32(255 * image) - np.float32(network.preprocessing.mean)[:, None, None]
    activations = network.on(device).forward(to_device(x, device), layers)
    return {layer: crowding(h) for layer, h in activations.items()}


def _rows(found: list[dict[str, dict[str, float]]], kind: str, where: str) -> list[Row]:
    return [
        row(
            f"§4.4 {measure}, c({layer.removeprefix('relu').replace('_', ',')}) {kind}",
            f"{convention}; {where}",
            None,
            [of_one[layer][measure] for of_one in found],
        )
        for layer in found[0]
        for measure, convention in MEASURES.items()
    ]


def portrait() -> np.ndarray:
    """The upper part of the sample photograph at half its size, shape (3, 240, 256)."""
    image = read_image("sample")
    halved = image.reshape(3, image.shape[1] // 2, 2, image.shape[2] // 2, 2).mean(axis=(2, 4))
    return halved[:, :240]


def varied(h: Any, count: int) -> list[int]:
    """Channels that look different: each time the one with most energy that those chosen do not explain.

    That is the energy left of a channel after projection on those chosen.

    Parameters
    ----------
    h : array, shape (K, n1, n2)
    count : int
    """
    left = np.asarray(h, dtype=float).reshape(len(h), -1)
    chosen: list[int] = []
    for _ in range(min(count, len(h))):
        energy = (left**2).sum(axis=1)
        energy[chosen] = -1
        best = int(energy.argmax())
        chosen.append(best)
        if energy[best] > 0:
            direction = left[best] / np.sqrt(energy[best])
            left = left - (left @ direction)[:, None] * direction
    return chosen


def draw(network: Any, image: np.ndarray) -> Any:
    """By layer the share of channels that are active at each position, and a few channels after ReLU."""
    layers = [layer for layer in SHOWN if layer in network.layers]
    x = network.preprocessing(image)
    found = network.forward(x, layers)
    figure, axes = plt.subplots(
        len(layers),
        COLUMNS + 1,
        figsize=(1.35 * (COLUMNS + 1), 1.42 * len(layers) + 0.2),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)
    for line, (layer, h) in enumerate(found.items()):
        active = (h != 0).mean(axis=0)
        low, high = np.quantile(active, [0.01, 0.99])
        axes[line, 0].imshow(active, cmap="gray", vmin=low, vmax=high)
        axes[line, 0].set_title(f"all {len(h)}: {100 * active.mean():.0f} %", fontsize=8)
        axes[line, 0].set_ylabel(f"c({layer.removeprefix('relu').replace('_', ',')})", fontsize=9)
        for ax, i in zip(axes[line, 1:], varied(h, COLUMNS), strict=False):
            ax.imshow(h[i] / max(np.quantile(h[i], 0.995), 1e-30), cmap="magma", vmin=0, vmax=1)
            ax.set_title(f"filter {i}: {100 * (h[i] != 0).mean():.0f} %", fontsize=8)
    return figure


EXPERIMENT = Experiment(
    name="maps",
    paper_item="§4.3, §4.4",
    title="activations as maps; how many entries a pooling region has",
    run=run,
    needs="nothing for random filters; VGG-16's weights and photographs in --data DIR for learned ones",
)
