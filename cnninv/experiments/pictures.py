"""Figures 4 and 5: photographs brought back from inside a network, as grids (Gilbert 2017, §4.5, App. C.3).

The photographs are those that are installed and may be passed on; matplotlib's alone if scikit-image is not
there.
"""

from functools import partial

import numpy as np

from cnninv.backend import to_device
from cnninv.experiments.base import Context, Outcome, Row, row
from cnninv.experiments.inverting import TRAINED, shrunk, subject
from cnninv.images import center_crop, read_image
from cnninv.invert_network import WAYS, WayBack, draw_grid, invert_network
from cnninv.photographs import installed_photographs

NETWORK = "vgg16-quarter"
LETTERS = dict(zip(WAYS, "bcde", strict=True))
WITHOUT = "original activation,\nWᵀ, no training"


def run(context: Context, figure: str, layers: list[str], plain: bool = False) -> Outcome:
    """The grid of some poolings of the shipped network: its rows are those of the paper's figure.

    Parameters
    ----------
    context : Context
    figure : str
        The label in the paper.
    layers : list of str
    plain : bool
        Whether to show what comes back without training, too.
    """
    size = context.pick(96, 224)
    tasks = [
        (layer, photograph, rng)
        for layer in layers
        for photograph, rng in zip(
            installed_photographs(), context.streams(len(installed_photographs())), strict=True
        )
    ]
    task = partial(ways_back, data=context.data, device=context.device, size=size)
    found = context.sweep(task, tasks, figure)
    subject.cache_clear()
    rows: list[Row] = []
    grid = {"original": [_picture(name, size) for name in installed_photographs()]}
    for (layer, photograph, _), ways in zip(tasks, found, strict=True):
        for way in ways:
            rows += _rows(figure, layer, photograph, size, way)
        if len(layers) > 1:
            grid.setdefault(layer, [])  # a little space
        for line, way in _shown(ways, plain):
            grid.setdefault(f"{_label(layer)}\n{line}", []).append(way.image)
    return Outcome(rows, draw_grid(grid, size=0.6 if len(layers) > 1 else 1.1))


def ways_back(
    task: tuple[str, str, np.random.Generator], data: str | None, device: str, size: int
) -> list[WayBack]:
    """The ways back from a layer to one photograph."""
    (layer, photograph, rng), at = task, subject(NETWORK, data, device)
    image = to_device(_picture(photograph, size), device)
    return invert_network(at.network, image, layer, at.decoders[layer], rng)


def _picture(photograph: str, size: int) -> np.ndarray:
    """The middle of a photograph, brought to size × size pixels."""
    return center_crop(shrunk(read_image(photograph), size), size)


def _shown(ways: list[WayBack], plain: bool) -> list[tuple[str, WayBack]]:
    """Lines of the grid: the decoder that goes all ways, then Wᵀ."""
    first = ways[0].decoder
    shown = [(way.name, way) for way in ways if way.decoder == first]
    if plain and first == TRAINED:
        shown += [(WITHOUT, way) for way in ways if way.decoder != first]
    return shown


def _rows(figure: str, layer: str, photograph: str, size: int, way: WayBack) -> list[Row]:
    label = f"{figure} ({LETTERS[way.name]}) {_label(layer)}, {way.name}"
    where = f"{photograph}, {size} × {size}; {NETWORK}; {way.decoder}"
    numbers = {
        "‖f̂−f‖/‖f‖": way.activation_error,
        "‖x̂−x‖/‖x‖": way.error,
        "PSNR dB": way.psnr,
        "SSIM": way.ssim,
    }
    return [row(f"{label}, {name}", where, None, value) for name, value in numbers.items()]


def _label(layer: str) -> str:
    """The paper's name of a pooling."""
    return f"pool({layer.removeprefix('pool')})"
