"""What Table 4 measures: errors of one step of IHT, of activations and of images."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnninv.architectures import ARCHITECTURES
from cnninv.backend import array_namespace, to_host
from cnninv.encoding import Code, encode
from cnninv.experiments.coherences import printed
from cnninv.experiments.inverting import (
    Scene,
    Subject,
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
    conventions,
    one_steps,
    random_activation,
    relative_error,
)

LEARNED, RANDOM_FILTERS, ACTIVATIONS = "learned filters", "random filters", "random activations"
ORIGINAL = "original activations"
ACTIVATION, IMAGE = "activation space", "image space"
DECODED = (NEAREST, replace(NEAREST, positive=True), LITERAL)
"""The readings whose activations are decoded to images."""
PHOTO = "of the photograph, pixels in [0, 1]"
CENTRED = "of the photograph, mean colour subtracted"
DECODING = "of the decoded original activation"


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
