"""Tables 1 and 5: random against learned filters, accuracy by depth and width (Gilbert 2017, §4.1, App. C.1).

At quick scale on ten textures that the library draws; at paper scale on CIFAR-10, on a GPU at the widths of
Table 5, on the CPU at widths that its cores can train. A smaller width never stands in for the paper's: it has
rows of its own.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import array_module
from cnninv.cifar10 import read_cifar10
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.coherences import printed
from cnninv.imagesets import ImageSet
from cnninv.plots import COLOURS
from cnninv.textures import texture_images
from cnninv.training import Settings, paper_plan, train

GPU = "cnninv run table1 --scale paper --device cuda --data DIR, with CIFAR-10 in DIR (hours)"
REASON = "one training run each; epochs, rates and augmentation of the paper are not printed"


@dataclass(frozen=True)
class Scale:
    """Where the networks are trained, how wide they are, and how."""

    widths: tuple[int, ...]
    """Of the first layer; 0 is that of Table 5."""
    search: int
    """The width at which the size of the filters is chosen, on the validation images."""
    sizes: tuple[int, ...]
    settings: Settings
    dropout: float
    """Of the features that the classifier sees: few of them can spare none."""
    whole: tuple[tuple[int, str], ...] = ()
    """Layers and filters of the networks of Table 5 that can be trained beside the narrower ones."""
    whole_settings: Settings = field(default_factory=Settings)
    data: str | None = None
    """Folder of CIFAR-10; None for textures."""


@dataclass(frozen=True)
class Cell:
    """One network to be trained."""

    layers: int
    filters: str
    width: int
    size: int


QUICK = Scale(
    (8, 16),
    16,
    (3, 5),
    Settings(epochs=6, batch=50, rate=0.05, validation=400, shift=2, flip=False),
    dropout=0.0,
)
CORES = Scale(
    (8, 16, 32, 64),
    16,
    (3, 5, 7),
    Settings(epochs=3, rate=0.05),
    dropout=0.1,
    # smaller batches, since 2048 filters need 5 GB of memory for 128 images
    whole=((1, "random"),),
    whole_settings=Settings(epochs=2, batch=32, rate=0.02),
)
CARD = Scale((64, 256, 0), 256, (3, 5, 7), Settings(epochs=40, rate=0.05), dropout=0.5)


@dataclass(frozen=True)
class Found:
    """What training it gave."""

    cell: Cell
    validation: float
    """Accuracy on the validation images, in per cent."""
    test: dict[str, float]
    """Accuracy in per cent, for each part of the test images."""
    seconds: float


def train_cell(cell: Cell, scale: Scale, device: str = "cpu") -> Found:
    """Train one network and measure its accuracy.

    Parameters
    ----------
    cell : Cell
    scale : Scale
    device : "cpu" or "cuda"
    """
    images = _images(scale.data)
    side = images.images.shape[-1]
    plan = paper_plan(cell.layers, cell.filters, cell.width or None, cell.size, side)
    whole = _is_whole(cell, scale)
    trained = train(
        replace(plan, dropout=0.5 if whole else scale.dropout),
        images.images,
        images.labels,
        scale.whole_settings if whole else scale.settings,
        xp=array_module(device),
        progress=False,
    )
    test = {
        part: 100 * trained.accuracy(images.test_images[where], images.test_labels[where])
        for part, where in images.test_parts.items()
    }
    validation = 100 * trained.history[-1]["validation"]
    return Found(cell, validation, test, trained.seconds)


def _is_whole(cell: Cell, scale: Scale) -> bool:
    return cell.width == 0 and (cell.layers, cell.filters) in scale.whole


@lru_cache(maxsize=1)
def _images(data: str | None) -> ImageSet:
    """Once in each process."""
    return texture_images(np.random.default_rng(0), 1600) if data is None else read_cifar10(data)


def cells(scale: Scale) -> list[Cell]:
    """The networks that are trained to choose the size of the filters."""
    return [
        Cell(layers, filters, scale.search, size)
        for layers in (1, 2, 3)
        for filters in ("random", "learned")
        for size in scale.sizes
    ]


def best(found: list[Found]) -> list[Found]:
    """For each depth and kind of filters, the size that is best on the validation images."""
    chosen: dict[tuple[int, str], Found] = {}
    for one in found:
        place = one.cell.layers, one.cell.filters
        if place not in chosen or one.validation > chosen[place].validation:
            chosen[place] = one
    return list(chosen.values())


def run(context: Context) -> Outcome:
    """Train the networks of the scale, size by size and then width by width."""
    scale = QUICK
    if context.scale == "paper":
        if context.data is None:
            raise ValueError("table1 at paper scale needs CIFAR-10: --data DIR says where it is")
        scale = replace(CARD if context.device == "cuda" else CORES, data=context.data)
    seeded = {
        name: replace(getattr(scale, name), seed=context.seed)
        for name in ("settings", "whole_settings")
    }
    scale = replace(scale, **seeded)
    origin = _images(scale.data).origin
    task = partial(train_cell, scale=scale, device=context.device)
    searched = context.sweep(task, cells(scale), "sizes")
    chosen = [one.cell for one in best(searched)]
    others = [width for width in scale.widths if width != scale.search]
    wider = [replace(cell, width=width) for cell in chosen for width in others if width]
    # Table 5 has 3 × 3 for two and three layers; for one layer its size cannot be read: 3 or 5
    printed_size = {1: (3, 5), 2: (3,), 3: (3,)}
    table_5 = [
        replace(one.cell, width=0)
        for one in best([one for one in searched if one.cell.size in printed_size[one.cell.layers]])
        if 0 in scale.widths or (one.cell.layers, one.cell.filters) in scale.whole
    ]
    found = [*best(searched), *context.sweep(task, wider, "widths")]
    found += context.sweep(task, table_5, "of Table 5")
    return Outcome(
        [*_paper_rows(found, scale), *_rows(searched, found, scale, origin)], draw(found, origin)
    )


def label(layers: int, filters: str) -> str:
    """ "random filters, 2 layers"."""
    return f"{filters} filters, {layers} layer{'s' if layers > 1 else ''}"


def _paper_rows(found: list[Found], scale: Scale) -> list[Row]:
    """The six cells of Table 1 at the widths of Table 5, or what it takes."""
    rows = []
    for quantity, number in printed("Table 1").items():
        full = [
            one
            for one in found
            if one.cell.width == 0 and label(one.cell.layers, one.cell.filters) in quantity
        ]
        for one in full:
            shapes = paper_plan(one.cell.layers, one.cell.filters).architecture.shapes
            widths = "-".join(str(shape[0]) for shape in shapes.values())
            whole = _is_whole(one.cell, scale)
            epochs = (scale.whole_settings if whole else scale.settings).epochs
            what = f"CIFAR-10, {widths} filters, {one.cell.size} × {one.cell.size}, {epochs} epochs"
            for part, accuracy in one.test.items():
                rows.append(row(quantity, f"{what}; test images: {part}", number, accuracy, REASON))
        if not full:
            rows.append(Row(quantity, "", number, None, None, "not run", GPU))
    return rows


def _rows(searched: list[Found], found: list[Found], scale: Scale, origin: str) -> list[Row]:
    """Ours at every other width, the choice of sizes, and the gap between learned and random filters."""
    rows = []
    narrow = [one for one in found if one.cell.width]
    for one in sorted(
        narrow, key=lambda o: (o.cell.layers, o.cell.filters == "learned", o.cell.width)
    ):
        what = f"At width {one.cell.width}, {label(one.cell.layers, one.cell.filters)}, accuracy %"
        for part, accuracy in one.test.items():
            test = f"; test images: {part}" if len(one.test) > 1 else ""
            where = (
                f"{origin}, {scale.settings.epochs} epochs, {one.cell.size} × {one.cell.size}{test}"
            )
            rows.append(row(what, where, None, accuracy))
    for one in searched:
        what = f"Validation, {label(one.cell.layers, one.cell.filters)}, accuracy %"
        where = f"{origin}, width {one.cell.width}, {one.cell.size} × {one.cell.size}"
        rows.append(row(what, where, None, one.validation))
    return rows


def draw(found: list[Found], origin: str) -> Any:
    """Accuracy against width, a panel for each depth; at its widths the paper's numbers, ours as diamonds."""
    figure, panels = plt.subplots(1, 3, figsize=(8.4, 3.1), sharey=True, layout="constrained")
    paper = printed("Table 1")
    cifar = origin.startswith("CIFAR")
    for layers, axes in zip((1, 2, 3), panels, strict=True):
        for colour, filters in zip(COLOURS, ("random", "learned"), strict=False):
            full = paper_plan(layers, filters).architecture.convolutions[0].K
            mine = [
                one for one in found if (one.cell.layers, one.cell.filters) == (layers, filters)
            ]
            points = sorted(
                (one.cell.width, next(iter(one.test.values()))) for one in mine if one.cell.width
            )
            axes.plot(*zip(*points, strict=True), "o-", ms=4, color=colour, label=f"{filters}")
            for one in mine:
                if not one.cell.width:
                    axes.plot(full, next(iter(one.test.values())), "D", ms=4, color=colour)
            if cifar:
                number = paper[f"Table 1 {label(layers, filters)}, accuracy %"]
                axes.plot(full, number, "o", ms=9, mec=colour, mfc="none")
        axes.set_xscale("log", base=2)
        widths = sorted({line for drawn in axes.lines for line in drawn.get_xdata()})
        names = [f"{w:g}" if w < 1024 else f"{w / 1024:g}k" for w in widths]
        axes.set_xticks(widths, names, fontsize=8)
        axes.minorticks_off()
        axes.set(title=f"{layers} layer{'s' if layers > 1 else ''}", xlabel="filters of layer 1, K")
    panels[0].set(ylabel=f"test accuracy, % ({origin})", ylim=(0, 100))
    panels[0].legend(fontsize=8, loc="lower right", title="filters", title_fontsize=8)
    return figure


EXPERIMENT = Experiment(
    "table1",
    "Tables 1 and 5",
    "random against learned filters on CIFAR-10",
    run,
    needs="nothing at quick scale (ten textures); at paper scale CIFAR-10 (--data DIR) and hours; a GPU for "
    "the paper's widths",
    claims=("Table 1",),
    gpu=True,
)
