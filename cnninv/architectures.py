"""Architectures as data: the convolutional part of VGG-16 and AlexNet (Gilbert 2017, §4.3, Appendix C.2).

A network is a list of layers; shapes of filters, names in files and the forward pass follow from the list.
Fully connected layers are left out: the paper is about convolutions.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from cnninv.validation import one_of

VGG_MEAN = (123.68, 116.779, 103.939)
"""What VGG-16 was trained to have subtracted from red, green and blue (Simonyan and Zisserman 2015)."""


@dataclass(frozen=True)
class Conv:
    """K filters of size × size, with a bias each."""

    name: str
    K: int
    size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    """Filters of group g see the g-th part of the channels only."""


@dataclass(frozen=True)
class ReLU:
    """max(h, 0)."""

    name: str


@dataclass(frozen=True)
class MaxPool:
    """The largest entry of each window; windows overlap if the stride is smaller; partial ones count."""

    name: str
    size: int
    stride: int


@dataclass(frozen=True)
class Normalization:
    """h_i/(k + α/size · Σ h_j²)^β, over `size` channels j about i (Krizhevsky 2012, §3.3, as Caffe has it)."""

    name: str
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0


Layer = Conv | ReLU | MaxPool | Normalization


@dataclass(frozen=True)
class Architecture:
    """A list of layers, and the photographs that they expect.

    Examples
    --------
    >>> VGG16.filters_shape("conv5_2")
    (512, 512, 3, 3)
    >>> [layer.name for layer in ALEXNET.upto("conv2").layers]
    ['conv1', 'relu1', 'norm1', 'pool1', 'conv2', 'relu2', 'norm2', 'pool2']
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    crop: int
    """Height and width of the input."""
    mean: tuple[float, ...] | None = None
    """Of red, green and blue in 0 … 255; None if it comes with the weights."""
    channels: int = 3

    @cached_property
    def convolutions(self) -> tuple[Conv, ...]:
        """The convolutional layers, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """(K, M/groups, l, l) for each convolution."""
        shapes, M = {}, self.channels
        for conv in self.convolutions:
            shapes[conv.name] = (conv.K, M // conv.groups, conv.size, conv.size)
            M = conv.K
        return shapes

    def filters_shape(self, layer: str) -> tuple[int, int, int, int]:
        """(K, M/groups, l, l) of a convolution; the paper's labels, "c(5,2)", will do.

        Raises
        ------
        ValueError
            If there is no such convolution.
        """
        return self.shapes[self.convolution(layer).name]

    def convolution(self, layer: str) -> Conv:
        """The convolution of that name.

        Raises
        ------
        ValueError
            If there is none.
        """
        names = tuple(self.shapes)
        name = one_of(plain_name(layer), "layer", names)
        return self.convolutions[names.index(name)]

    def upto(self, layer: str) -> "Architecture":
        """The same with fewer layers: to that convolution and what follows it before the next."""
        last = self.convolution(layer)
        following = self.convolutions[self.convolutions.index(last) + 1 :]
        if not following:
            return self
        kept = takewhile(lambda layer: layer is not following[0], self.layers)
        return replace(self, layers=tuple(kept))


def plain_name(label: str) -> str:
    """conv5_2 for the paper's "conv(5,2)" and "c(5,2)", pool1 for "pool(1)" and "p(1)"; else as it is.

    Examples
    --------
    >>> plain_name("c(5, 2)"), plain_name("p(1)"), plain_name("relu5_2")
    ('conv5_2', 'pool1', 'relu5_2')
    """
    if not isinstance(label, str):
        return label
    found = re.fullmatch(r"(c|conv|p|pool)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", label.strip())
    if not found:
        return label
    kind, first, second = found.groups()
    return {"c": "conv", "p": "pool"}[kind[0]] + first + (f"_{second}" if second else "")


def _vgg(macro_layers: tuple[tuple[int, int], ...]) -> tuple[Layer, ...]:
    """Macro layers of (number of convolutions, K): 3 × 3 with a ReLU each, then 2 × 2 pooling."""
    layers: list[Layer] = []
    for i, (count, K) in enumerate(macro_layers, start=1):
        for j in range(1, count + 1):
            layers += [Conv(f"conv{i}_{j}", K, 3, padding=1), ReLU(f"relu{i}_{j}")]
        layers.append(MaxPool(f"pool{i}", 2, 2))
    return tuple(layers)


VGG16 = Architecture(
    "vgg16",
    "VGG-16 (configuration D)",
    _vgg(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))),
    crop=224,
    mean=VGG_MEAN,
)

ALEXNET = Architecture(
    "alexnet",
    "AlexNet",
    (
        Conv("conv1", 96, 11, stride=4),
        ReLU("relu1"),
        Normalization("norm1"),
        MaxPool("pool1", 3, 2),
        Conv("conv2", 256, 5, padding=2, groups=2),
        ReLU("relu2"),
        Normalization("norm2"),
        MaxPool("pool2", 3, 2),
        Conv("conv3", 384, 3, padding=1),
        ReLU("relu3"),
        Conv("conv4", 384, 3, padding=1, groups=2),
        ReLU("relu4"),
        Conv("conv5", 256, 3, padding=1, groups=2),
        ReLU("relu5"),
        MaxPool("pool5", 3, 2),
    ),
    crop=227,
)

VGG16_QUARTER = Architecture(
    "vgg16-quarter",
    "VGG-16 at a quarter of its width, for CIFAR-10",
    _vgg(((2, 16), (2, 32), (3, 64), (3, 128), (3, 128))),
    crop=32,
)

ARCHITECTURES = {network.name: network for network in (VGG16, ALEXNET, VGG16_QUARTER)}
