"""Table 4: activations and images reconstructed by one step of IHT, by layer (Gilbert 2017, §4.5).

The paper does not say which entries M keeps, whether switches are known, and where there is a ReLU, nor what
its errors in image space are relative to. Every reading has rows of its own, and `deviations` says how near it
comes to the printed numbers of all layers at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ARCHITECTURES
from cnninv.backend import array_namespace, to_host
from cnninv.encoding import Code, encode
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.coherences import printed
from cnninv.experiments.inverting import (
    NETWORKS,
    TRAINED,
    TRANSPOSED,
    Scene,
    Subject,
    scenes,
    subject,
)
from cnninv.filters import random_filters
from cnninv.images import psnr, ssim
from cnninv.invert_network import layer_above
from cnninv.networks import Network
from cnninv.one_step import (
    LITERAL,
    NEAREST,
    RANDOM,
    Convention,
    conventions,
    one_steps,
    random_activation,
    relative_error,
)
from cnninv.plots import COLOURS

LEARNED, RANDOM_FILTERS, ACTIVATIONS = "learned filters", "random filters", "random activations"
ORIGINAL = "original activations"
RESAMPLED = 1000
ACTIVATION, IMAGE = "activation space", "image space"
DECODED = (NEAREST, replace(NEAREST, positive=True), LITERAL)
"""The readings whose activations are decoded to images."""
PHOTO = "of the photograph, pixels in [0, 1]"
CENTRED = "of the photograph, mean colour subtracted"
DECODING = "of the decoded original activation"
REASONS = {
    ACTIVATION: "the paper leaves pooling, switches and ReLU open: see the other readings",
    IMAGE: "another decoder than the paper's; what its errors are relative to is open",
}


@dataclass(frozen=True)
class Cell:
    """What a number of one photograph is of."""

    layer: int
    space: str
    column: str
    convention: str

    @property
    def quantity(self) -> str:
        """The label in data/paper.json."""
        return f"Table 4 layer {self.layer}, {self.space}, {self.column}"


@dataclass(frozen=True)
class Measured:
    """One number of one photograph."""

    cell: Cell
    value: float


Table = dict[Cell, list[float]]


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


def measure(scene: Scene, name: str, data: str | None, device: str) -> list[Measured]:
    """Table 4 of one photograph."""
    at, x = subject(name, data, device), scene.picture(device)
    found = []
    for number, layer in enumerate(at.layers, start=1):
        if layer_above(at.network, layer) is not None:
            found += _of_layer(at, number, encode(at.network, x, layer), x, scene.rng)
    return found


def gather(found: list[list[Measured]]) -> Table:
    """The numbers of all photographs, by cell."""
    table: Table = {}
    for measured in (measured for one in found for measured in one):
        table.setdefault(measured.cell, []).append(measured.value)
    return table


def active_entries(network: Network, f: Any, above: str) -> int:
    """k: how many hidden units of the layer above are active, or would be by Table 2 if it is not there."""
    if above in network.convolutions:
        W = network.operator(above, f.shape[1:])
        return int((W.forward(f.reshape(-1), network.bias(above)) > 0).sum())
    architecture = ARCHITECTURES[network.architecture.name]
    label = above.removeprefix("conv").replace("_", ",")
    share = printed("Table 2")[f"Table 2 c({label}) non-zeros %"] / 100
    return round(share * architecture.shapes[above][0] * f.shape[1] * f.shape[2])


def _of_layer(
    at: Subject, number: int, code: Code, x: Any, rng: np.random.Generator
) -> Iterator[Measured]:
    network, f = at.network, code.values[0]
    above, (K, M, *size) = layer_above(network, code.layer)
    drawn = random_filters(K, M, tuple(size), rng)
    banks = {RANDOM_FILTERS: (array_namespace(f).asarray(drawn, dtype=f.dtype), None)}
    if above in network.convolutions:
        banks[LEARNED] = (network.filters(above), network.bias(above))
    k, values = active_entries(network, f, above), {(ORIGINAL, ""): f}
    for column, (filters, bias) in banks.items():
        for convention, f_hat in one_steps(f, filters, conventions(bias is not None), k, bias):
            cell = Cell(number, ACTIVATION, column, str(convention))
            yield Measured(cell, relative_error(f_hat, f))
            if convention in DECODED:
                values[column, str(convention)] = f_hat
    for kind in RANDOM:
        f_hat = values[ACTIVATIONS, kind] = random_activation(f, rng, kind)
        yield Measured(Cell(number, ACTIVATION, ACTIVATIONS, kind), relative_error(f_hat, f))
    for decoder, decode in at.decoders[code.layer].items():
        pictures = to_host(decode(_with_values(code, list(values.values()))))
        x_hat = dict(zip(values, pictures.astype(float).clip(0, 1), strict=True))
        for (column, convention), picture in x_hat.items():
            measures = _in_images(picture, to_host(x), x_hat[ORIGINAL, ""], network)
            for quality, measure, value in measures:
                words = "; ".join(filter(None, (convention, decoder, measure)))
                yield Measured(Cell(number, IMAGE, column + quality, words), value)


def _with_values(code: Code, values: list[Any]) -> Code:
    """A batch: the switches of one image with each of the values."""
    xp = array_namespace(code.values)
    switches = {
        name: xp.repeat(places, len(values), axis=0) for name, places in code.switches.items()
    }
    return Code(code.layer, xp.stack(values), switches, code.planes, code.size)


def _in_images(
    x_hat: np.ndarray, x: np.ndarray, decoded: np.ndarray, network: Network
) -> Iterator[tuple[str, str, float]]:
    """What is measured in image space, relative to what, and the number."""
    mean = np.asarray(network.preprocessing.mean).reshape(3, 1, 1) / 255
    yield "", PHOTO, relative_error(x_hat, x)
    yield "", CENTRED, relative_error(x_hat - mean, x - mean)
    if x_hat is not decoded:
        yield "", DECODING, relative_error(x_hat, decoded)
    yield ", PSNR dB", "", psnr(x, x_hat)
    yield ", SSIM", "", ssim(x, x_hat)


def _rows(name: str, table: Table, where: str) -> list[Row]:
    """In the order of the paper; its numbers stand beside its own network, and a trained decoder, only."""
    paper = printed("Table 4") if name == "vgg16" else {}
    rng, rows = np.random.default_rng(0), []
    for cell in sorted(filter(_reported, table), key=_order):
        own = cell.space == ACTIVATION or TRAINED in cell.convention.split("; ")
        number, values = paper.get(cell.quantity) if own else None, np.array(table[cell])
        words = f"{cell.convention}; {name}, {where}"
        rows.append(row(cell.quantity, words, number, values, REASONS[cell.space]))
        if number is not None and cell.convention.startswith(f"{NEAREST}"):
            means = rng.choice(values, (RESAMPLED, len(values))).mean(axis=1)
            words += "; spread of the mean (bootstrap)"
            rows.append(row(cell.quantity, words, number, means, REASONS[cell.space]))
    compared = {found.quantity for found in rows if found.paper is not None}
    return rows + [_not_run(label, paper[label]) for label in paper if label not in compared]


def _reported(cell: Cell) -> bool:
    """Whether a cell gets a row: in image space, of the other readings only what the first measure says."""
    main = ("", TRAINED, TRANSPOSED, str(NEAREST), RANDOM[0])
    words = cell.convention.split("; ")
    return cell.space == ACTIVATION or words[0] in main or words[-1] == PHOTO


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
                    if (cell.space, cell.column) != (space, column):
                        continue
                    at, main = cell.layer + shift, _is_main(cell, trained)
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
        title="circles: the paper; squares: nearest reading, bars: 98 % of the photographs; dots: others",
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        title_fontsize=8,
    )
    return figure


def _is_main(cell: Cell, trained: bool) -> bool:
    """Whether it is the reading that all is drawn for: `NEAREST`, and in image space of the photograph."""
    words = cell.convention.split("; ")
    if words[0] not in (str(NEAREST), RANDOM[0]):
        return False
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
