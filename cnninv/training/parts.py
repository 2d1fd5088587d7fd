"""A step of training on parts of a batch, one thread each: products of matrices run at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.stack import Stack

Learn = Callable[[Any, slice, np.random.Generator], tuple[float, ...]]


class Parts:
    """Twins of a model that share what is learned; each sees its part of the batch, gradients are averaged.

    Each part is normalised by its own mean and variance, so that the number of parts is a setting like the
    size of the batch and not a detail of the machine; the running averages are those over all parts.

    Parameters
    ----------
    model : Stack
        With a method `twin`.
    count : int
        1 for no threads.
    """

    def __init__(self, model: Stack, count: int) -> None:
        self.models = [model] + [model.twin() for _ in range(count - 1)]
        self.gradients: dict[str, Any] = {}

    def step(self, size: int, learn: Learn, rng: np.random.Generator) -> list[tuple[float, ...]]:
        """Gradients for a batch, into `gradients`.

        Parameters
        ----------
        size : int
            Of the batch, a multiple of the number of parts.
        learn : callable
            `learn(model, part, rng)` leaves the gradients of that part of the batch in the model; what it
            returns, such as the loss, is returned for every part.
        rng : numpy.random.Generator
            The only part has it; each of several has one of its own.
        """
        count = len(self.models)
        parts = [slice(i * size // count, (i + 1) * size // count) for i in range(count)]
        self._copy_running_averages()
        if count == 1:
            told = [learn(self.models[0], parts[0], rng)]
        else:
            with ThreadPoolExecutor(count) as pool:
                told = list(pool.map(learn, self.models, parts, rng.spawn(count)))
        gradients = [model.gradients for model in self.models]
        self.gradients = {name: sum(g[name] for g in gradients) / count for name in gradients[0]}
        self._average_running_averages()
        return told

    def _normalisations(self) -> list[list[BatchNormalisation]]:
        """For each layer of normalisation, those of all twins."""
        layers = zip(*(model.layers.values() for model in self.models), strict=True)
        return [list(same) for same in layers if isinstance(same[0], BatchNormalisation)]

    def _copy_running_averages(self) -> None:
        for first, *others in self._normalisations():
            for name, value in first.fixed.items():
                for other in others:
                    other.fixed[name][...] = value

    def _average_running_averages(self) -> None:
        for same in self._normalisations():
            for name, value in same[0].fixed.items():
                value[...] = sum(layer.fixed[name] for layer in same) / len(same)
