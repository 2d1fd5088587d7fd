"""How alike the filters of a layer are: ± pairs, neighbouring shifts, effective number (Gilbert 2017, §3.1).

The theory takes independent Gaussian weights, and CReLU filters in ± pairs. Trained filters are dependent,
and some come in pairs: here is by how much, and how they look.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ALEXNET, VGG16, Architecture
from cnninv.backend import to_device
from cnninv.coherence import filter_gram
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.sources import load
from cnninv.filters import check_filters, normalize_filters, random_filters

QUICK = 128
"""At quick scale, layers of at most so many filters."""
COLUMNS = 16
MEASURES = {
    "§3.1 best negative partner": "mean over filters i of max_j −⟨w_i, w_j⟩",
    "§2.1 a filter and itself one column on": "mean over filters of ⟨w_i, w_i moved by a column⟩",
    "§2.1 a filter and itself one row on": "mean over filters of ⟨w_i, w_i moved by a row⟩",
    "§2.1 effective number of filters": "K²/‖G‖², G the Gram matrix of the unit filters",
}


def measures(filters: Any, groups: int = 1) -> dict[str, float]:
    """What `MEASURES` says, of a layer. Filters of different groups see different channels: their product is 0.

    Parameters
    ----------
    filters : array-like, shape (K, M/groups, l1, l2)
    groups : int
    """
    parts = np.split(check_filters(filters).astype(float), groups)
    partners = np.concatenate([-filter_gram(part).min(axis=1) for part in parts])
    moved = [
        np.concatenate([np.diag(filter_gram(part, lag)) for part in parts])
        for lag in ((0, 1), (1, 0))
    ]
    energy = sum(float((filter_gram(part) ** 2).sum()) for part in parts)
    values = (partners.mean(), moved[0].mean(), moved[1].mean(), len(filters) ** 2 / energy)
    return dict(zip(MEASURES, map(float, values), strict=True))


def pairs(filters: Any) -> list[tuple[int, int]]:
    """Filters two by two: the most nearly opposite ones first, then of the others, and so on.

    Parameters
    ----------
    filters : array-like, shape (K, M, l1, l2)
        K even.
    """
    G = filter_gram(filters)
    found = []
    while len(found) < len(G) // 2:
        i, j = np.unravel_index(np.argmin(G), G.shape)
        found.append((int(i), int(j)))
        G[[i, j]] = G[:, [i, j]] = np.inf
    return found


def run(context: Context) -> Outcome:
    """Random filters of the sizes of both networks, and, with `--data`, the learned ones that are there."""
    rows, shown = [], {}
    for architecture in (VGG16, ALEXNET):
        network = load(context.data, architecture.name)
        layers = [conv for conv in architecture.convolutions if context.pick(conv.K <= QUICK, True)]
        for conv in layers:
            if network is not None and conv.name in network.convolutions:
                found = measures(context.put(network.filters(conv.name)), conv.groups)
                rows += _rows(architecture, conv.name, "learned", found)
        rows += _random(context, architecture, layers)
        if network is not None:
            first = network.convolutions[0]
            shown[f"{_short(architecture)} {first}"] = network.filters(first)
    K, M, *size = VGG16.shapes["conv1_1"]
    filters = random_filters(K, M, tuple(size), context.streams(1)[0])
    shown["Gaussian, half as many as in VGG-16's conv1_1"] = filters[: K // 2]
    return Outcome(rows, draw(shown))


def _random(context: Context, architecture: Architecture, layers: list[Any]) -> Iterator[Row]:
    task = partial(_drawn, architecture=architecture, layers=layers, device=context.device)
    drawn = context.sweep(task, context.streams(LEAST_SEEDS), f"{architecture.name}, random")
    for conv in layers:
        values = [found[conv.name] for found in drawn]
        yield from _rows(
            architecture,
            conv.name,
            "random",
            {measure: [value[measure] for value in values] for measure in MEASURES},
        )


def _drawn(
    rng: np.random.Generator, architecture: Architecture, layers: list[Any], device: str
) -> dict[str, dict[str, float]]:
    """Random filters of each layer's size, measured."""
    found = {}
    for conv in layers:
        K, M, *size = architecture.shapes[conv.name]
        filters = to_device(random_filters(K, M, tuple(size), rng), device)
        found[conv.name] = measures(filters, conv.groups)
    return found


def _rows(architecture: Architecture, layer: str, kind: str, found: dict[str, Any]) -> list[Row]:
    return [
        row(f"{measure}, {_short(architecture)} {layer} {kind}", MEASURES[measure], None, values)
        for measure, values in found.items()
    ]


def _short(architecture: Architecture) -> str:
    return architecture.title.partition(" (")[0]


def draw(banks: dict[str, Any]) -> Any:
    """Colour filters as pictures, each above the one that `pairs` gives it."""
    pictures = {title: tiles(filters) for title, filters in banks.items()}
    heights = [8 * len(picture) / picture.shape[1] + 0.3 for picture in pictures.values()]
    figure, axes = plt.subplots(
        len(banks),
        1,
        figsize=(8, sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for ax, (title, picture) in zip(axes[:, 0], pictures.items(), strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_axis_off()
        ax.set_title(f"{title}, two by two, the most nearly opposite first", fontsize=9, loc="left")
    return figure


def tiles(filters: Any) -> np.ndarray:
    """Filters of three channels as one picture of `COLUMNS` pairs a line, zero grey, each of full contrast.

    Parameters
    ----------
    filters : array-like, shape (K, 3, l, l)
        K even.
    """
    filters = normalize_filters(filters)
    length, scale = filters.shape[2], max(1, 12 // filters.shape[2])
    side = length * scale
    found = pairs(filters)
    lines = -(-len(found) // COLUMNS)
    gap, line_gap = max(1, side // 6), max(2, side // 3)
    step = 2 * side + gap + line_gap
    picture = np.ones((lines * step - line_gap, COLUMNS * (side + gap) - gap, 3))
    for place, pair in enumerate(found):
        line, column = divmod(place, COLUMNS)
        for part, i in enumerate(pair):
            colours = 0.5 + 0.5 * filters[i] / np.abs(filters[i]).max()
            top, left = line * step + part * (side + gap), column * (side + gap)
            block = np.kron(np.moveaxis(colours, 0, 2), np.ones((scale, scale, 1)))
            picture[top : top + side, left : left + side] = block
    return picture


EXPERIMENT = Experiment(
    name="filters",
    paper_item="§2.1, §3.1",
    title="how alike filters are: ± pairs, neighbouring shifts, effective number; pictures of first layers",
    run=run,
    needs="nothing for random filters; VGG-16's and AlexNet's weights in --data DIR for learned ones",
)
