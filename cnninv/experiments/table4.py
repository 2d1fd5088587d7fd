"""Table 4: activations and images reconstructed by one step of IHT, by layer (Gilbert 2017, §4.5).

The paper does not say which entries M keeps, whether switches are known, and where there is a ReLU, nor what
its errors in image space are relative to. Every reading has rows of its own, and `deviations` says how near it
comes to the printed numbers of all layers at once.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ARCHITECTURES
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.coherences import printed
from cnninv.experiments.inverting import (
    NETWORKS,
    TRAINED,
    TRANSPOSED,
    scenes,
    subject,
)
from cnninv.experiments.reconstruction_errors import (
    ACTIVATION,
    ACTIVATIONS,
    IMAGE,
    LEARNED,
    PHOTO,
    RANDOM_FILTERS,
    Cell,
    Table,
    gather,
    measure,
)
from cnninv.one_step import (
    LITERAL,
    NEAREST,
    RANDOM,
    Convention,
    conventions,
)
from cnninv.plots import COLOURS

RESAMPLED = 1000
REASONS = {
    ACTIVATION: "the paper leaves pooling, switches and ReLU open: see the other readings",
    IMAGE: "another decoder than the paper's; what its errors are relative to is open",
}


def run(context: Context) -> Outcome:
    """The shipped network, and the paper's where its weights are in `--data`."""
    rows: list[Row] = []
    tables: dict[str, Table] = {}
    for name in NETWORKS:
        drawn, where = scenes(context, name)
        if subject(name, context.data, context.device) is None:
            rows += [_not_run(quantity, paper) for quantity, paper in printed("Table 4").items()]
            continue
        task = partial(measure, name=name, data=context.data, device=context.device)
        tables[name] = gather(context.sweep(task, drawn, f"table4, {name}"))
        rows += _rows(name, tables[name], where) + deviations(name, tables[name])
    subject.cache_clear()
    return Outcome(rows, draw(tables))


def _rows(name: str, table: Table, where: str) -> list[Row]:
    """In the order of the paper; its numbers stand beside its own network, and a trained decoder, only."""
    paper = printed("Table 4") if name == "vgg16" else {}
    rng, rows = np.random.default_rng(0), []
    for cell in sorted(filter(_reported, table), key=_order):
        own = cell.space == ACTIVATION or TRAINED in cell.convention.split("; ")
        number, values = paper.get(cell.quantity) if own else None, np.array(table[cell])
        words = f"{cell.convention}; {name}, {where}"
        quantity = cell.quantity if _main(cell) else _other_reading(cell)
        rows.append(row(quantity, words, number, values, REASONS[cell.space]))
        if number is not None and cell.convention.startswith(f"{NEAREST}"):
            means = rng.choice(values, (RESAMPLED, len(values))).mean(axis=1)
            words += "; spread of the mean (bootstrap)"
            rows.append(row(cell.quantity, words, number, means, REASONS[cell.space]))
    compared = {found.quantity for found in rows if found.paper is not None}
    return rows + [_not_run(label, paper[label]) for label in paper if label not in compared]


def _main(cell: Cell) -> bool:
    """Whether a cell is of the nearest reading, in activation space of the literal one, or of none."""
    main = ("", TRAINED, TRANSPOSED, str(NEAREST), RANDOM[0])
    return cell.convention.split("; ")[0] in main or cell.convention == str(LITERAL)


def _other_reading(cell: Cell) -> str:
    """The label of a row that is not in the ledger, which has one number of the paper on few lines."""
    return cell.quantity.replace("Table 4", "Table 4, other readings:", 1)


def _reported(cell: Cell) -> bool:
    """Whether a cell gets a row: in image space, of the other readings only what the first measure says."""
    return cell.space == ACTIVATION or _main(cell) or cell.convention.endswith(PHOTO)


def _order(cell: Cell) -> tuple[int, str, str]:
    return cell.layer, cell.space, cell.column


