"""Tables 3 and 6: coherence of learned and of random filters, by layer (Gilbert 2017, §4.4, App. C.2)."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ALEXNET, VGG16, Architecture
from cnninv.backend import to_device
from cnninv.coherence import coherence
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.sources import load
from cnninv.files import data_folder, read_json
from cnninv.filters import check_filters, random_filters
from cnninv.plots import COLOURS

CONVENTIONS = {
    "filters, signed": {"signed": True},
    "filters, absolute": {},
    "rows with shifts, absolute (footnote 8)": {"shifts": True},
}
NEXT = "filters of the next layer, signed"
REASONS = {
    "Table 3": "the printed row is the next layer's, signed: see that convention",
    "Table 6": "weights of a replication, not those of the paper",
}


def layer_coherence(filters: Any, groups: int = 1, **convention: bool) -> float:
    """Coherence of a layer: of the group where it is largest, as groups see different channels.

    Parameters
    ----------
    filters : array-like, shape (K, M/groups, l1, l2)
    groups : int
    convention : bool
        ``signed`` and ``shifts`` of `coherence`.
    """
    parts = np.split(check_filters(filters).astype(float), groups)
    return max(coherence(part, **convention) for part in parts)


def learned(network: Any) -> dict[str, dict[str, float]]:
    """Coherence by convention and by layer, for the layers that the network has."""
    layers = network.architecture.convolutions
    return {
        name: {
            conv.name: layer_coherence(network.filters(conv.name), conv.groups, **convention)
            for conv in layers
        }
        for name, convention in CONVENTIONS.items()
    }


def random(
    architecture: Architecture,
    rng: np.random.Generator,
    conventions: Iterable[str] = CONVENTIONS,
    device: str = "cpu",
) -> dict[str, dict[str, float]]:
    """Coherence by convention and by layer of Gaussian filters of each layer's size."""
    found: dict[str, dict[str, float]] = {name: {} for name in conventions}
    for conv in architecture.convolutions:
        filters = to_device(random_filters(*_sizes(architecture, conv.name), rng), device)
        for name, values in found.items():
            values[conv.name] = layer_coherence(filters, conv.groups, **CONVENTIONS[name])
    return found


def label(table: str, layer: str) -> str:
    """ "Table 3 (1,1)" for conv1_1, "Table 6 layer 1" for conv1."""
    number = layer.removeprefix("conv")
    return f"{table} ({number.replace('_', ',')})" if "_" in number else f"{table} layer {number}"


def printed(table: str) -> dict[str, float]:
    """What the paper prints in a table, by label."""
    return {
        entry["quantity"]: entry["paper"]
        for entry in read_json(data_folder() / "paper.json")
        if entry["quantity"].startswith(f"{table} ")
    }


def run(context: Context, table: str, architecture: Architecture) -> Outcome:
    """Random filters of all layers, and, with `--data`, the learned ones of those that are there."""
    layers, paper = [conv.name for conv in architecture.convolutions], printed(table)
    network = load(context.data, architecture.name)
    found = learned(network.on(context.device)) if network else {name: {} for name in CONVENTIONS}
    rows = []
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        quantity = f"{label(table, layer)} learned"
        number = paper[quantity]
        if layer not in found["filters, signed"]:
            rows.append(_not_run(quantity, "", number, table, architecture))
            continue
        for convention, values in found.items():
            rows.append(row(quantity, convention, number, values[layer], REASONS[table]))
        if table == "Table 3" and following is not None:
            value = found["filters, signed"].get(following)
            rows.append(
                _not_run(quantity, NEXT, number, table, architecture)
                if value is None
                else row(quantity, NEXT, number, value, _nearness(value, number))
            )
    drawn = _random_rows(context, table, architecture, paper)
    rows += drawn
    return Outcome(rows, draw(rows, table, layers, paper))


