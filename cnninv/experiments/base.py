"""What an experiment is: rows of numbers beside the paper's, and a figure."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from cnninv.backend import to_device
from cnninv.parts import Parts
from cnninv.sweep import sweep

SCALES = ("quick", "paper")
LEAST_SEEDS = 20
"""A spread needs at least so many seeds."""

Number = float | tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One number of the paper and ours, under one convention."""

    quantity: str
    """Begins with the paper's own label."""
    convention: str
    paper: Number | None
    """What the paper prints: a number, an interval, or nothing."""
    ours: float | None
    """A number, or nothing if this was not run."""
    spread: tuple[float, float] | None
    """The central 98 % over at least 20 seeds, where there is randomness."""
    verdict: str
    reason: str = ""
    """Why ours differs, when known."""

    def as_json(self) -> dict[str, Any]:
        """The row as JSON stores it."""
        return asdict(self)


def row(
    quantity: str,
    convention: str,
    paper: Number | None,
    ours: float | Iterable[float],
    reason: str = "",
) -> Row:
    """A row from one number, or from one number per seed, with its verdict.

    The verdict is *reproduced* if the paper's number lies inside our spread (its interval meets it),
    *differs* if not, and *measured* if the paper prints no number. Without a spread, ours must round to
    the paper's number or lie in its interval.

    Parameters
    ----------
    ours : float, or one float per seed (at least 20)
        Of several, the mean is reported with the central 98 %.

    Raises
    ------
    ValueError
        For several numbers, but fewer than 20.
    """
    values = np.atleast_1d(np.asarray(ours, dtype=float))
    if 1 < len(values) < LEAST_SEEDS:
        raise ValueError(f"ours has {len(values)} seeds; a spread needs at least {LEAST_SEEDS}")
    mean, spread = float(values.mean()), None
    if len(values) > 1:
        low, high = np.quantile(values, [0.01, 0.99])
        spread = (float(low), float(high))
    if paper is None:
        verdict = "measured"
    else:
        low, high = paper if isinstance(paper, tuple) else (paper, paper)
        least, most = spread or (mean, mean)
        rounding = 0.0 if spread or isinstance(paper, tuple) else _last_digit(paper) / 2
        met = least <= high + rounding and low - rounding <= most
        verdict = "reproduced" if met else "differs"
    return Row(
        quantity, convention, paper, mean, spread, verdict, reason if verdict == "differs" else ""
    )


def _last_digit(number: float) -> float:
    digits = repr(float(number)).partition(".")[2]
    return 10.0 ** -len(digits.rstrip("0"))


@dataclass(frozen=True)
class Context:
    """What a run is told."""

    scale: str
    seed: int
    device: str = "cpu"
    data: str | None = None
    """Folder of weights and images that the book does not ship, or none."""
    executor: Executor | None = None
    """Where `sweep` runs its tasks; none is this process."""
    parts: Parts | None = None
    """Where it keeps what is finished."""

    def put(self, value: Any) -> Any:
        """An array or sparse array on the run's device."""
        return to_device(value, self.device)

    def pick(self, quick: Any, paper: Any) -> Any:
        """The size that belongs to the scale."""
        return quick if self.scale == "quick" else paper

    def streams(self, count: int) -> list[np.random.Generator]:
        """Independent generators, one per task, whatever the order in which the tasks run."""
        return [np.random.default_rng(s) for s in np.random.SeedSequence(self.seed).spawn(count)]

    def sweep(self, task: Callable[[Any], Any], items: Iterable[Any], name: str) -> list[Any]:
        """task(item) for each item, over the workers, keeping what is finished: see `cnninv.sweep.sweep`."""
        parts = None if self.parts is None else self.parts.of(name)
        return sweep(task, items, self.executor, name, partial(self.progress, name=name), parts)

    def progress(self, tasks: Iterable[Any], name: str) -> Iterator[Any]:
        """The tasks, with a progress bar on a terminal."""
        return iter(tqdm(tasks, desc=name, disable=None, leave=False))


@dataclass(frozen=True)
class Outcome:
    """What a run returns."""

    rows: list[Row]
    figure: Any
    """A matplotlib figure."""


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper that can be run."""

    name: str
    paper_item: str
    title: str
    run: Callable[[Context], Outcome]
    needs: str = "nothing beyond the package"
    gpu: bool = False
    """Whether it can compute on a GPU; if not, it runs on the CPU whatever is asked for, and says so."""
    claims: tuple[str, ...] = ()
    """The quantities of data/paper.json that its rows answer (their beginnings)."""
