"""The training loop: epochs, progress, checkpoints, and a resume that ends where an uninterrupted run ends."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cnninv.backend import array_namespace, to_host
from cnninv.training.augment import augmented, batches, colour_statistics, inputs
from cnninv.training.checkpoint import read_checkpoint, write_checkpoint
from cnninv.training.model import Model
from cnninv.training.parts import Parts
from cnninv.training.plans import Plan, Settings
from cnninv.training.sgd import Nesterov, one_cycle

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
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    model = Model(plan, np.random.default_rng((settings.seed, 0)), xp)
    images, labels, kept_images, kept_labels = split(images, labels, settings)
    trained = Trained(model, *colour_statistics(images))
    optimiser = Nesterov(model.parameters, settings.momentum, settings.decay)
    parts = Parts(model, settings.parts)
    run = _Run(trained, parts, optimiser, _facts(plan, settings, len(images)), checkpoint)
    if resume:
        run.load()
    steps = len(images) // settings.batch
    with _interrupts() as interrupted:
        while run.epoch < settings.total:
            order = batches(len(images), settings.batch, _rng(settings, run.epoch, steps))
            start = run.step
            bar = _bar(order[start:], run, settings, steps, progress)
            for batch in bar:
                _step(run, images[batch], labels[batch], settings, steps)
                bar.set_postfix_str(f"loss {run.loss / run.step:.3f}", refresh=False)
                if interrupted:
                    bar.close()
                    run.save()
                    raise KeyboardInterrupt
            _finish_epoch(run, kept_images, kept_labels, steps * settings.batch)
            run.save()
            if progress:
                _tell(trained.history[-1])
    return trained


def _step(run: "_Run", images: np.ndarray, labels: np.ndarray, settings: Settings, steps: int):
    started, xp = time.perf_counter(), run.trained.model.xp
    rng = _rng(settings, run.epoch, run.step)
    images = augmented(images, rng, settings.shift, settings.flip)
    labels = xp.asarray(labels.astype(np.int64))
    x = run.trained._inputs(images)
    loss, right = run.parts.step(x, labels, settings.smoothing, rng)
    if not np.isfinite(loss):
        raise ValueError(
            f"the loss is {loss} in epoch {run.epoch + 1}; expected a smaller rate than {settings.rate}"
        )
    run.optimiser.step(run.parts.gradients, learning_rate(settings, run.epoch, run.step, steps))
    run.loss += loss
    run.right += right
    run.step += 1
    run.trained.seconds += time.perf_counter() - started


def learning_rate(settings: Settings, epoch: int, step: int, steps: int) -> float:
    """Of a step of an epoch, in the first cycle or in the second."""
    if epoch < settings.epochs:
        return one_cycle(epoch * steps + step, settings.epochs * steps, settings.rate)
    done = (epoch - settings.epochs) * steps + step
    return one_cycle(done, settings.again * steps, settings.rate / 2)


def _finish_epoch(run: "_Run", images: np.ndarray, labels: np.ndarray, seen: int) -> None:
    entry = {"epoch": run.epoch + 1, "loss": run.loss / run.step, "training": run.right / seen}
    if len(images):
        entry["validation"] = run.trained.accuracy(images, labels)
    entry["seconds"] = run.trained.seconds
    run.trained.history.append(entry)
    run.epoch, run.step, run.loss, run.right = run.epoch + 1, 0, 0.0, 0


def _tell(entry: dict[str, float]) -> None:
    print(
        "  ".join(f"{name} {value:.4g}" for name, value in entry.items()),
        file=sys.stderr,
        flush=True,
    )


class _Run:
    """Where a run is: everything that a checkpoint holds."""

    def __init__(
        self,
        trained: Trained,
        parts: Parts,
        optimiser: Nesterov,
        facts: dict[str, Any],
        path: Path | None,
    ) -> None:
        self.parts = parts
        self.trained, self.optimiser, self.facts, self.path = trained, optimiser, facts, path
        self.epoch, self.step, self.loss, self.right = 0, 0, 0.0, 0

    def arrays(self) -> dict[str, Any]:
        """What is learned, fixed and its momentum; by reference."""
        momentum = {f"momentum.{name}": v for name, v in self.optimiser.velocity.items()}
        colours = {"mean_RGB": self.trained.mean, "deviation_RGB": self.trained.deviation}
        return self.trained.model.state | momentum | colours

    def save(self) -> None:
        if self.path is None:
            return
        where = {name: getattr(self, name) for name in ("epoch", "step", "loss", "right")}
        told = {"history": self.trained.history, "seconds": self.trained.seconds}
        write_checkpoint(self.path, self.arrays(), self.facts | where | told)

    def load(self) -> None:
        arrays = self.arrays()
        shapes = {name: array.shape for name, array in arrays.items()}
        values, facts = read_checkpoint(self.path, shapes)
        for name, expected in self.facts.items():
            if facts.get(name) != expected:
                raise ValueError(
                    f"{self.path} is of a run with {name} = {facts.get(name)}; this one has {expected}. "
                    f"Resume with the same settings, or choose another folder"
                )
        for name, array in arrays.items():
            array[...] = array_namespace(array).asarray(values[name])
        for name in ("epoch", "step", "loss", "right"):
            setattr(self, name, facts[name])
        self.trained.history, self.trained.seconds = facts["history"], facts["seconds"]


def _facts(plan: Plan, settings: Settings, images: int) -> dict[str, Any]:
    """What must agree for a run to be resumed."""
    shapes = {name: list(shape) for name, shape in plan.architecture.shapes.items()}
    whole = {"network": plan.architecture.name, "filters": plan.filters, "shapes": shapes}
    return whole | {"images": images} | asdict(settings)


def _rng(settings: Settings, epoch: int, step: int) -> np.random.Generator:
    """A stream of its own for every batch, so that a run can go on anywhere."""
    return np.random.default_rng((settings.seed, 2, epoch, step))


def _bar(order: Any, run: _Run, settings: Settings, steps: int, shown: bool) -> tqdm:
    label = f"epoch {run.epoch + 1}/{settings.total}"
    if run.trained.history and "validation" in run.trained.history[-1]:
        label += f", validation {run.trained.history[-1]['validation']:.1%}"
    hidden = None if shown else True  # None: where it is no terminal
    return tqdm(
        order, label, total=steps, initial=run.step, leave=False, disable=hidden, unit="batch"
    )


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that Ctrl-C and SIGTERM fill, so that a step is never left half done; the second one kills."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
