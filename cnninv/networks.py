"""Real networks: filters, and activations after every layer of the forward pass (Gilbert 2017, §4.3, App. C).

Every convolution is h = W x with the factored W of `ConvOperator`, so by dense matrix products. Inside, the
images of a batch come last, as columns do.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import (
    ARCHITECTURES,
    Architecture,
    Conv,
    Layer,
    MaxPool,
    Normalization,
    ReLU,
    plain_name,
)
from cnninv.backend import array_namespace, to_device
from cnninv.layers import max_pool_windows, normalize_channels
from cnninv.operator import ConvOperator
from cnninv.preprocessing import Preprocessing
from cnninv.validation import one_of, real_array
from cnninv.weights import Weights, write_weights


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """The convolutional part of a network, with weights for its first layers or for all.

    Layers are named conv1_1 (before ReLU), relu1_1 (after; what Table 2 counts), pool1, and so on, in AlexNet
    conv1, relu1, norm1, pool1. Of the paper's labels, "c(1,1)" and "conv(1,1)" name filters, "p(1)" and
    "pool(1)" activations.

    Attributes
    ----------
    architecture : Architecture
        Cut off behind the last convolution there are weights for.
    preprocessing : Preprocessing
        From images to inputs; part of the network.
    origin : str
        Where the weights came from.
    """

    weights: Weights

    @property
    def architecture(self) -> Architecture:
        return self.weights.architecture

    @property
    def preprocessing(self) -> Preprocessing:
        return self.weights.preprocessing

    @property
    def origin(self) -> str:
        return self.weights.origin

    @property
    def convolutions(self) -> list[str]:
        """Names of the convolutions, in order."""
        return list(self.architecture.shapes)

    @property
    def layers(self) -> list[str]:
        """Names of all layers, in order."""
        return [layer.name for layer in self.architecture.layers]

    @property
    def dtype(self) -> np.dtype:
        """Of weights and activations."""
        return self.weights.filters[self.convolutions[0]].dtype

    def filters(self, layer: str) -> Any:
        """Filters of a convolution, shape (K, M/groups, l1, l2).

        Raises
        ------
        ValueError
            If there is no such convolution.
        """
        return self.weights.filters[self.architecture.convolution(layer).name]

    def bias(self, layer: str) -> Any:
        """The bias of each filter of a convolution, shape (K,)."""
        return self.weights.biases[self.architecture.convolution(layer).name]

    def operator(self, layer: str, input_shape: tuple[int, int]) -> ConvOperator:
        """W of a convolution, with the layer's own stride, padding and groups.

        Parameters
        ----------
        layer : str
        input_shape : (int, int)
            D of its input.
        """
        conv = self.architecture.convolution(layer)
        return ConvOperator(
            self.filters(layer), input_shape, conv.stride, conv.padding, conv.groups
        )

    def on(self, device: str) -> "Network":
        """The same network with filters and biases on a device, "cpu" or "cuda": inputs go there too.

        Examples
        --------
        >>> from cnninv import random_network
        >>> random_network("alexnet", np.random.default_rng(0), last="conv1").on("cpu").dtype
        dtype('float32')
        """
        moved = {
            kind: {name: to_device(array, device) for name, array in arrays.items()}
            for kind, arrays in (("filters", self.weights.filters), ("biases", self.weights.biases))
        }
        return Network(replace(self.weights, **moved))

    def activations(self, image: Any, layers: str | Iterable[str] | None = None) -> dict[str, Any]:
        """Activations of an image, which is preprocessed first; both are where the network is.

        Parameters
        ----------
        image : array, shape (3, height, width) or (batch, 3, height, width)
            RGB with values in [0, 1], as `cnninv.images.read_image` gives them.
        layers : str or sequence of str, optional
            Names of layers; all if not given. Memory beside them is near what the largest layer needs.

        Returns
        -------
        dict of arrays, shape (K, n1, n2) or (batch, K, n1, n2), by the names as given

        Raises
        ------
        TypeError, ValueError
            If the image is none, is too small, or a layer does not exist.
        """
        return self.forward(self.preprocessing(image), layers)

    def forward(self, x: Any, layers: str | Iterable[str] | None = None) -> dict[str, Any]:
        """Activations for an input of any size that has been preprocessed already.

        Parameters and what is returned are those of `activations`, for x in the place of the image.
        """
        names = self._wanted(layers)
        x = real_array(x, "x", ndim=(3, 4)).astype(self.dtype, copy=False)
        if x.shape[-3] != self.architecture.channels:
            raise ValueError(
                f"x has shape {x.shape}; expected ({self.architecture.channels}, height, width), or a "
                f"batch of them"
            )
        xp, single = array_namespace(x=x, filters=self.filters(self.convolutions[0])), x.ndim == 3
        h = xp.ascontiguousarray(x[..., None] if single else xp.moveaxis(x, 0, -1))
        kept, wanted = {}, set(names.values())
        todo = list(self.architecture.layers)
        while wanted - set(kept):
            layer, *todo = todo
            # a ReLU whose input nobody wants is done in the same pass as the convolution
            fused = (
                isinstance(layer, Conv) and layer.name not in wanted and isinstance(todo[0], ReLU)
            )
            if fused:
                h, (layer, *todo) = self.convolve(layer, h, relu=True), todo
            else:
                h = self._apply(layer, h)
            if layer.name in wanted:
                kept[layer.name] = h[..., 0] if single else xp.moveaxis(h, -1, 0)
        return {given: kept[name] for given, name in names.items()}

    def convolve(self, layer: Conv, h: Any, relu: bool = False) -> Any:
        """W h + b, then ReLU if asked for, with the images last: h has shape (M, height, width, batch)."""
        W = self.operator(layer.name, h.shape[1:3])
        columns = h.reshape(W.shape[1], h.shape[3])
        hidden = W.forward(columns, self.bias(layer.name), relu)
        return hidden.reshape(layer.K, *W.layer.positions, h.shape[3])

    def save(self, path: str | Path) -> None:
        """Write filters, biases and preprocessing to a `.npz` file that `load_network` reads."""
        write_weights(path, self.on("cpu").weights)

    def __repr__(self) -> str:
        title, full = self.architecture.title, ARCHITECTURES.get(self.architecture.name)
        whole = full is None or len(full.shapes) == len(self.convolutions)
        count = len(self.convolutions)
        extent = (
            f"all {count} convolutions"
            if whole
            else f"the first {count} of {len(full.shapes)} convolutions, to {self.convolutions[-1]}"
        )
        lines = [f"{title}: {extent}, from {self.origin}", f"  input: {self.preprocessing}"]
        for layer in self.architecture.layers:
            if isinstance(layer, Conv):
                lines.append(f"  {layer.name}: {_describe(layer, self.filters(layer.name).shape)}")
            elif not isinstance(layer, ReLU):
                lines[-1] += f"; {_describe(layer, ())}"
        return "\n".join(lines)

    def _wanted(self, layers: str | Iterable[str] | None) -> dict[str, str]:
        """The layers' names by the names given."""
        if layers is None:
            return {name: name for name in self.layers}
        given = [layers] if isinstance(layers, str) else list(layers)
        names = {}
        for label in given:
            name = plain_name(label)
            if name != label and name in self.architecture.shapes:
                relu = self.layers[self.layers.index(name) + 1]
                raise ValueError(
                    f"layers has {label!r}, which may be {name!r}, before ReLU, or {relu!r}, after (as in "
                    f"Table 2); expected one of these"
                )
            names[label] = one_of(name, "layers", tuple(self.layers))
        if not names:
            raise ValueError("layers is empty; expected at least one name, or None for all")
        return names

    def _apply(self, layer: Layer, h: Any) -> Any:
        """One layer on h, shape (channels, n1, n2, batch)."""
        if isinstance(layer, Conv):
            return self.convolve(layer, h)
        if isinstance(layer, ReLU):
            return array_namespace(h).maximum(h, 0)
        if isinstance(layer, MaxPool):
            return max_pool_windows(h, layer.size, layer.stride)
        return normalize_channels(h, layer)


def is_network(value: Any) -> Network:
    """`value`, refused unless it is a network.

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(value, Network):
        raise TypeError(f"network = {value!r} must be a Network, as `load_network` returns it")
    return value


def _describe(layer: Layer, shape: tuple[int, ...]) -> str:
    if isinstance(layer, Normalization):
        return f"normalisation over {layer.size} channels"
    if isinstance(layer, MaxPool):
        return f"{layer.name} {layer.size} × {layer.size}, stride {layer.stride}"
    text = f"{shape[0]} filters of {' × '.join(map(str, shape[1:]))}"
    text += f", stride {layer.stride}" if layer.stride > 1 else ""
    return text + (f", {layer.groups} groups" if layer.groups > 1 else "")
