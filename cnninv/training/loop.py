"""The training loop: epochs, progress, checkpoints, and a resume that ends where an uninterrupted run ends."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import require_memory
from cnninv.training.augment import augmented, batches, colour_statistics
from cnninv.training.epochs import through_epochs
from cnninv.training.memory import network_memory
from cnninv.training.model import Model
from cnninv.training.parts import Parts
from cnninv.training.plans import Plan
from cnninv.training.run import Run, facts_of
from cnninv.training.settings import Settings
from cnninv.training.sgd import Nesterov, one_cycle
from cnninv.training.softmax import cross_entropy
from cnninv.training.trained import Trained, split


def train(
    plan: Plan,
    images: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
    checkpoint: Path | None = None,
    resume: bool = False,
    xp: Any = np,
    progress: bool = True,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    plan : Plan
    images : ndarray of uint8, shape (count, 3, height, width)
    labels : ndarray of int, shape (count,)
    settings : Settings
    checkpoint : Path, optional
        Written after every epoch, and when the run is interrupted.
    resume : bool
        Go on from the checkpoint, to the same result bit for bit.
    xp : module
        numpy or cupy.
    progress : bool
        A line on stderr after every epoch, and on a terminal a bar.

    Raises
    ------
    ValueError
        If the checkpoint is damaged, or of other settings.
    MemoryError
        Before anything is allocated, if a step does not fit into memory.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    require_memory(
        network_memory(plan, settings.batch, settings.fused),
        f"{plan.architecture.title} on batches of {settings.batch} needs memory",
        "Take a smaller width or smaller batches.",
        xp,
    )
    model = Model(plan, np.random.default_rng((settings.seed, 0)), xp, fused=settings.fused)
    images, labels, kept_images, kept_labels = split(images, labels, settings)
    trained = Trained(model, *colour_statistics(images))
    optimiser = Nesterov(model.parameters, settings.momentum, settings.decay)
    parts = Parts(model, settings.parts)
    run = Run(trained, optimiser, facts_of(plan, settings, images, labels), checkpoint)
    if resume:
        run.load()
    steps = len(images) // settings.batch

    def order(epoch: int) -> list[np.ndarray]:
        return batches(len(images), settings.batch, _rng(settings, epoch, steps))

    def step(batch: np.ndarray) -> None:
        _step(run, parts, images[batch], labels[batch], settings, steps)

    def finish() -> dict[str, float]:
        seen = steps * settings.batch
        told = {"loss": run.sums["loss"] / steps, "training": run.sums["right"] / seen}
        if len(kept_images):
            told["validation"] = trained.accuracy(kept_images, kept_labels)
        return told

    through_epochs(run, settings.total, order, step, finish, progress)
    return trained


def _step(
    run: Run,
    parts: Parts,
    images: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
    steps: int,
) -> None:
    started, xp = time.perf_counter(), run.trained.model.xp
    rng = _rng(settings, run.epoch, run.step)
    images = augmented(images, rng, settings.shift, settings.flip)
    labels = xp.asarray(labels.astype(np.int64))
    x = run.trained._inputs(images)
    loss, right = learn(parts, x, labels, settings.smoothing, rng)
    if not np.isfinite(loss):
        raise ValueError(
            f"the loss is {loss} in epoch {run.epoch + 1}; expected a smaller rate than {settings.rate}"
        )
    run.optimiser.step(parts.gradients, learning_rate(settings, run.epoch, run.step, steps))
    run.sums["loss"] += loss
    run.sums["right"] += right
    run.trained.seconds += time.perf_counter() - started


def learn(
    parts: Parts, x: Any, labels: Any, smoothing: float, rng: np.random.Generator
) -> tuple[float, int]:
    """The loss of a batch and how many labels had the largest logit; gradients into `parts.gradients`.

    Parameters
    ----------
    parts : Parts
    x : array, shape (3, height, width, batch)
    labels : array of int, shape (batch,)
    smoothing : float
    rng : numpy.random.Generator
    """

    def one(model: Model, part: slice, rng: np.random.Generator) -> tuple[float, int]:
        logits = model.forward(model.xp.ascontiguousarray(x[..., part]), rng)
        loss, gradient = cross_entropy(logits, labels[part], smoothing)
        model.backward(gradient)
        return loss, int((logits.argmax(axis=0) == labels[part]).sum())

    losses, right = zip(*parts.step(x.shape[-1], one, rng), strict=True)
    return sum(losses) / len(losses), sum(right)


def learning_rate(settings: Settings, epoch: int, step: int, steps: int) -> float:
    """Of a step of an epoch, in the first cycle or in the second."""
    if epoch < settings.epochs:
        return one_cycle(epoch * steps + step, settings.epochs * steps, settings.rate)
    done = (epoch - settings.epochs) * steps + step
    return one_cycle(done, settings.again * steps, settings.rate / 2)


def _rng(settings: Settings, epoch: int, step: int) -> np.random.Generator:
    """A stream of its own for every batch, so that a run can go on anywhere."""
    return np.random.default_rng((settings.seed, 2, epoch, step))
