"""Epochs of any training run: progress, checkpoints, and an end after Ctrl-C that loses nothing."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm

from cnninv.training.interrupts import interrupts
from cnninv.training.run import Run


def through_epochs(
    run: Run,
    epochs: int,
    batches: Callable[[int], Sequence[Any]],
    step: Callable[[Any], None],
    finish: Callable[[], dict[str, float]],
    progress: bool,
) -> None:
    """Go through the epochs that a run has still to come; `run` is where it is at every moment.

    Parameters
    ----------
    run : Run
    epochs : int
        In all.
    batches : callable
        The batches of an epoch, the same ones whenever it is asked.
    step : callable
        One step with a batch; it adds to `run.sums`.
    finish : callable
        What is to be told of an epoch whose steps are done, beside its number and the seconds.
    progress : bool
        A line on stderr after every epoch, and on a terminal a bar.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    with interrupts() as interrupted:
        while run.epoch < epochs:
            bar = _bar(batches(run.epoch), run, epochs, progress)
            for batch in bar:
                step(batch)
                run.step += 1
                bar.set_postfix_str(f"loss {run.sums['loss'] / run.step:.3f}", refresh=False)
                if interrupted:
                    bar.close()
                    run.save()
                    raise KeyboardInterrupt
            entry = {"epoch": run.epoch + 1} | finish() | {"seconds": run.trained.seconds}
            run.trained.history.append(entry)
            run.epoch, run.step, run.sums = run.epoch + 1, 0, dict.fromkeys(run.sums, 0.0)
            run.save()
            if progress:
                _tell(entry)
            if interrupted:
                raise KeyboardInterrupt


def _tell(entry: dict[str, float]) -> None:
    print(
        "  ".join(f"{name} {value:.4g}" for name, value in entry.items()),
        file=sys.stderr,
        flush=True,
    )


def _bar(order: Sequence[Any], run: Run, epochs: int, shown: bool) -> tqdm:
    label = f"epoch {run.epoch + 1}/{epochs}"
    if run.trained.history and "validation" in run.trained.history[-1]:
        label += f", validation {run.trained.history[-1]['validation']:.4g}"
    hidden = None if shown else True  # None: where it is no terminal
    rest = order[run.step :]
    return tqdm(
        rest,
        label,
        total=len(order),
        initial=run.step,
        leave=False,
        disable=hidden,
        unit="batch",
    )
