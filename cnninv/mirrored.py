"""Learned decoders: the encoder mirrored, with its switches (Gilbert 2017, §4.5; Zhang, Lee and Lee 2016).

The path back in a stacked what-where autoencoder: each pooling becomes an unpooling with switches, each
convolution one with channels and filters exchanged, with ReLU after each but the last. `cnninv train decoder`
learns the filters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import Architecture, Conv, MaxPool, ReLU
from cnninv.backend import array_namespace, to_device, to_host
from cnninv.decoders import check_code
from cnninv.encoding import Code, input_planes, layers_upto, pooling_name
from cnninv.layers import unpool_with_switches
from cnninv.operator import ConvOperator
from cnninv.preprocessing import Preprocessing
from cnninv.safetensors import write_safetensors


@dataclass(frozen=True, eq=False, repr=False)
class Decoder:
    """From a code behind a pooling back to images.

    Attributes
    ----------
    architecture : Architecture
        Of the encoder.
    layer : str
        The pooling.
    filters, biases : dict of arrays, by the convolution that they mirror
        Shapes (M, K, 3, 3) and (M,) for an encoder's (K, M, 3, 3).
    preprocessing : Preprocessing
        Of the encoder: the last layer gives preprocessed images.
    encoder : str
        `fingerprint` of the encoder that it was trained for.
    """

    architecture: Architecture
    layer: str
    filters: dict[str, Any]
    biases: dict[str, Any]
    preprocessing: Preprocessing
    encoder: str

    def __call__(self, code: Code) -> Any:
        """Images, shape (batch, 3, height, width), about [0, 1], not clipped.

        Parameters
        ----------
        code : Code
            Of the encoder and layer that the decoder was trained for, where the decoder is.

        Raises
        ------
        TypeError, ValueError
            If it is no code, or one of another layer.
        """
        check_code(code, self.layer, self.architecture)
        top = self.filters[next(reversed(self.filters))]
        xp = array_namespace(code=code.values, decoder=top)
        h = xp.ascontiguousarray(xp.moveaxis(code.values.astype(top.dtype), 0, -1))
        planes = input_planes(self.architecture, code.size, self.layer)
        for step in reversed(layers_upto(self.architecture, self.layer)):
            if isinstance(step, MaxPool):
                switches = xp.moveaxis(code.switches[step.name], 0, -1)
                h = unpool_with_switches(h, switches, planes[step.name])
            elif isinstance(step, Conv):
                W = ConvOperator(self.filters[step.name], planes[step.name], padding="same")
                last = step is self.architecture.convolutions[0]
                columns = h.reshape(W.shape[1], -1)
                x = W.forward(columns, self.biases[step.name], relu=not last)
                h = x.reshape(W.layer.K, *planes[step.name], -1)
        return self.preprocessing.restore(xp.moveaxis(h, -1, 0))

    def on(self, device: str) -> "Decoder":
        """The same decoder on a device, "cpu" or "cuda": codes go there too."""
        moved = [
            {name: to_device(array, device) for name, array in arrays.items()}
            for arrays in (self.filters, self.biases)
        ]
        return Decoder(self.architecture, self.layer, *moved, self.preprocessing, self.encoder)

    def save(self, path: str | Path) -> None:
        """Write it to a `.safetensors` file that `load_decoder` reads."""
        arrays = {}
        for name in self.filters:
            arrays[f"{name}.weight"] = to_host(self.filters[name])
            arrays[f"{name}.bias"] = to_host(self.biases[name])
        for name in ("mean", "deviation"):
            if getattr(self.preprocessing, name) is not None:
                arrays[f"{name}_RGB"] = np.asarray(getattr(self.preprocessing, name), np.float32)
        facts = {"architecture": self.architecture.name, "layer": self.layer}
        write_safetensors(path, arrays, facts | {"encoder": self.encoder})

    def __repr__(self) -> str:
        count = sum(array.size for array in (*self.filters.values(), *self.biases.values()))
        return (
            f"Decoder({self.architecture.title}, {self.layer} to image: {len(self.filters)} "
            f"convolutions, {count:,} numbers)"
        )


def mirrored_shapes(architecture: Architecture, layer: str) -> dict[str, tuple[int, int, int, int]]:
    """(M, K, l, l) of each convolution of a decoder, from the pooling down, by the convolution it mirrors.

    Raises
    ------
    ValueError
        If a layer of the encoder cannot be mirrored.

    Examples
    --------
    >>> from cnninv.architectures import VGG16_QUARTER
    >>> mirrored_shapes(VGG16_QUARTER, "pool1")
    {'conv1_2': (16, 16, 3, 3), 'conv1_1': (3, 16, 3, 3)}
    """
    shapes = {}
    for step in reversed(layers_upto(architecture, pooling_name(architecture, layer))):
        same = isinstance(step, Conv) and (step.stride, 2 * step.padding) == (1, step.size - 1)
        if not isinstance(step, (MaxPool, ReLU)) and not (same and step.groups == 1):
            raise ValueError(
                f"{step.name} of {architecture.title} cannot be mirrored; expected convolutions of stride 1 "
                f"that keep the size, in one group, ReLU and poolings"
            )
        if isinstance(step, Conv):
            K, M, *size = architecture.shapes[step.name]
            shapes[step.name] = (M, K, *size)
    return shapes
