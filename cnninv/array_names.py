"""Which array of a file of weights belongs to which layer, by its name."""

import re
from typing import Any

from cnninv.architectures import ARCHITECTURES, Architecture
from cnninv.readers import Entry

NOT_CONVOLUTIONAL = re.compile(r"(fc\d+|classifier|pre_logits|head)[._].*")


def recognise(entries: dict[str, Entry]) -> Architecture:
    """The architecture that most names belong to."""
    found = {}
    for architecture in ARCHITECTURES.values():
        places = {name: _layer_of(name, architecture) for name in entries}
        names = [name for name, place in places.items() if place is not None]
        # two architectures may have the same names: shapes decide
        fitting = sum(
            entries[name].shape == architecture.shapes[places[name][0]]
            for name in names
            if places[name][1] == "filters"
        )
        found[architecture] = len(names), fitting
    best = max(found, key=found.get)
    if not found[best][0]:
        raise ValueError(
            f"holds {_some(entries)}; expected names like conv1_1_W (vgg16), conv1_W (alexnet) or "
            f"features.0.weight (vgg16 of torchvision or timm)"
        )
    return best


def match_names(
    entries: dict[str, Entry], architecture: Architecture
) -> dict[tuple[str, str], str]:
    """Which array holds the filters and the bias of which layer; none missing, unknown or twice."""
    names: dict[tuple[str, str], str] = {}
    for name in entries:
        place = _layer_of(name, architecture)
        if place is None and not NOT_CONVOLUTIONAL.fullmatch(name):
            layers = list(architecture.shapes)
            raise ValueError(
                f"array {name!r} belongs to no layer of {architecture.title}; expected "
                f"{layers[0]}_W, {layers[0]}_b, … {layers[-1]}_b"
            )
        if place in names:
            raise ValueError(f"arrays {names[place]!r} and {name!r} are of the same layer")
        if place is not None:
            names[place] = name
    layers = [conv.name for conv in architecture.convolutions]
    present = [layer for layer in layers if {(layer, "filters"), (layer, "bias")} & set(names)]
    if not present:
        raise ValueError(f"holds {_some(entries)}, no convolution of {architecture.title}")
    for layer in layers[: layers.index(present[-1]) + 1]:
        for kind in ("filters", "bias"):
            if (layer, kind) not in names:
                raise ValueError(
                    f"the {kind} of {layer} are missing, but {present[-1]} is there; expected the first "
                    f"layers of {architecture.title}, each with filters and bias"
                )
    return names


def _layer_of(name: str, architecture: Architecture) -> tuple[str, str] | None:
    """(layer, "filters" or "bias") that an array's name stands for."""
    found = re.fullmatch(r"(.+)(?:_(W|b)|\.(weight|bias))", name)
    if not found:
        return None
    layer, kind = found[1], "filters" if (found[2] or found[3]) in ("W", "weight") else "bias"
    numbered = re.fullmatch(r"features\.(\d{1,3})", layer)
    if numbered and int(numbered[1]) < len(architecture.layers):
        # torchvision counts convolutions, ReLUs and poolings alike
        layer = architecture.layers[int(numbered[1])].name
    return (layer, kind) if layer in architecture.shapes else None


def _some(names: Any) -> str:
    names = list(names)
    if not names:
        return "no arrays"
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if names[3:] else "")
