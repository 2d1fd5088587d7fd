"""From images to a code: what a pooled layer holds, and the switches of all poolings on the way (§4.5).

The decoders of `cnninv.decoders` go back from it.
"""

from dataclasses import dataclass, replace
from typing import Any

from cnninv.architectures import Architecture, Conv, MaxPool, ReLU, plain_name
from cnninv.backend import array_namespace
from cnninv.geometry import conv_shape
from cnninv.layers import normalize_channels, pool_with_switches, pooled_length
from cnninv.networks import Network, is_network
from cnninv.validation import one_of, real_array


@dataclass(frozen=True, eq=False)
class Code:
    """Values and switches of images behind a pooling: the "what" and the "where" (Zhao et al. 2016).

    Attributes
    ----------
    layer : str
        The pooling, pool1 and so on.
    values : array, shape (batch, K, n1, n2)
        Its activation, after ReLU.
    switches : dict of integer arrays, shape (batch, K, n1, n2), by pooling
        For this pooling and those before it: row * width + column of the entry that was kept, in its
        channel's plane of the pooling's input.
    planes : dict of (height, width), by pooling
        Of those planes.
    size : (int, int)
        Height and width of the images.
    """

    layer: str
    values: Any
    switches: dict[str, Any]
    planes: dict[str, tuple[int, int]]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        values = real_array(self.values, "values", ndim=4)
        if set(self.switches) != set(self.planes) or self.layer not in self.switches:
            raise ValueError(
                f"switches are those of {', '.join(map(repr, self.switches))}; expected those of "
                f"{', '.join(map(repr, self.planes))}"
            )
        xp = array_namespace(values=values, **self.switches)
        for name, switches in self.switches.items():
            entries = self.planes[name][0] * self.planes[name][1]
            if switches.dtype.kind not in "iu":
                raise TypeError(f"switches[{name!r}] has dtype {switches.dtype}; expected integers")
            if name == self.layer and switches.shape != values.shape:
                raise ValueError(
                    f"values has shape {values.shape}; expected {switches.shape}, that of "
                    f"switches[{name!r}]"
                )
            if not bool(xp.logical_and(switches >= 0, switches < entries).all()):
                raise ValueError(
                    f"switches[{name!r}] reaches from {int(switches.min())} to {int(switches.max())}; "
                    f"expected entries in 0 … {entries - 1}"
                )

    def replace(self, **changes: Any) -> "Code":
        """The same code with other values or switches, of the same shapes.

        Raises
        ------
        TypeError, ValueError
            If they do not fit.
        """
        shapes = {"values": self.values.shape}
        shapes |= {name: switches.shape for name, switches in self.switches.items()}
        changed = replace(self, **changes)
        for name, found in {"values": changed.values, **changed.switches}.items():
            if found.shape != shapes[name]:
                what = name if name == "values" else f"switches[{name!r}]"
                raise ValueError(f"{what} has shape {found.shape}; expected {shapes[name]}")
        return changed

    def __repr__(self) -> str:
        batch, K, *n = self.values.shape
        return (
            f"Code({self.layer} of {batch} image{'s' if batch > 1 else ''} of {self.size[0]} × "
            f"{self.size[1]}: {K} × {' × '.join(map(str, n))} values each)"
        )


def encode(network: Network, images: Any, layer: str) -> Code:
    """The code of images behind a pooling of a network.

    Parameters
    ----------
    network : Network
    images : array, shape (3, height, width) or (batch, 3, height, width)
        RGB with values in [0, 1], of any size: preprocessed as the network wants it, but not cropped.
    layer : str
        A pooling: pool1, pool2, …; the paper's labels, "pool(3)", will do.

    Returns
    -------
    Code
        Where images and network are.

    Raises
    ------
    TypeError, ValueError
        If the images are none, or the network has no such pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from cnninv import random_network
    >>> network = random_network("vgg16-quarter", np.random.default_rng(0))
    >>> encode(network, np.full((3, 24, 40), 0.5), "pool2")
    Code(pool2 of 1 image of 24 × 40: 32 × 6 × 10 values each)
    """
    layer = pooling_name(is_network(network).architecture, layer)
    images = real_array(images, "images", ndim=(3, 4))
    x = network.preprocessing.whole(images[None] if images.ndim == 3 else images)
    xp = array_namespace(x=x, filters=network.filters(network.convolutions[0]))
    columns = xp.ascontiguousarray(xp.moveaxis(x.astype(network.dtype, copy=False), 0, -1))
    values, switches = encode_columns(network, columns, layer)
    planes = input_planes(network.architecture, x.shape[2:], layer)
    return Code(
        layer,
        xp.moveaxis(values, -1, 0),
        {name: xp.moveaxis(places, -1, 0) for name, places in switches.items()},
        {name: planes[name] for name in switches},
        tuple(x.shape[2:]),
    )


def encode_columns(network: Network, x: Any, layer: str) -> tuple[Any, dict[str, Any]]:
    """Values of a pooling and all switches, the images last, for preprocessed x with the images last."""
    h, switches = x, {}
    layers = layers_upto(network.architecture, layer)
    for step, following in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(step, Conv):
            h = network.convolve(step, h, relu=isinstance(following, ReLU))
        elif isinstance(step, MaxPool):
            h, switches[step.name] = pool_with_switches(h, step.size, step.stride)
        elif not isinstance(step, ReLU):  # which its convolution has done
            h = normalize_channels(h, step)
    return h, switches


def input_planes(
    architecture: Architecture, size: tuple[int, int], layer: str
) -> dict[str, tuple[int, int]]:
    """Height and width of the input of every layer up to that one, for images of a size."""
    planes, plane = {}, tuple(size)
    for step in layers_upto(architecture, layer):
        planes[step.name] = plane
        if isinstance(step, Conv):
            shape = architecture.shapes[step.name]
            plane = conv_shape(shape, plane, step.stride, step.padding, step.groups).positions
        elif isinstance(step, MaxPool):
            plane = tuple(pooled_length(length, step.size, step.stride) for length in plane)
    return planes


def layers_upto(architecture: Architecture, layer: str) -> list[Any]:
    """The layers from the first to that one."""
    names = [step.name for step in architecture.layers]
    return list(architecture.layers[: names.index(layer) + 1])


def pooling_name(architecture: Architecture, layer: str) -> str:
    """`layer` as the name of a pooling that there are weights for.

    Raises
    ------
    ValueError
        If it is none.
    """
    poolings = [step.name for step in architecture.layers if isinstance(step, MaxPool)]
    return one_of(plain_name(layer), "layer", tuple(poolings))
