"""Learned decoders: the encoder mirrored, with its switches (Gilbert 2017, §4.5; Zhang, Lee and Lee 2016).

The path back in a stacked what-where autoencoder: each pooling becomes an unpooling with switches, each
convolution one with channels and filters exchanged, with ReLU after each but the last. `cnninv train decoder`
learns the filters.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import ARCHITECTURES, Architecture, Conv, MaxPool, ReLU
from cnninv.backend import array_namespace, to_device, to_host
from cnninv.decoders import check_code
from cnninv.encoding import Code, input_planes, layers_upto, pooling_name
from cnninv.files import data_folder
from cnninv.layers import unpool_with_switches
from cnninv.networks import SHIPPED, Network, is_network, load_network
from cnninv.operator import ConvOperator
from cnninv.preprocessing import Preprocessing
from cnninv.readers import read_safetensors
from cnninv.safetensors import read_header, write_safetensors
from cnninv.validation import one_of


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


def load_decoder(
    name_or_path: str | Path, layer: str | None = None, network: Network | None = None
) -> Decoder:
    """A decoder that comes with the book, or one that `cnninv train decoder` has written.

    Parameters
    ----------
    name_or_path : str or path
        "vgg16-quarter", or a `.safetensors` file.
    layer : str, optional
        The pooling whose codes it takes; needed with a name.
    network : Network, optional
        The encoder: a decoder that was trained for another one is refused. With a name, the network of that
        name.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it holds no decoder, or one of another layer or for another network.
    """
    if not isinstance(name_or_path, (str, Path)):
        raise TypeError(
            f"name_or_path = {name_or_path!r} must be {' or '.join(map(repr, SHIPPED))}, or a path"
        )
    path = Path(name_or_path)
    if str(name_or_path) in SHIPPED and not path.is_file():
        shipped = ARCHITECTURES[str(name_or_path)]
        path = data_folder() / decoder_file(str(name_or_path), pooling_name(shipped, layer))
        network = load_network(name_or_path) if network is None else network
    if not path.is_file():
        raise FileNotFoundError(
            f"name_or_path = {str(name_or_path)!r}: no such file as {path.name}"
        )
    decoder = _read(path)
    if layer is not None and pooling_name(decoder.architecture, layer) != decoder.layer:
        raise ValueError(f"layer = {layer!r}, but {path.name} decodes {decoder.layer}")
    if network is not None and fingerprint(is_network(network)) != decoder.encoder:
        raise ValueError(
            f"{path.name} was trained for another network than the one from {network.origin}: its codes "
            f"mean something else. Train a decoder for it with `cnninv train decoder`"
        )
    return decoder


def decoder_file(network: str, layer: str) -> str:
    """The name of the file of a decoder.

    Examples
    --------
    >>> decoder_file("vgg16-quarter", "pool3")
    'vgg16-quarter-pool3-decoder.safetensors'
    """
    return f"{network}-{layer}-decoder.safetensors"


def fingerprint(network: Network) -> str:
    """SHA-256 of filters and biases: the same for one network in whatever file."""
    digest = hashlib.sha256()
    for name in network.convolutions:
        for array in (network.filters(name), network.bias(name)):
            digest.update(np.ascontiguousarray(to_host(array), "<f4").tobytes())
    return digest.hexdigest()


def mirrored_shapes(architecture: Architecture, layer: str) -> dict[str, tuple[int, int, int, int]]:
    """(M, K, l, l) of each convolution of a decoder, from the pooling down, by the convolution it mirrors.

    Raises
    ------
    ValueError
        If a layer of the encoder cannot be mirrored.

    Examples
    --------
    >>> mirrored_shapes(ARCHITECTURES["vgg16-quarter"], "pool1")
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


def _read(path: Path) -> Decoder:
    """The decoder in a file, everything checked."""
    where = f"name_or_path = {str(path)!r}"
    if path.suffix.lower() != ".safetensors":
        raise ValueError(f"{where} ends in {path.suffix!r}; expected .safetensors")
    try:
        facts = read_header(path)[2]
        if not {"architecture", "layer", "encoder"} <= set(facts):
            raise ValueError("is no decoder: it does not say of which network and layer")
        architecture = ARCHITECTURES[
            one_of(facts["architecture"], "architecture", tuple(ARCHITECTURES))
        ]
        shapes = mirrored_shapes(architecture, facts["layer"])
        expected = {f"{name}.weight": shape for name, shape in shapes.items()}
        expected |= {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
        contents = read_safetensors(path)
        arrays = {name: entry.read() for name, entry in contents.entries.items()}
        for name, shape in expected.items():
            found = arrays[name].shape if name in arrays else "missing"
            if found != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"array {name!r}: {found}; expected finite numbers, shape {shape}")
        if set(arrays) - set(expected):
            raise ValueError(f"array {min(set(arrays) - set(expected))!r} belongs to no layer")
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"{where}: {error}") from None
    filters = {name: arrays[f"{name}.weight"] for name in shapes}
    biases = {name: arrays[f"{name}.bias"] for name in shapes}
    preprocessing = Preprocessing(architecture.crop, contents.mean, contents.deviation)
    return Decoder(architecture, facts["layer"], filters, biases, preprocessing, facts["encoder"])