def ranking(table: Table) -> list[tuple[float, int, Convention]]:
    """The readings by their root mean square deviation from what is printed of learned and random filters.

    Returns
    -------
    list of (deviation, number of printed numbers, reading), nearest first
    """
    paper, found = printed("Table 4"), []
    for convention in conventions():
        # Gaussian filters have no bias
        without = replace(convention, hidden=convention.hidden.replace(" + b", ""))
        cells = [
            cell
            for cell in table
            if cell.space == ACTIVATION
            and (cell.column, cell.convention)
            in ((LEARNED, str(convention)), (RANDOM_FILTERS, str(without)))
        ]
        gaps = [np.mean(table[cell]) - paper[cell.quantity] for cell in cells]
        found.append((float(np.sqrt(np.mean(np.square(gaps)))), len(gaps), convention))
    return sorted(found, key=lambda entry: entry[0])


def deviations(name: str, table: Table) -> list[Row]:
    """`ranking` as rows."""
    return [
        row(
            "Table 4, activation space, root mean square deviation from the printed numbers",
            f"{convention}; {name}, {count} numbers at once",
            None,
            deviation,
        )
        for deviation, count, convention in ranking(table)
    ]


def _not_run(quantity: str, paper: float) -> Row:
    needs = (
        "cnninv run table4 --scale paper --data DIR, with VGG-16's weights in DIR, those of the layer above "
        "included; for image space a decoder trained for it in DIR/decoders"
    )
    return Row(quantity, "", paper, None, None, "not run", needs)


def draw(tables: dict[str, Table]) -> Any:
    """By network and space: the paper's numbers as circles, all readings as dots, the nearest as squares."""
    figure, axes = plt.subplots(
        len(tables), 2, figsize=(7, 0.8 + 2.5 * len(tables)), squeeze=False, layout="constrained"
    )
    paper = printed("Table 4")
    for line, (name, table) in zip(axes, tables.items(), strict=True):
        trained = any(TRAINED in cell.convention for cell in table)
        for ax, space in zip(line, (ACTIVATION, IMAGE), strict=True):
            for place, column in enumerate((LEARNED, RANDOM_FILTERS, ACTIVATIONS)):
                shift, colour = 0.22 * (place - 1), COLOURS[place]
                for cell, values in table.items():
                    drawn = (cell.space, cell.column) == (space, column)
                    if not drawn or not _comparable(cell, trained):
                        continue
                    main = cell.convention.split("; ")[0] in (str(NEAREST), RANDOM[0])
                    at = cell.layer + shift
                    ax.plot(
                        at, np.mean(values), "s" if main else ".", color=colour, ms=6 if main else 2
                    )
                    if main:
                        ax.vlines(
                            at, *np.quantile(values, [0.01, 0.99]), color=colour, alpha=0.4, lw=4
                        )
                printed_here = [paper[f"Table 4 layer {i}, {space}, {column}"] for i in range(1, 5)]
                ax.plot(
                    np.arange(1, 5) + shift,
                    printed_here,
                    "o",
                    ms=10,
                    mfc="none",
                    mec=colour,
                    label=column,
                )
            ax.set(xticks=range(1, 5), xlabel="macro layer", ylabel="relative error")
            ax.set_title(f"{ARCHITECTURES[name].title.split(',')[0]}\n{space}", fontsize=9)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        title="circles: the paper; squares: nearest reading, bars: 98 % of photographs; dots: other readings",
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        title_fontsize=8,
    )
    return figure


def _comparable(cell: Cell, trained: bool) -> bool:
    """Whether it is an error in activation space, or relative to the photograph with the decoder of all."""
    words = cell.convention.split("; ")
    return cell.space == ACTIVATION or (words[-1] == PHOTO and (TRAINED in words) == trained)


EXPERIMENT = Experiment(
    name="table4",
    paper_item="Table 4",
    title="activations and images reconstructed by one step of IHT",
    run=run,
    needs="nothing for the shipped network; VGG-16's weights and photographs in --data DIR for the paper's",
    gpu=True,
    claims=("Table 4",),
)
