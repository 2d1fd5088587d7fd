"""MatConvNet's networks, the paper's own tool: `.mat` files of a SimpleNN.

A network is a cell array `layers` of structs with `name`, `type` and, for convolutions, `weights = {filters,
biases}` or, in files up to 2015, `filters` and `biases`. Filters are stored (l1, l2, M/groups, K), for
channels in the order red, green, blue, and are used unflipped.
"""

from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import Architecture, Conv, MaxPool, Normalization, ReLU
from cnninv.mat5 import read_mat5
from cnninv.mat5_values import Value
from cnninv.readers import Contents, Entry

TYPES = {Conv: ("conv",), ReLU: ("relu",), MaxPool: ("pool",), Normalization: ("normalize", "lrn")}
VARIABLES = ("layers", "meta", "normalization", "net", "params")
Struct = dict[str, Value]


def read_mat(path: Path) -> Contents:
    """Filters, biases, and mean of a SimpleNN.

    Raises
    ------
    ValueError
        If it is no such file.
    MemoryError
        If what it unpacks to does not fit.
    """
    try:
        variables = read_mat5(path, VARIABLES)
        if "net" in variables:
            variables = variables["net"].fields()
    except ValueError as error:
        raise ValueError(f"is no sound .mat file: {error}") from None
    if "layers" not in variables:
        raise ValueError(
            "holds no variable 'layers'"
            + (", but 'params', as a DagNN does" if "params" in variables else "")
            + "; expected a network of MatConvNet in SimpleNN form"
        )
    try:
        layers = [value.fields() for value in variables["layers"].cells()]
        mean = _mean(variables)
    except ValueError as error:
        raise ValueError(f"is no SimpleNN with layers and, perhaps, a mean: {error}") from None
    entries: dict[str, Entry] = {}
    for layer in layers:
        if _text(layer, "type") == "conv":
            for name, entry in _weights(layer).items():
                if name in entries:
                    raise ValueError(f"has two layers named {_text(layer, 'name')!r}")
                entries[name] = entry
    return Contents(entries, mean, check=lambda network: _check(layers, network))


def _text(layer: Struct, field: str) -> str:
    if field not in layer:
        raise ValueError(f"has a layer without {field!r}; it has {', '.join(layer) or 'nothing'}")
    try:
        return layer[field].text()
    except ValueError as error:
        raise ValueError(f"has a layer whose {field} is {error}") from None


def _weights(layer: Struct) -> dict[str, Entry]:
    """Filters, shape (K, M/groups, l1, l2), and biases, shape (K,), of one layer."""
    name = _text(layer, "name")
    if "weights" in layer and layer["weights"].size:
        stored = layer["weights"]
        if stored.kind != "cell" or stored.size != 2:
            raise ValueError(f"{name} has {stored} as weights; expected a cell of two")
        filters, biases = stored.cells()
    elif "filters" in layer and "biases" in layer:
        filters, biases = layer["filters"], layer["biases"]
    else:
        raise ValueError(f"{name} has neither weights nor filters and biases")
    if len(filters.shape) > 4:
        raise ValueError(f"{name} has {filters} as filters; expected four axes")
    l1, l2, M, K = filters.shape + (1,) * (4 - len(filters.shape))  # MATLAB drops trailing ones
    return {
        f"{name}_W": Entry(
            (K, M, l1, l2),
            filters.kind,
            lambda: filters.numbers().reshape(l1, l2, M, K).transpose(3, 2, 0, 1),
        ),
        f"{name}_b": Entry((biases.size,), biases.kind, lambda: biases.numbers().ravel()),
    }


def _mean(variables: Struct) -> np.ndarray | None:
    """averageImage, channels first, if there is one."""
    if "meta" in variables:
        variables = variables["meta"].fields()
    if "normalization" not in variables:
        return None
    mean = variables["normalization"].fields().get("averageImage")
    if mean is None or not mean.size:
        return None
    values = mean.numbers().astype(np.float32)
    return values.transpose(2, 0, 1) if values.ndim == 3 else values


def _check(layers: list[Struct], architecture: Architecture) -> None:
    """The file's layers are those of the architecture, in order, up to the fully connected ones."""
    convolutional = takewhile(lambda layer: _text(layer, "name")[:2] != "fc", layers)
    pairs = zip(convolutional, architecture.layers, strict=False)
    for i, (found, expected) in enumerate(pairs, start=1):
        kind, types = _text(found, "type"), TYPES[type(expected)]
        named = isinstance(expected, Conv) and _text(found, "name") != expected.name
        if kind not in types or named:
            raise ValueError(
                f"layers{{{i}}} is {_text(found, 'name')!r} of type {kind!r}; expected "
                f"{expected.name!r} of type {types[0]!r}, as {architecture.title} has it"
            )
        for field, value in _parameters(expected).items():
            if field not in found or not found[field].size:
                continue
            stored = found[field].numbers().ravel()
            if not _same(stored, value):
                raise ValueError(
                    f"{expected.name} has {field} = {stored.tolist()}; expected {value}"
                )


def _same(stored: np.ndarray, value: Any) -> bool:
    """Whether a parameter has the value, given once or for each axis or side."""
    fits = np.ndim(value) == 0 or stored.size == np.size(value)
    return fits and np.allclose(stored, value, rtol=1e-3)


def _parameters(layer: Any) -> dict[str, Any]:
    """MatConvNet's fields for what the architecture says of a layer."""
    if isinstance(layer, Conv):
        return {"stride": layer.stride, "pad": layer.padding}
    if isinstance(layer, MaxPool):
        return {"pool": layer.size, "stride": layer.stride}
    if isinstance(layer, Normalization):
        return {"param": [layer.size, layer.k, layer.alpha / layer.size, layer.beta]}
    return {}
