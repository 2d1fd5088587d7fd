"""Many tasks alike, in this process or over many workers, with the same results bit for bit.

A task is a function of one item. What it draws comes from a random stream in that item, one for each task
(`numpy.random.Generator.spawn`, `SeedSequence.spawn`): neither the number of workers nor the order in which
they finish can matter.
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import closing
from copy import deepcopy
from typing import Any

from cnninv.parts import MISSING, Parts
from cnninv.processes import Processes

MOMENT = 5.0
"""Seconds between two looks at whether a cluster is still there."""


def sweep(
    task: Callable[[Any], Any],
    items: Iterable[Any],
    executor: Executor | None = None,
    name: str = "sweep",
    progress: Callable[[list], Iterable] = iter,
    parts: Parts | None = None,
) -> list[Any]:
    """task(item) for each item, in their order.

    Parameters
    ----------
    task : callable
        Of one item, of which it gets a copy. For other processes, a function of a module, or a `partial` of
        one.
    items : iterable
    executor : concurrent.futures.Executor, optional
        From `workers`, or any other; none is this process.
    name : str
        What errors call the sweep.
    progress : callable
        Wraps the list of tasks to be done, for a progress bar.
    parts : Parts, optional
        Results are kept there as they come, and those that are there are not computed again.

    Returns
    -------
    list

    Raises
    ------
    ChildProcessError
        If the worker of a task was lost, and lost again when the task was tried once more alone.
    ConnectionError
        If a cluster has gone.

    Notes
    -----
    What a task raises ends the sweep.

    Examples
    --------
    >>> import numpy as np
    >>> streams = np.random.default_rng(0).spawn(3)
    >>> [round(x, 3) for x in sweep(lambda rng: float(rng.random()), streams)]
    [0.943, 0.677, 0.838]
    """
    items = list(items)
    results = {}
    if parts is not None:
        kept = ((index, parts.read(index)) for index in range(len(items)))
        results = {index: part for index, part in kept if part is not MISSING}
    missing = [index for index in range(len(items)) if index not in results]
    if executor is None:
        arriving = ((index, task(deepcopy(items[index]))) for index in missing)
    else:
        arriving = _Sweep(task, items, executor, name).run(missing)
    with closing(arriving):
        for _ in progress(missing):
            index, results[index] = next(arriving)
            if parts is not None:
                parts.keep(index, results[index])
    return [results[index] for index in range(len(items))]


class _Sweep:
    """The tasks on their way through an executor."""

    def __init__(self, task: Callable, items: list, executor: Executor, name: str):
        self.task, self.items, self.executor, self.name = task, items, executor, name
        self.running: dict[Future, int] = {}
        self.waiting: deque[int] = deque()
        # tasks that ran when a worker was lost: tried again one by one, to see which of them is to blame
        self.suspects: deque[int] = deque()
        self.tried: set[int] = set()
        if isinstance(executor, (Processes, ProcessPoolExecutor)):
            _require_pickle(task, name)

    def run(self, missing: list[int]) -> Iterator[tuple[int, Any]]:
        """Index and result of each task, as they finish."""
        self.waiting.extend(missing)
        try:
            while self.waiting or self.suspects or self.running:
                lost = self._hand_in()
                done, _ = wait(self.running, timeout=MOMENT, return_when=FIRST_COMPLETED)
                if not done and hasattr(self.executor, "check"):
                    self.executor.check()
                for future in done:
                    index = self.running.pop(future)
                    error = self._error(future, index)
                    if error is None:
                        yield index, future.result()
                    else:
                        lost.append(index)
                if lost:
                    yield from self._after_loss(lost)
        finally:
            self._stop()

    def _hand_in(self) -> list[int]:
        """As many tasks as the executor should have; returns the one that it refused, being broken."""
        queue, room = self.waiting, getattr(self.executor, "window", len(self.items))
        if self.suspects or self.tried.intersection(self.running.values()):
            queue, room = self.suspects, 1
        while queue and len(self.running) < room:
            index = queue.popleft()
            try:
                future = self.executor.submit(_attempt, self.task, self.items[index])
            except BrokenExecutor:
                return [index]
            self.running[future] = index
        return []

    def _error(self, future: Future, index: int) -> BaseException | None:
        """None, or that the pool is broken; raises everything else."""
        try:
            error = future.exception()
        except CancelledError:
            at = getattr(self.executor, "address", "")
            raise ConnectionError(
                f"{self.name}: the workers{at and f' at {at}'} have gone; {KEPT}"
            ) from None
        if type(error).__name__ == "KilledWorker":  # Dask has tried it more than once
            raise ChildProcessError(self._blame([index]))
        if error is not None and not isinstance(error, BrokenExecutor):
            raise error
        return error

    def _after_loss(self, lost: list[int]) -> Iterator[tuple[int, Any]]:
        """All that ran is suspect, except what has finished: a broken pool ends them all."""
        for future, index in list(self.running.items()):
            if self._error(future, index) is None:
                yield index, future.result()
            else:
                lost.append(index)
        self.running.clear()
        guilty = self.tried.intersection(lost)
        if guilty or not hasattr(self.executor, "restart"):
            raise ChildProcessError(self._blame(guilty or lost))
        self.executor.restart()
        self.tried.update(lost)
        self.suspects.extend(sorted(lost))

    def _blame(self, lost: Iterable[int]) -> str:
        tasks = " or ".join(f"{index + 1}" for index in sorted(lost))
        return (
            f"{self.name}: task {tasks} of {len(self.items)} has lost its worker"
            f"{' twice' if self.tried else ''} (killed, perhaps for lack of memory); {KEPT}"
        )

    def _stop(self) -> None:
        """What still runs is of no use any more."""
        for future in self.running:
            future.cancel()
        if self.running and hasattr(self.executor, "restart"):
            self.executor.restart()


KEPT = "the tasks that are finished are not computed again"


def _attempt(task: Callable[[Any], Any], item: Any) -> Any:
    """The task, in a worker; an exception that could not travel is replaced by one that can."""
    try:
        return task(deepcopy(item))
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            kinds = (MemoryError, OSError, ValueError, TypeError, RuntimeError)
            kind = next((k for k in kinds if isinstance(error, k)), RuntimeError)
            raise kind(f"{type(error).__name__}: {error}") from None
        raise


def _require_pickle(task: Callable, name: str) -> None:
    try:
        pickle.dumps(task)
    except Exception as error:
        raise TypeError(
            f"{name}: its task cannot be sent to other processes ({error}); expected a function of a "
            f"module, or a partial of one"
        ) from None