def _random_rows(
    context: Context, table: str, architecture: Architecture, paper: dict[str, float]
) -> list[Row]:
    """The same filters under each convention; with shifts, which take longest, for fewer seeds or none."""
    tasks = []
    for number, rng in enumerate(context.streams(context.pick(LEAST_SEEDS, 100))):
        shifts = number < context.pick(0, LEAST_SEEDS)
        names = [name for name, given in CONVENTIONS.items() if shifts or "shifts" not in given]
        tasks.append((rng, names))
    task = partial(_random, architecture, device=context.device)
    found = context.sweep(task, tasks, f"{table}, random filters")
    samples = {name: [values[name] for values in found if name in values] for name in CONVENTIONS}
    return [
        row(
            f"{label(table, conv.name)} random",
            f"{convention}; Gaussian, {len(drawn)} seeds",
            paper[f"{label(table, conv.name)} random"],
            [values[conv.name] for values in drawn],
            "outside what Gaussian filters of this size give",
        )
        for conv in architecture.convolutions
        for convention, drawn in samples.items()
        if drawn
    ]


def _random(
    architecture: Architecture, task: tuple[np.random.Generator, list[str]], device: str
) -> dict[str, dict[str, float]]:
    return random(architecture, *task, device)


def _nearness(value: float, printed: float) -> str:
    return "not to the last digit, but within 0.001" if abs(value - printed) < 1e-3 else ""


def _sizes(architecture: Architecture, layer: str) -> tuple[int, int, tuple[int, ...]]:
    K, M, *size = architecture.shapes[layer]
    return K, M, tuple(size)


def _not_run(
    quantity: str, convention: str, paper: float, table: str, architecture: Architecture
) -> Row:
    name = table.lower().replace(" ", "")
    needs = f"cnninv run {name} --data DIR, with {architecture.title}'s weights in DIR, this layer included"
    return Row(quantity, convention, paper, None, None, "not run", needs)


def draw(rows: list[Row], table: str, layers: list[str], paper: dict[str, float]) -> Any:
    """By layer: the paper's two rows as circles, ours as lines."""
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    place = {label(table, layer): i for i, layer in enumerate(layers)}
    lines: dict[str, dict[int, float]] = {}
    for found in rows:
        name, kind = found.quantity.rsplit(" ", 1)
        if found.ours is not None and (
            kind == "learned" or "filters, absolute" in found.convention
        ):
            key = f"{kind}: {found.convention.partition(';')[0]}"
            lines.setdefault(key, {})[place[name]] = found.ours
            if found.spread:
                axes.vlines(place[name], *found.spread, color="0.5", linewidth=5, alpha=0.4)
    marks = dict(zip(lines, "sv^Dx", strict=False))
    for colour, (key, values) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(
            list(values),
            list(values.values()),
            marks[key],
            ls="-",
            lw=0.8,
            ms=4,
            color=colour,
            label=key,
        )
    for kind, face in (("learned", "none"), ("random", "0.8")):
        values = [paper[f"{label(table, layer)} {kind}"] for layer in layers]
        axes.plot(values, "o", ms=10, mec="black", mfc=face, zorder=0, label=f"the paper, {kind}")
    axes.set(xlabel="layer", ylabel="coherence μ", ylim=(0, 1.02))
    names = [layer.removeprefix("conv").replace("_", ",") for layer in layers]
    axes.set_xticks(range(len(layers)), names, fontsize=8)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _experiment(table: str, architecture: Architecture) -> Experiment:
    return Experiment(
        name=table.lower().replace(" ", ""),
        paper_item=table,
        title=f"coherence of {architecture.title}'s filters, learned and random",
        run=lambda context: run(context, table, architecture),
        needs=f"nothing for random filters; {architecture.title}'s weights in --data DIR for learned ones",
        claims=(table,),
    )


TABLE_3, TABLE_6 = _experiment("Table 3", VGG16), _experiment("Table 6", ALEXNET)
