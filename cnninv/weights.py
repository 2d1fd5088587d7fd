"""Weights from files: MatConvNet's `.mat`, `.npz` and `.safetensors`, checked and brought to one layout.

Whatever the file, filters come out as (K, M/groups, l1, l2) for channels in the order red, green, blue, in
float32. Shapes are compared with the architecture before anything large is read, and nothing is unpickled.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import Architecture, Conv
from cnninv.array_names import match_names, recognise
from cnninv.files import write_whole
from cnninv.matconvnet import read_mat
from cnninv.preprocessing import Preprocessing
from cnninv.readers import FLOATS, Contents, Entry, read_npz, read_safetensors
from cnninv.validation import one_of

TORCHVISION = {"mean": (123.675, 116.28, 103.53), "deviation": (58.395, 57.12, 57.375)}
"""What torchvision's and timm's networks expect of red, green and blue in 0 … 255."""
ORIGINAL_VGG16 = {
    "conv1_1": 8.59293,
    "conv1_2": 8.21012,
    "conv2_1": 8.74967,
    "conv2_2": 9.04024,
    "conv3_1": 9.43651,
    "conv3_2": 9.48289,
    "conv3_3": 9.74301,
}
"""Norms of all filters of a layer, by which the original weights are recognised."""
ORIGINAL_COLOURS = (4.96381, 5.46415, 4.39797)
"""Norms of what the filters of its conv1_1 have for red, green and blue."""


@dataclass(frozen=True)
class Weights:
    """Filters and biases of the first convolutions of an architecture."""

    architecture: Architecture
    """Cut off after the last convolution that the file has."""
    filters: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]
    preprocessing: Preprocessing
    origin: str


def read_weights(
    path: str | Path, architecture: Architecture | None = None, channels: str = "RGB"
) -> Weights:
    """Read the convolutions of a network.

    Parameters
    ----------
    path : path
        ``.mat``: a network of MatConvNet (SimpleNN; weights or, older, filters and biases).
        ``.npz``: ``conv1_1_W`` of shape (K, M/groups, l1, l2) and ``conv1_1_b``, and so on; ``mean_RGB``
        and ``deviation_RGB`` if there are any. ``.safetensors``: the names of torchvision and timm,
        ``features.0.weight``, or those of ``.npz``.
    architecture : Architecture, optional
        Found by the names in the file if not given.
    channels : "RGB" or "BGR"
        The order in which the file's first filters see the colours; Caffe's own have BGR.

    Returns
    -------
    Weights

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, an array is missing, unknown, misshapen, no floats, NaN or infinite, or a layer
        is missing between others.
    """
    path, where = Path(path), f"path = {str(path)!r}"
    one_of(channels, "channels", ("RGB", "BGR"))
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"{where} ends in {path.suffix!r}; expected one of {', '.join(READERS)}. Files of pickles "
            f"(.pth, .pt, .bin, .pkl) are not read, since they can run code"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{where}: no such file")
    try:
        contents = reader(path)
        architecture = architecture or recognise(contents.entries)
        contents.check(architecture)
        names = match_names(contents.entries, architecture)
        filters, biases = _read(contents.entries, names, architecture)
        first = architecture.convolutions[0].name
        if channels == "BGR":
            filters[first] = np.ascontiguousarray(filters[first][:, ::-1])
        if architecture.name == "vgg16":
            _not_exchanged(filters, channels)
        torchvision = names[first, "filters"].startswith("features")
        preprocessing = _preprocessing(contents, architecture, torchvision)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    return Weights(architecture.upto(list(filters)[-1]), filters, biases, preprocessing, path.name)


def write_weights(path: str | Path, weights: Weights) -> None:
    """Write weights to a `.npz` file that `read_weights` reads, whole or not at all."""
    arrays = {f"{layer}_W": values for layer, values in weights.filters.items()}
    arrays |= {f"{layer}_b": values for layer, values in weights.biases.items()}
    for name in ("mean", "deviation"):
        values = getattr(weights.preprocessing, name)
        if values is not None:
            arrays[f"{name}_RGB"] = values
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_whole(Path(path), content.getvalue())


READERS = {".mat": read_mat, ".npz": read_npz, ".safetensors": read_safetensors}


def _read(
    entries: dict[str, Entry], names: dict[tuple[str, str], str], architecture: Architecture
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Filters and biases in the order of the layers; all shapes are checked before anything is read."""
    layers = [conv for conv in architecture.convolutions if (conv.name, "filters") in names]
    for conv in layers:
        for kind, expected in _expected(conv, architecture).items():
            name = names[conv.name, kind]
            entry = entries[name]
            if entry.dtype not in FLOATS:
                raise ValueError(
                    f"array {name!r} has dtype {entry.dtype}; expected one of {', '.join(FLOATS)}"
                )
            if tuple(entry.shape) != expected:
                meaning = "(K, M/groups, l1, l2) = " if kind == "filters" else ""
                raise ValueError(
                    f"array {name!r} has shape {tuple(entry.shape)}; expected {meaning}{expected} "
                    f"for {conv.name} of {architecture.title}"
                )
    filters, biases = {}, {}
    for conv in layers:
        filters[conv.name] = _finite(entries, names[conv.name, "filters"])
        biases[conv.name] = _finite(entries, names[conv.name, "bias"])
    return filters, biases


