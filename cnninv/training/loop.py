"""The training loop: epochs, progress, checkpoints, and a resume that ends where an uninterrupted run ends."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cnninv.backend import require_memory
from cnninv.training.augment import augmented, batches, colour_statistics
from cnninv.training.interrupts import interrupts
from cnninv.training.model import Model
from cnninv.training.parts import Parts
from cnninv.training.plans import Plan, Settings, memory_needed
from cnninv.training.run import Run, facts_of
from cnninv.training.sgd import Nesterov, one_cycle
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
        memory_needed(plan, settings.batch),
        f"{plan.architecture.title} on batches of {settings.batch} needs memory",
        "Take a smaller width or smaller batches.",
        xp,
    )
    model = Model(plan, np.random.default_rng((settings.seed, 0)), xp)
    images, labels, kept_images, kept_labels = split(images, labels, settings)
    trained = Trained(model, *colour_statistics(images))
    optimiser = Nesterov(model.parameters, settings.momentum, settings.decay)
    parts = Parts(model, settings.parts)
    run = Run(trained, parts, optimiser, facts_of(plan, settings, images, labels), checkpoint)
    if resume:
        run.load()
    steps = len(images) // settings.batch
    with interrupts() as interrupted:
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
            if interrupted:
                raise KeyboardInterrupt
    return trained


def _step(run: Run, images: np.ndarray, labels: np.ndarray, settings: Settings, steps: int) -> None:
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


def _finish_epoch(run: Run, images: np.ndarray, labels: np.ndarray, seen: int) -> None:
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


def _rng(settings: Settings, epoch: int, step: int) -> np.random.Generator:
    """A stream of its own for every batch, so that a run can go on anywhere."""
    return np.random.default_rng((settings.seed, 2, epoch, step))


def _bar(order: Any, run: Run, settings: Settings, steps: int, shown: bool) -> tqdm:
    label = f"epoch {run.epoch + 1}/{settings.total}"
    if run.trained.history and "validation" in run.trained.history[-1]:
        label += f", validation {run.trained.history[-1]['validation']:.1%}"
    hidden = None if shown else True  # None: where it is no terminal
    return tqdm(
        order, label, total=steps, initial=run.step, leave=False, disable=hidden, unit="batch"
    )
