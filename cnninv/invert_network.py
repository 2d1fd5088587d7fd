"""A photograph brought back from inside a network: the grid of Figures 4 and 5 (Gilbert 2017, §4.5, App. C.3).

The code of a photograph is what a pooling gives and all switches on the way to it. A decoder goes back from
the code itself, from the code with its values reconstructed by one step of IHT, and from one with random
values. The switches stay in every case.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.architectures import ARCHITECTURES, Architecture, Conv
from cnninv.backend import array_namespace, to_host
from cnninv.encoding import Code, encode, layers_upto, pooling_name
from cnninv.filters import random_filters
from cnninv.images import psnr, ssim
from cnninv.networks import Network
from cnninv.one_step import NEAREST, Convention, one_step, random_activation, relative_error
from cnninv.validation import generator, real_array

ORIGINAL = "original activation"
LEARNED = "IHT, learned filters"
RANDOM_FILTERS = "IHT, random filters"
RANDOM_VALUES = "random activation"
WAYS = (ORIGINAL, LEARNED, RANDOM_FILTERS, RANDOM_VALUES)


@dataclass(frozen=True)
class WayBack:
    """One picture of the grid."""

    name: str
    decoder: str
    image: np.ndarray
    """x̂, shape (3, height, width), not clipped."""
    activation_error: float
    """‖f̂ − f‖/‖f‖."""
    error: float
    """‖x̂ − x‖/‖x‖, pixels clipped to [0, 1]."""
    psnr: float
    """In dB, pixels clipped."""
    ssim: float
    """Structural similarity, pixels clipped."""


def layer_above(network: Network, layer: str) -> tuple[str, tuple[int, ...]] | None:
    """Name and shape of the filters that see a pooling, whether the network has them or not.

    Examples
    --------
    >>> from cnninv import random_network
    >>> vgg = random_network("vgg16", np.random.default_rng(0), last="conv1_2")
    >>> layer_above(vgg, "pool1"), layer_above(vgg, "pool(1)") is None
    (('conv2_1', (128, 64, 3, 3)), False)
    """
    layer = pooling_name(network.architecture, layer)
    whole = ARCHITECTURES.get(network.architecture.name, network.architecture)
    names = [step.name for step in whole.layers]
    following = [s for s in whole.layers[names.index(layer) + 1 :] if isinstance(s, Conv)]
    return (following[0].name, whole.shapes[following[0].name]) if following else None


def reconstructed_values(
    network: Network,
    f: Any,
    layer: str,
    rng: np.random.Generator,
    convention: Convention = NEAREST,
    k: int | None = None,
) -> dict[str, Any]:
    """What stands in the place of an activation, by the names of `WAYS`.

    Parameters
    ----------
    network : Network
    f : array, shape (K, n1, n2)
        What the pooling gives for one image.
    layer : str
        The pooling.
    rng : numpy.random.Generator
        Draws the filters, then the activation.
    convention, k
        As in `one_step`.

    Returns
    -------
    dict of arrays of the shape of f
        Without IHT where there is no layer above, without learned filters where it has no weights.
    """
    f, rng = real_array(f, "f", ndim=3), generator(rng)
    found, above = {ORIGINAL: f}, layer_above(network, layer)
    if above is not None:
        name, (K, M, *size) = above
        if name in network.convolutions:
            found[LEARNED] = one_step(f, network.filters(name), convention, k, network.bias(name))
        filters = array_namespace(f).asarray(random_filters(K, M, tuple(size), rng), dtype=f.dtype)
        found[RANDOM_FILTERS] = one_step(f, filters, convention, k)
    found[RANDOM_VALUES] = random_activation(f, rng)
    return found


def invert_network(
    network: Network,
    image: Any,
    layer: str,
    decoders: dict[str, Any],
    rng: np.random.Generator,
    convention: Convention = NEAREST,
) -> list[WayBack]:
    """The ways back from a pooling of a network to one photograph.

    Parameters
    ----------
    network : Network
    image : array, shape (3, height, width)
        Values in [0, 1].
    layer : str
        A pooling, pool1, pool2, …
    decoders : dict of callables
        By the name that the pictures get: from a `Code` to images. The first one goes all ways, the others go
        back from the original activation only.
    rng : numpy.random.Generator
    convention : Convention
        Of the step of IHT.

    Returns
    -------
    list of WayBack
        Pictures in memory.

    Raises
    ------
    TypeError, ValueError
        If the image is none or too small, or the network has no such pooling.
    """
    image, layer = real_array(image, "image", ndim=3), pooling_name(network.architecture, layer)
    apart = pixels_apart(network.architecture, layer)
    if min(image.shape[1:]) < apart:
        raise ValueError(
            f"image has {image.shape[1]} × {image.shape[2]} pixels; {layer} needs at least "
            f"{apart} × {apart}"
        )
    code = encode(network, image, layer)
    values = reconstructed_values(network, code.values[0], layer, rng, convention)
    return [
        _way_back(name, values[name], decoder, decode, code, image)
        for place, (decoder, decode) in enumerate(decoders.items())
        for name in (values if place == 0 else [ORIGINAL])
    ]


def pixels_apart(architecture: Architecture, layer: str) -> int:
    """Pixels from one position of a layer to the next: the product of all strides on the way.

    Examples
    --------
    >>> [pixels_apart(ARCHITECTURES["vgg16"], f"pool{i}") for i in (1, 2, 5)]
    [2, 4, 32]
    """
    return prod(getattr(step, "stride", 1) for step in layers_upto(architecture, layer))


def _way_back(name: str, values: Any, decoder: str, decode: Any, code: Code, image: Any) -> WayBack:
    x_hat = to_host(decode(code.replace(values=values[None]))[0]).astype(float)
    x, shown = to_host(image).astype(float), np.clip(x_hat, 0, 1)
    return WayBack(
        name,
        decoder,
        x_hat,
        relative_error(values, code.values[0]),
        relative_error(shown, x),
        psnr(x, shown),
        ssim(x, shown),
    )


def draw_grid(rows: dict[str, list[np.ndarray]], size: float = 1.6) -> Any:
    """Pictures in rows, each row with its name: one column for each photograph, as in Figure 5.

    Parameters
    ----------
    rows : dict of lists of arrays, shape (3, height, width)
        Clipped to [0, 1]; a row without pictures is a little space.
    size : float
        Of a picture, in inches.
    """
    count = max(map(len, rows.values()))
    heights = [1.0 if pictures else 0.08 for pictures in rows.values()]
    figure, axes = plt.subplots(
        len(rows),
        count,
        figsize=(size * count + 1.2, size * sum(heights) * 1.02),
        squeeze=False,
        layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.01, hspace=0, wspace=0)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        for axis, picture in zip(line, pictures, strict=False):
            axis.imshow(np.clip(picture.transpose(1, 2, 0), 0, 1))
        if pictures:
            line[0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    return figure


def draw_ways(image: np.ndarray, found: list[WayBack], size: float = 2.4) -> Any:
    """The photograph and all ways back, each with its numbers, as one figure."""
    columns = 3
    lines = -(-(len(found) + 1) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(columns * size, lines * (size + 0.35)), layout="constrained"
    )
    pictures = [("original", image)]
    pictures += [
        (f"{way.name}, {way.decoder}\n{way.psnr:.1f} dB, SSIM {way.ssim:.2f}", way.image)
        for way in found
    ]
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, picture) in zip(axes.flat, pictures, strict=False):
        axis.imshow(np.clip(picture.transpose(1, 2, 0), 0, 1))
        axis.set_title(title, fontsize=8)
    return figure
