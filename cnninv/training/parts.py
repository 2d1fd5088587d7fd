"""A step of training on parts of a batch, one thread each: products of matrices run at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cnninv.training.model import Model
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.softmax import cross_entropy


class Parts:
    """Twins of a model that share what is learned; each sees its part of the batch, gradients are averaged.

    Each part is normalised by its own mean and variance, so that the number of parts is a setting like the
    size of the batch and not a detail of the machine; the running averages are those over all parts.

    Parameters
    ----------
    model : Model
    count : int
        1 for no threads.
    """

    def __init__(self, model: Model, count: int) -> None:
        self.models = [model] + [model.twin() for _ in range(count - 1)]
        self.gradients: dict[str, Any] = {}

    def step(
        self, x: Any, labels: Any, smoothing: float, rng: np.random.Generator
    ) -> tuple[float, int]:
        """Gradients for a batch, into `gradients`.

        Parameters
        ----------
        x : array, shape (3, height, width, batch)
        labels : array of int, shape (batch,)
        smoothing : float
        rng : numpy.random.Generator

        Returns
        -------
        loss : float
        right : int
            How many labels had the largest logit.
        """
        count, size = len(self.models), x.shape[-1] // len(self.models)
        parts = [slice(i * size, (i + 1) * size) for i in range(count)]
        self._copy_running_averages()

        def one(model: Model, part: slice, rng: np.random.Generator) -> tuple[float, int]:
            logits = model.forward(model.xp.ascontiguousarray(x[..., part]), rng)
            loss, gradient = cross_entropy(logits, labels[part], smoothing)
            model.backward(gradient)
            return loss, int((logits.argmax(axis=0) == labels[part]).sum())

        if count == 1:
            results = [one(self.models[0], parts[0], rng)]
        else:
            with ThreadPoolExecutor(count) as pool:
                results = list(pool.map(one, self.models, parts, rng.spawn(count)))
        losses, right = zip(*results, strict=True)
        gradients = [model.gradients for model in self.models]
        self.gradients = {name: sum(g[name] for g in gradients) / count for name in gradients[0]}
        self._average_running_averages()
        return sum(losses) / count, sum(right)

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
