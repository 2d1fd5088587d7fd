"""Networks with their decoders, and photographs: what Table 4 and Figures 4 and 5 look at (§4.5)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cnninv.architectures import MaxPool
from cnninv.backend import to_device
from cnninv.decoder_files import decoder_file, load_decoder
from cnninv.decoders import transpose_decoder
from cnninv.experiments.base import LEAST_SEEDS, Context
from cnninv.experiments.sources import load, photographs
from cnninv.files import data_folder
from cnninv.images import center_crop, read_image
from cnninv.network_files import SHIPPED, load_network
from cnninv.networks import Network
from cnninv.photographs import installed_photographs

NETWORKS = ("vgg16", "vgg16-quarter")
"""The paper's, and the shipped one."""
TRAINED, TRANSPOSED = "trained decoder", "Wᵀ with switches"
SIDES = {"vgg16": 256, "vgg16-quarter": 128}
"""To which the shorter side of a photograph in --data is reduced: what the decoders were trained on."""
CROPS = {"vgg16": 224, "vgg16-quarter": 128}
PHOTOGRAPHS = 25
"""Of those in --data that are held out, at most."""
SMALL, LARGE = 64, 128
"""Crops of installed photographs, at quick and at paper scale; the shorter side is twice that."""


@dataclass(frozen=True)
class Scene:
    """A photograph, and a stream of its own."""

    source: str
    """A file, or the name of an installed photograph."""
    side: int
    """To which its shorter side is reduced."""
    crop: int
    rng: np.random.Generator
    drawn: bool = False
    """Whether the crop is drawn, or the middle."""

    def picture(self, device: str = "cpu") -> Any:
        """The crop, shape (3, crop, crop)."""
        image = shrunk(read_image(self.source), self.side)
        if not self.drawn:
            return to_device(center_crop(image, self.crop), device)
        top, left = (int(self.rng.integers(0, n - self.crop + 1)) for n in image.shape[1:])
        return to_device(image[:, top : top + self.crop, left : left + self.crop], device)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, and the decoders there are for it."""

    network: Network
    decoders: dict[str, dict[str, Callable]]
    """By pooling, then by name: that which needs no training always, the trained one where there is one."""

    @property
    def layers(self) -> list[str]:
        """Its poolings."""
        return list(self.decoders)


def scenes(context: Context, name: str) -> tuple[list[Scene], str]:
    """The photographs of a run with a network, and what the rows call them.

    At paper scale those of `--data` that no decoder is trained on, else crops of the installed ones.
    """
    files = held_out(context.data)
    if context.scale == "paper" and len(files) >= LEAST_SEEDS:
        files = files[:: max(1, len(files) // PHOTOGRAPHS)][:PHOTOGRAPHS]
        side, crop = SIDES[name], CROPS[name]
        pairs = zip(files, context.streams(len(files)), strict=True)
        chosen = [Scene(str(file), side, crop, rng) for file, rng in pairs]
        return chosen, f"{len(files)} photographs held out, {crop} × {crop}"
    names = context.pick(["sample"], list(installed_photographs()))
    crop = context.pick(SMALL, LARGE)
    chosen = [
        Scene(names[i % len(names)], 2 * crop, crop, rng, drawn=True)
        for i, rng in enumerate(context.streams(LEAST_SEEDS))
    ]
    plural = f"{len(names)} installed photographs" if len(names) > 1 else "one photograph"
    return chosen, f"{LEAST_SEEDS} crops of {plural}, {crop} × {crop}"


def shrunk(image: np.ndarray, size: int) -> np.ndarray:
    """An image, shape (3, height, width), with its shorter side brought to `size` pixels."""
    height, width = image.shape[1:]
    scale = size / min(height, width)
    pixels = Image.fromarray(np.uint8(np.round(255 * image.transpose(1, 2, 0))))
    small = pixels.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=float).transpose(2, 0, 1) / 255


def held_out(data: str | None) -> list[Path]:
    """The photographs in the folders that `cnninv train decoder` keeps aside for the report: every ninth."""
    folders: dict[Path, list[Path]] = {}
    for file in photographs(data):
        folders.setdefault(file.parent, []).append(file)
    return [file for files in folders.values() for file in files[8::9]]


@lru_cache(maxsize=2)
def subject(name: str, data: str | None, device: str) -> Subject | None:
    """A network by its name, with its decoders, read once in each process; None if it is not there."""
    network = load_network(name) if name in SHIPPED else load(data, name)
    if network is None:
        return None
    network = network.on(device)
    poolings = [step.name for step in network.architecture.layers if isinstance(step, MaxPool)]
    return Subject(
        network, {layer: _decoders(name, data, network, layer, device) for layer in poolings}
    )


def _decoders(
    name: str, data: str | None, network: Network, layer: str, device: str
) -> dict[str, Callable]:
    """Those for a layer: the trained one, in `--data` or shipped, if it belongs to this very network."""
    decoders: dict[str, Callable] = {TRANSPOSED: transpose_decoder(network, layer)}
    folders = [data_folder()] if data is None else [Path(data) / "decoders", data_folder()]
    for folder in folders:
        file = folder / decoder_file(name, layer)
        if file.is_file():
            return {TRAINED: load_decoder(file, layer, network).on(device)} | decoders
    return decoders
