"""Tables 1 and 5: random against learned filters, accuracy by depth and width (Gilbert 2017, §4.1, App. C.1).

At quick scale on ten textures that the library draws, or on a part of CIFAR-10 where --data has it; at paper
scale on CIFAR-10, on a GPU at the widths of Table 5, on the CPU at those that its cores can train: of one
layer Table 5's. A smaller width never stands in for the paper's: it has rows of its own.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.cifar10 import has_cifar10
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.classifiers import (
    CARD,
    CORES,
    PART,
    QUICK,
    Found,
    Scale,
    best,
    cells,
    image_set,
    label,
    train_cell,
    whole_cells,
    wider_cells,
    widths_of,
)
from cnninv.experiments.coherences import printed
from cnninv.plots import COLOURS
from cnninv.training import paper_plan

GPU = "the whole takes cnninv run table1 --scale paper --device cuda --data DIR, with CIFAR-10 in DIR (hours)"
REASON = (
    "one training run, ± {:.1f} by the number of test images; epochs, rates and augmentation of the paper are "
    "not printed"
)


def run(context: Context) -> Outcome:
    """Train the networks of the scale, size by size and then width by width."""
    scale = QUICK
    if context.scale == "paper":
        if context.data is None:
            raise ValueError("table1 at paper scale needs CIFAR-10: --data DIR says where it is")
        scale = replace(CARD if context.device == "cuda" else CORES, data=context.data)
    elif context.data is not None and has_cifar10(context.data):
        scale = replace(PART, data=context.data)
    scale = replace(
        scale,
        settings=replace(scale.settings, seed=context.seed),
        whole={key: replace(how, seed=context.seed) for key, how in scale.whole.items()},
    )
    images = image_set(scale.data, scale.images)
    origin = images.origin
    counts = {part: len(images.test_labels[where]) for part, where in images.test_parts.items()}
    task = partial(train_cell, scale=scale, device=context.device)
    searched = context.sweep(task, cells(scale), "sizes")
    chosen = best(searched)
    narrow = [*chosen, *context.sweep(task, wider_cells(chosen, scale), "widths")]
    whole = context.sweep(task, whole_cells(scale), "of Table 5")
    rows = [*_paper_rows(narrow, whole, scale, counts), *_rows(narrow, scale, origin)]
    return Outcome(
        [*rows, *_validation_rows([*searched, *whole], origin)], draw(narrow, whole, origin)
    )


def _paper_rows(
    narrow: list[Found], whole: list[Found], scale: Scale, counts: dict[str, int]
) -> list[Row]:
    """The six cells of Table 1 at the widths of Table 5; or how far we came, and what it takes."""
    rows, chosen = [], best(whole)
    for quantity, number in printed("Table 1").items():
        mine, less = (
            [one for one in found if label(one.cell.layers, one.cell.filters) in quantity]
            for found in (whole, narrow)
        )
        for one in mine:
            cell, epochs = one.cell, scale.whole[one.cell.filters].epochs
            rank = f", {'better' if one in chosen else 'worse'} on validation images"
            for part, accuracy in one.test.items():
                where = (
                    f"{widths_of(cell)} filters, {cell.size} × {cell.size}, test images: {part}; "
                    f"CIFAR-10, {epochs} epochs{rank if len(mine) > 1 else ''}"
                )
                error = np.sqrt(accuracy * (100 - accuracy) / counts[part])
                rows.append(row(quantity, where, number, accuracy, REASON.format(error)))
        if not mine:
            reason = GPU
            if scale.data is not None:  # textures say nothing of CIFAR-10
                widest = max(less, key=lambda one: one.cell.width).cell
                reason = f"the widest that was trained has {widths_of(widest)} filters; {GPU}"
            rows.append(Row(quantity, "", number, None, None, "not run", reason))
    return rows


def _rows(narrow: list[Found], scale: Scale, origin: str) -> list[Row]:
    """Ours at every other width."""
    rows = []
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
    return rows


def _validation_rows(compared: list[Found], origin: str) -> list[Row]:
    """What the sizes of the filters were chosen by."""
    rows = []
    for one in compared:
        what = f"Validation, {label(one.cell.layers, one.cell.filters)}, accuracy %"
        width = one.cell.width or widths_of(one.cell)
        where = f"{origin}, width {width}, {one.cell.size} × {one.cell.size}"
        rows.append(row(what, where, None, one.validation))
    return rows


def draw(narrow: list[Found], whole: list[Found], origin: str) -> Any:
    """Accuracy against width, a panel for each depth; at its widths the paper's numbers, ours as diamonds."""
    figure, panels = plt.subplots(1, 3, figsize=(8.4, 3.1), sharey=True, layout="constrained")
    paper = printed("Table 1")
    for layers, axes in zip((1, 2, 3), panels, strict=True):
        for colour, filters in zip(COLOURS, ("random", "learned"), strict=False):
            full = paper_plan(layers, filters).architecture.convolutions[0].K
            points = sorted(
                (one.cell.width, next(iter(one.test.values())))
                for one in narrow
                if (one.cell.layers, one.cell.filters) == (layers, filters)
            )
            axes.plot(*zip(*points, strict=True), "o-", ms=4, color=colour, label=f"{filters}")
            for one in best(whole):
                if (one.cell.layers, one.cell.filters) == (layers, filters):
                    axes.plot(full, next(iter(one.test.values())), "D", ms=4, color=colour)
            if origin.startswith("CIFAR"):
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
    needs="nothing at quick scale (ten textures, or with --data DIR a part of CIFAR-10); at paper scale "
    "CIFAR-10 (--data DIR) and hours; a GPU for the paper's widths of two and three layers",
    claims=("Table 1",),
    gpu=True,
)
