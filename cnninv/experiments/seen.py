"""What a layer sees: patches of what the layer below makes of photographs (Gilbert 2017, §4.4)."""

from typing import Any

import numpy as np

from cnninv.experiments.model_rip import SIZE, D
from cnninv.experiments.sources import photographs
from cnninv.filters import random_filters
from cnninv.images import read_image
from cnninv.operator import ConvOperator


def activations(
    network: Any, below: str, data: str, count: int, rng: np.random.Generator
) -> np.ndarray:
    """15 × 15 patches of a layer before ReLU, one per photograph, shape (M*15², count).

    Each from the middle of what the network makes of 104 × 104 pixels, at a random place of a random
    photograph: no padding of an earlier layer reaches it.
    """
    files = photographs(data)
    if len(files) < count:
        raise ValueError(f"--data = {data!r} has {len(files)} photographs; expected {count}")
    columns = []
    for place in rng.permutation(len(files))[:count]:
        pixels = network.preprocessing(read_image(files[place]))
        top, left = rng.integers(0, np.array(pixels.shape[1:]) - 104 + 1)
        h = network.forward(pixels[:, top : top + 104, left : left + 104], [below])[below]
        columns.append(h[:, 5 : 5 + D, 5 : 5 + D].ravel())
    return np.ascontiguousarray(np.array(columns, np.float32).T)


def random_activations(M: int, D: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """D × D patches of M channels before ReLU from the sample photograph: two layers of random filters."""
    photograph = read_image("sample") - 0.5
    first, second = (
        np.float32(random_filters(M, channels, (SIZE, SIZE), rng)) for channels in (3, M)
    )
    columns = []
    for _ in range(count):
        top, left = rng.integers(0, np.array(photograph.shape[1:]) - D - 3)
        pixels = np.float32(photograph[:, top : top + D + 4, left : left + D + 4])
        h = np.maximum(ConvOperator(first, pixels.shape[1:]) @ pixels.ravel(), 0)
        columns.append(ConvOperator(second, (D + 2, D + 2)) @ h)
    return np.ascontiguousarray(np.array(columns, np.float32).T)
