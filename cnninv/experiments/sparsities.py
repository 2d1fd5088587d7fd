"""Tables 2 and 7: share of non-zero activations after each layer (Gilbert 2017, §4.3, Appendix C.2)."""

from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ALEXNET, VGG16, Architecture
from cnninv.backend import to_device
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.coherences import printed
from cnninv.experiments.sources import load, photographs
from cnninv.images import read_image
from cnninv.plots import COLOURS

RESAMPLED = 1000
REASONS = {
    "Table 2": "other photographs than the validation set of ILSVRC 2012",
    "Table 7": "weights of a replication; other photographs than the validation set of ILSVRC 2012",
}


def shares(network: Any, layers: list[str], files: Iterable[Path]) -> np.ndarray:
    """Non-zero activations in per cent, shape (images, layers).

    Parameters
    ----------
    network : Network
    layers : list of str
        ReLUs and poolings.
    files : iterable of path
        Photographs, which the network's own preprocessing crops.
    """
    found = [_shares_of_one(network, layers, file) for file in files]
    return np.array(found).reshape(-1, len(layers))


def _shares_of_one(network: Any, layers: list[str], file: Path, device: str = "cpu") -> list[float]:
    image = to_device(read_image(file), device)
    activations = network.activations(image, layers)
    return [100 * float((activations[layer] != 0).mean()) for layer in layers]


def loaded(data: str | None, name: str, device: str = "cpu") -> Any:
    """The network of that name in the folder, read once in each process: tasks only name it."""
    files = () if data is None else sorted(Path(data).glob(f"{name}*.*"))
    return _read(data, name, device, tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _read(data: str | None, name: str, device: str, files: tuple) -> Any:
    network = load(data, name)
    return network.on(device) if network else None


def _task(file: Path, data: str, name: str, device: str, layers: list[str]) -> list[float]:
    return _shares_of_one(loaded(data, name, device), layers, file, device)


def layers_of(architecture: Architecture, table: str) -> dict[str, str]:
    """The layer that each printed number counts: after ReLU for a convolution, by the label."""
    paper = printed(table)
    names = {}
    for layer in architecture.layers:
        number = layer.name.removeprefix("relu")
        if layer.name.startswith("relu"):
            label = f"c({number.replace('_', ',')})" if "_" in number else f"conv{number}"
        else:
            label = layer.name
            if table == "Table 2":
                label = f"p({label.removeprefix('pool')})"
        quantity = f"{table} {label} non-zeros %"
        if quantity in paper:
            names[quantity] = layer.name
    return names


def run(context: Context, table: str, architecture: Architecture) -> Outcome:
    """All layers that the network in `--data` has, over its photographs: 20 of them, or all."""
    paper, layers = printed(table), layers_of(architecture, table)
    where = {"data": context.data, "name": architecture.name, "device": context.device}
    network, files = loaded(**where), photographs(context.data)
    if context.scale == "quick":
        # spread over the folder, which may be sorted by class
        files = files[:: max(1, len(files) // LEAST_SEEDS)][:LEAST_SEEDS]
    present: list[str] = []
    if network and len(files) >= LEAST_SEEDS:
        present = [layer for layer in layers.values() if layer in network.layers]
    found = np.zeros((0, 0))
    if present:
        task = partial(_task, **where, layers=present)
        found = np.array(context.sweep(task, files, table))
    _read.cache_clear()
    rows, rng = [], context.streams(1)[0]
    for quantity, layer in layers.items():
        if layer in present:
            values = found[:, present.index(layer)]
            rows += _rows(quantity, paper[quantity], values, rng, REASONS[table])
        else:
            rows.append(_not_run(quantity, paper[quantity], table, architecture))
    return Outcome(rows, draw(rows, table))


def _rows(
    quantity: str, printed: float, values: np.ndarray, rng: np.random.Generator, reason: str
) -> list[Row]:
    """The mean twice: with the spread over single photographs, and with what is known of the mean itself."""
    where = f"mean over {len(values)} photographs"
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLED)]
    return [
        row(quantity, f"{where}; spread over photographs", printed, values, reason),
        row(quantity, f"{where}; spread of the mean (bootstrap)", printed, means, reason),
    ]


def _not_run(quantity: str, printed: float, table: str, architecture: Architecture) -> Row:
    name = table.lower().replace(" ", "")
    needs = (
        f"cnninv run {name} --data DIR, with {architecture.title}'s weights, this layer included, and at "
        f"least {LEAST_SEEDS} photographs in DIR"
    )
    return Row(quantity, "", printed, None, None, "not run", needs)


def draw(rows: list[Row], table: str) -> Any:
    """By layer: the paper's numbers as circles, our means as points, the spread over photographs as bars."""
    shown = [found for found in rows if "bootstrap" not in found.convention]
    names = [
        found.quantity.removeprefix(f"{table} ").removesuffix(" non-zeros %") for found in shown
    ]
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    axes.plot(
        [found.paper for found in shown], "o", ms=10, mec="black", mfc="none", label="the paper"
    )
    ours = [(i, found) for i, found in enumerate(shown) if found.ours is not None]
    for i, found in ours:
        axes.vlines(i, *found.spread, color=COLOURS[0], linewidth=5, alpha=0.25)
    if ours:
        axes.plot(
            [i for i, _ in ours],
            [found.ours for _, found in ours],
            "s",
            ms=5,
            color=COLOURS[0],
            label="ours; bar: 98 % of the photographs",
        )
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="layer", ylabel="non-zeros, %", ylim=(0, 100))
    axes.legend(fontsize=8, loc="upper right")
    return figure


def _experiment(table: str, architecture: Architecture) -> Experiment:
    return Experiment(
        name=table.lower().replace(" ", ""),
        paper_item=table,
        title=f"how sparse {architecture.title}'s activations are",
        run=lambda context: run(context, table, architecture),
        needs=f"{architecture.title}'s weights and photographs in --data DIR",
        claims=(table,),
        gpu=True,
    )


TABLE_2, TABLE_7 = _experiment("Table 2", VGG16), _experiment("Table 7", ALEXNET)
