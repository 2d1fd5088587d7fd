"""The networks of Tables 1 and 5: which are trained at which scale, how, and what came of it."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from cnninv.architectures import Architecture
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
    whole: dict[str, Settings] = field(default_factory=dict)
    """How networks of the width of Table 5 are trained, with random and with learned filters."""
    limit: float = np.inf
    """Multiply-adds for an image beyond which no network is trained."""
    data: str | None = None
    """Folder of CIFAR-10; None for textures."""
    images: int | None = None
    """Training images of CIFAR-10 that are used, with a thousand test images; all if None."""


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
PART = replace(
    QUICK,
    settings=Settings(epochs=3, batch=50, rate=0.05, validation=200, shift=2),
    images=1200,
)
"""As quick, for whoever has CIFAR-10 at hand."""
WIDE = {
    filters: Settings(epochs=4, batch=32, rate=rate, fused=True)
    for filters, rate in (("random", 0.01), ("learned", 0.03))
}
"""For tens of thousands of features: smaller steps, and more of them (rates chosen on validation images)."""
CORES = Scale(
    (8, 16, 32, 64, 128),
    16,
    (3, 5, 7),
    Settings(epochs=3, rate=0.05),
    dropout=0.1,
    whole=WIDE,
    limit=1.6e8,
)
CARD = Scale(
    (64, 256),
    256,
    (3, 5, 7),
    Settings(epochs=40, rate=0.05),
    dropout=0.5,
    whole={filters: replace(how, epochs=40) for filters, how in WIDE.items()},
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
    images = image_set(scale.data, scale.images)
    side = images.images.shape[-1]
    plan = paper_plan(cell.layers, cell.filters, cell.width or None, cell.size, side)
    trained = train(
        replace(plan, dropout=scale.dropout),
        images.images,
        images.labels,
        scale.settings if cell.width else scale.whole[cell.filters],
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
def image_set(data: str | None, images: int | None = None) -> ImageSet:
    """CIFAR-10 from that folder or the first images of it, or textures; read once in each process."""
    if data is None:
        return texture_images(np.random.default_rng(0), 1600)
    whole = read_cifar10(data)
    if images is None:
        return whole
    part, test = slice(images), slice(1000)
    return ImageSet(
        whole.classes,
        whole.images[part].copy(),
        whole.labels[part].copy(),
        whole.test_images[test].copy(),
        whole.test_labels[test].copy(),
        {"original": test},
        f"{whole.origin}, {images} images",
    )


def cells(scale: Scale) -> list[Cell]:
    """The networks that are trained to choose the size of the filters."""
    return [
        Cell(layers, filters, scale.search, size)
        for layers in (1, 2, 3)
        for filters in ("random", "learned")
        for size in scale.sizes
    ]


def wider_cells(chosen: list[Found], scale: Scale) -> list[Cell]:
    """The same networks at the other widths."""
    others = [width for width in scale.widths if width != scale.search]
    return _within(scale, [replace(one.cell, width=w) for one in chosen for w in others])


def whole_cells(scale: Scale) -> list[Cell]:
    """The networks of Table 5, with each size of filters that it may have."""
    sizes = [(layers, size) for layers, several in PRINTED_SIZES.items() for size in several]
    return _within(
        scale, [Cell(depth, filters, 0, l) for filters in scale.whole for depth, l in sizes]
    )


def _within(scale: Scale, wanted: list[Cell]) -> list[Cell]:
    return [cell for cell in wanted if multiply_adds(cell) <= scale.limit]


def multiply_adds(cell: Cell) -> int:
    """Of the convolutions, for an image of 32 × 32.

    Examples
    --------
    >>> multiply_adds(Cell(1, "random", 0, 5))
    157286400
    """
    shapes = _architecture(cell).shapes.values()
    return sum(K * M * l**2 * (32 // 2**i) ** 2 for i, (K, M, l, _) in enumerate(shapes))


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
    return "-".join(str(shape[0]) for shape in _architecture(cell).shapes.values())


def _architecture(cell: Cell) -> Architecture:
    return paper_plan(cell.layers, cell.filters, cell.width or None, cell.size).architecture
