"""Files of decoders: those that come with the book, and those that `cnninv train decoder` writes."""

import hashlib
from pathlib import Path

import numpy as np

from cnninv.architectures import ARCHITECTURES
from cnninv.backend import to_host
from cnninv.encoding import pooling_name
from cnninv.files import data_folder
from cnninv.mirrored import Decoder, mirrored_shapes
from cnninv.network_files import SHIPPED, load_network
from cnninv.networks import Network, is_network
from cnninv.preprocessing import Preprocessing
from cnninv.readers import read_safetensors
from cnninv.safetensors import read_header
from cnninv.validation import one_of


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