def _expected(conv: Conv, architecture: Architecture) -> dict[str, tuple[int, ...]]:
    return {"filters": architecture.shapes[conv.name], "bias": (conv.K,)}


def _finite(entries: dict[str, Entry], name: str) -> np.ndarray:
    """The array in float32, in C order."""
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(entries[name].read(), dtype=np.float32)
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise ValueError(f"array {name!r} has {bad} entries that are NaN or infinite in float32")
    return array


def _not_exchanged(filters: dict[str, np.ndarray], channels: str) -> None:
    """Refuse the original VGG-16 with colours or layers exchanged; of other weights nobody can tell."""
    colours = np.sqrt((filters["conv1_1"].astype(float) ** 2).sum(axis=(0, 2, 3)))
    if np.allclose(colours, ORIGINAL_COLOURS[::-1], rtol=1e-4):
        other = {"RGB": "BGR", "BGR": "RGB"}[channels]
        raise ValueError(
            f"the filters of conv1_1 are the original ones with red and blue exchanged; expected "
            f"channels = {other!r} for this file"
        )
    norms = {layer: np.linalg.norm(values.astype(float)) for layer, values in filters.items()}
    for layer, norm in norms.items():
        for other, known in ORIGINAL_VGG16.items():
            if layer != other and np.isclose(norm, known, rtol=1e-5):
                raise ValueError(
                    f"{layer} has the filters that the original network has in {other}; expected the "
                    f"layers in their own places"
                )


def _preprocessing(
    contents: Contents, architecture: Architecture, torchvision: bool
) -> Preprocessing:
    """What the file says; else what the architecture, or torchvision, is known for."""
    mean, deviation = contents.mean, contents.deviation
    if mean is None and torchvision:
        mean, deviation = TORCHVISION["mean"], TORCHVISION["deviation"]
    if mean is None:
        mean = architecture.mean
    return Preprocessing(
        architecture.crop,
        None if mean is None else _colours(mean, "mean", architecture.crop),
        None if deviation is None else _colours(deviation, "deviation", None),
    )


def _colours(values: Any, name: str, crop: int | None) -> np.ndarray:
    """A number for each colour, or for each colour and pixel of at least the crop."""
    values = np.asarray(values)
    if values.shape in ((3, 1, 1), (1, 3), (3, 1)):
        values = values.reshape(3)
    image = values.ndim == 3 and len(values) == 3 and crop and min(values.shape[1:]) >= crop
    if values.dtype.kind != "f" or not (values.shape == (3,) or image):
        raise ValueError(
            f"the {name} has shape {values.shape} and dtype {values.dtype}; expected three floats"
            + (f", or an image of at least {crop} × {crop} pixels" if crop else "")
        )
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise ValueError(f"the {name} must be finite and in 0 … 255")
    return values.astype(np.float32)
