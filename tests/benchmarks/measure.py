"""What a benchmark yields, and how it is timed: jobs in turn, so that a busy machine disturbs them alike."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.optimize

from cnninv.threads import core_count, in_threads, slices

THREADS = core_count()
REST = 0.05
"""Seconds before each job: for 2²⁶ cycles after a product, about 30 ms, OpenBLAS's threads hold their cores."""


@dataclass(frozen=True)
class Measure:
    """One operation: its cost, and what it is compared with, all from the same run."""

    operation: str
    seconds: float
    peer: str = ""
    peer_seconds: float | None = None
    """None if there is no peer, or it is not installed."""
    limit: str = ""
    limit_seconds: float | None = None
    """What no way of doing it can be faster than: a fill, a copy, a dense product."""
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Time over the peer's."""
        return None if self.peer_seconds is None else self.seconds / self.peer_seconds

    @property
    def share(self) -> float | None:
        """Of the limit's speed."""
        return None if self.limit_seconds is None else self.limit_seconds / self.seconds

    def __str__(self) -> str:
        text = f"{self.operation:62} {self.seconds * 1e3:9.1f} ms"
        if self.ratio is not None:
            text += (
                f"   {self.ratio:5.2f} × the time of {self.peer} ({self.peer_seconds * 1e3:.1f} ms)"
            )
        elif self.peer:
            text += f"   {self.peer} is not installed"
        if self.share is not None:
            text += f"   {self.share:4.0%} of {self.limit}"
        facts = "; ".join(f"{name} {value:,.4g}" for name, value in self.facts.items())
        return text + (f"\n    {facts}" if facts else "")


def in_turn(*jobs: Callable[[], Any] | None, repeats: int = 7) -> list[float | None]:
    """Least seconds of each job, run one after the other; None for a job that is None."""
    times: list[list[float]] = [[] for _ in jobs]
    for round_ in range(repeats + 1):
        for job, measured in zip(jobs, times, strict=True):
            if job is None:
                continue
            time.sleep(REST)
            start = time.perf_counter()
            job()
            if round_ or repeats == 0:  # the first round warms caches and memory
                measured.append(time.perf_counter() - start)
    return [min(measured) if measured else None for measured in times]


def once(*jobs: Callable[[], Any] | None) -> list[float | None]:
    """Seconds of each long job, run once."""
    return in_turn(*jobs, repeats=0)


def optional(name: str) -> Any:
    """A module, or None and a line that says so."""
    try:
        return __import__(name)
    except ModuleNotFoundError:
        print(f"{name} is not installed: what it is the peer of stands alone")
        return None


def copy_job(nbytes: int) -> Callable[[], Any]:
    """A copy of so many bytes, on all threads."""
    source, target = np.ones(nbytes // 8), np.zeros(nbytes // 8)
    parts = slices(len(source), THREADS)
    return lambda: in_threads(lambda s: np.copyto(target[s], source[s]), parts, THREADS)


def product_job(pairs: list[tuple[tuple[int, int], tuple[int, int], int]]) -> Callable[[], Any]:
    """Dense products of (rows, columns) pairs, each so many times, in float32."""
    rng = np.random.default_rng(0)
    operands = [
        (rng.standard_normal(a).astype(np.float32), rng.standard_normal(b).astype(np.float32), n)
        for a, b, n in pairs
    ]

    def multiply() -> None:
        for a, b, times in operands:
            for _ in range(times):
                a @ b

    return multiply


def exponent(sizes: Any, seconds: Any) -> tuple[float, float]:
    """(p, residual) of the least-squares fit of log seconds to p·log size: 0.1 is ten per cent off the line."""
    x, y = np.log(sizes), np.log(seconds)
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(np.sqrt(np.mean((y - slope * x - intercept) ** 2)))


def fixed_cost(sizes: Any, seconds: Any) -> float:
    """a of the fit seconds = a + b·size with a, b ≥ 0, relative errors least."""
    seconds = np.asarray(seconds, dtype=float)
    rows = np.column_stack([np.ones(len(seconds)), sizes]) / seconds[:, None]
    scale = rows.max(axis=0)
    return float(scipy.optimize.nnls(rows / scale, np.ones(len(seconds)))[0][0] / scale[0])


def set_torch_threads(torch: Any) -> Any:
    """PyTorch on as many threads as the rest."""
    if torch is not None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or THREADS))
    return torch
