"""A trained network, what it says of images, and the images that are kept aside to choose by."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnninv.backend import to_host
from cnninv.training.augment import inputs
from cnninv.training.model import Model
from cnninv.training.settings import Settings

EVALUATED = 128
"""Images of a batch in evaluation: those of training have memory of that size already."""


@dataclass
class Trained:
    """A trained network and how it came about.

    Attributes
    ----------
    model : Model
    mean, deviation : ndarray, shape (3,)
        Of the colours of the training images, in 0 … 255; subtracted, and divided by.
    history : list of dict
        For each epoch: loss and accuracy on the (augmented) training batches, accuracy on the validation split.
    seconds : float
        Spent in training, interruptions not counted.
    """

    model: Model
    mean: np.ndarray
    deviation: np.ndarray
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it; by reference."""
        return self.model.state | {"mean_RGB": self.mean, "deviation_RGB": self.deviation}

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Of images (batch, 3, height, width) in 0 … 255; shape (batch, classes)."""
        parts = np.split(images, range(EVALUATED, len(images), EVALUATED))
        logits = [self.model.forward(self._inputs(part)) for part in parts]
        return np.concatenate([to_host(part).T for part in logits])

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The part of the images whose label has the largest logit."""
        return float((self.logits(images).argmax(axis=1) == labels).mean())

    def _inputs(self, images: np.ndarray) -> Any:
        return self.model.xp.asarray(inputs(images, self.mean, self.deviation))


def split(
    images: np.ndarray, labels: np.ndarray, settings: Settings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, validation images and labels: a random split that the seed decides."""
    if not 0 <= settings.validation <= len(images) - settings.batch:
        raise ValueError(
            f"validation = {settings.validation} and batch = {settings.batch} need more than the "
            f"{len(images)} images that there are"
        )
    order = np.random.default_rng((settings.seed, 1)).permutation(len(images))
    train, kept = np.sort(order[settings.validation :]), np.sort(order[: settings.validation])
    return images[train], labels[train], images[kept], labels[kept]
