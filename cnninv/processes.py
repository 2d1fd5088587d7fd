"""Processes on this machine for the tasks of a sweep: one BLAS thread each, no Ctrl-C of their own."""

import multiprocessing
import multiprocessing.context
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""The environment of a worker: N workers are to use N cores, and sums are not to depend on their number."""


class Processes(Executor):
    """Processes on this machine, one BLAS thread each, that can be begun anew when one is lost.

    They are started as tasks come, end with this process in any case, and leave Ctrl-C to it.

    Parameters
    ----------
    number : int
    """

    def __init__(self, number: int):
        self.number = number
        self._pool: ProcessPoolExecutor | None = None
        self._spawn = _Spawn()

    @property
    def window(self) -> int:
        """Tasks to be handed in at one time: one for each process, and one that is next."""
        return self.number + 1

    def submit(self, task: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        """As `concurrent.futures.Executor.submit`."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.number, self._spawn, _begin)
        return self._pool.submit(task, *args, **options)

    def restart(self) -> None:
        """Stop all processes at once; others start with the next task."""
        with _deaf():  # a second Ctrl-C is not to leave some of them
            pool, self._pool = self._pool, None
            for process in self._spawn.stop():
                process.join()
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `concurrent.futures.Executor.shutdown`."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)
            self._pool = None

    def __exit__(self, kind: Any, *_: Any) -> None:
        """Wait for what runs, unless an error or Ctrl-C has ended the sweep."""
        if kind is not None:
            self.restart()
        self.shutdown()


class _Spawn(multiprocessing.context.SpawnContext):
    """Starts processes with one BLAS thread, without SIGINT, and knows them."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[Any] = []

    def Process(self, *args: Any, **options: Any) -> Any:
        self._started.append(process := _Worker(*args, **options))
        return process

    def stop(self) -> list[Any]:
        """Kill the processes; returns them."""
        started = [process for process in self._started if process.pid is not None]
        self._started = []
        for process in started:
            process.kill()
        return started


class _Worker(multiprocessing.context.SpawnProcess):
    def start(self) -> None:
        with _environment(ONE_THREAD), _without_interrupts():
            super().start()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that starts here is deaf to Ctrl-C from its first moment; here it arrives afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """Here, Ctrl-C is ignored; only the main thread may say so, and only it is interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin() -> None:
    """In a new process: the terminal's Ctrl-C is for its parent, with whose end, however sudden, it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
