"""The networks of Tables 1 and 5: which are trained at which scale, how, and what came of it."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from cnninv.backend import array_module
from cnninv.cifar10 import read_cifar10
from cnninv.imagesets import ImageSet
from cnninv.textures import texture_images
from cnninv.training import Settings, paper_plan, train

PRINTED_SIZES = {1: (3, 5), 2: (3,), 3: (3,)}
"""Of the filters of Table 5, by the number of layers; for one layer the size cannot be read."""


@dataclass(frozen=True)
class Scale:
    """Where the networks are trained, how wide they are, and how."""

    widths: tuple[int, ...]
    """Of the first layer."""
    search: int
    """The width at which the size of the filters is chosen, on the validation images."""
    sizes: tuple[int, ...]
    settings: Settings
    dropout: float
    """Of the features that the classifier sees: few of them can spare none."""
    whole: dict[tuple[int, str], Settings] = field(default_factory=dict)
    """Layers and filters of the networks that are trained at the width of Table 5 as well, and how."""
    data: str | None = None
    """Folder of CIFAR-10; None for textures."""


@dataclass(frozen=True)
class Cell:
    """One network to be trained."""

    layers: int
    filters: str
    width: int
    """Of the first layer; 0 is that of Table 5."""
    size: int


QUICK = Scale(
    (8, 16),
    16,
    (3, 5),
    Settings(epochs=6, batch=50, rate=0.05, validation=400, shift=2, flip=False),
    dropout=0.0,
)
WIDE = Settings(epochs=5, batch=32, rate=0.01, fused=True)
"""For tens of thousands of features: smaller steps, and more of them (chosen on validation images)."""
CORES = Scale(
    (8, 16, 32, 64, 128),
    16,
    (3, 5, 7),
    Settings(epochs=3, rate=0.05),
    dropout=0.1,
    whole={(1, "random"): WIDE, (1, "learned"): WIDE},
)
CARD = Scale(
    (64, 256),
    256,
    (3, 5, 7),
    Settings(epochs=40, rate=0.05),
    dropout=0.5,
    whole={
        (layers, filters): replace(WIDE, epochs=40)
        for layers in PRINTED_SIZES
        for filters in ("random", "learned")
    },
)


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
    images = image_set(scale.data)
    side = images.images.shape[-1]
    plan = paper_plan(cell.layers, cell.filters, cell.width or None, cell.size, side)
    trained = train(
        replace(plan, dropout=scale.dropout if cell.width else 0.5),
        images.images,
        images.labels,
        scale.settings if cell.width else scale.whole[cell.layers, cell.filters],
        xp=array_module(device),
        progress=False,
    )
    test = {
        part: 100 * trained.accuracy(images.test_images[where], images.test_labels[where])
        for part, where in images.test_parts.items()
    }
    validation = 100 * trained.history[-1]["validation"]
    return Found(cell, validation, test, trained.seconds)


@lru_cache(maxsize=1)
def image_set(data: str | None) -> ImageSet:
    """CIFAR-10 from that folder, or textures; read once in each process."""
    return texture_images(np.random.default_rng(0), 1600) if data is None else read_cifar10(data)


def cells(scale: Scale) -> list[Cell]:
    """The networks that are trained to choose the size of the filters."""
    return [
        Cell(layers, filters, scale.search, size)
        for layers in (1, 2, 3)
        for filters in ("random", "learned")
        for size in scale.sizes
    ]


def whole_cells(scale: Scale) -> list[Cell]:
    """The networks of Table 5 that are trained, with each size of filters that it may have."""
    return [
        Cell(layers, filters, 0, size)
        for layers, filters in scale.whole
        for size in PRINTED_SIZES[layers]
    ]


def best(found: list[Found]) -> list[Found]:
    """For each depth and kind of filters, the size that is best on the validation images."""
    chosen: dict[tuple[int, str], Found] = {}
    for one in found:
        place = one.cell.layers, one.cell.filters
        if place not in chosen or one.validation > chosen[place].validation:
            chosen[place] = one
    return list(chosen.values())


def label(layers: int, filters: str) -> str:
    """ "random filters, 2 layers"."""
    return f"{filters} filters, {layers} layer{'s' if layers > 1 else ''}"


def widths_of(cell: Cell) -> str:
    """ "2048-2048-1024", the filters of each layer."""
    plan = paper_plan(cell.layers, cell.filters, cell.width or None)
    return "-".join(str(shape[0]) for shape in plan.architecture.shapes.values())
