"""Where the tasks of a sweep run: in processes on this machine, or on a Dask cluster."""

import asyncio
import logging
import multiprocessing
import multiprocessing.context
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import scipy

from cnninv.parts import code
from cnninv.validation import whole_number

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
ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|inproc)://\S+")
PATIENCE, WORKERS_PATIENCE = 10, 30
"""Seconds that a Dask scheduler has to answer, and to have workers."""


def workers(
    where: int | str | None, name: str = "workers"
) -> AbstractContextManager[Executor | None]:
    """An executor for `sweep`, to be used with `with`.

    Parameters
    ----------
    where : int, str or None
        A number of processes on this machine; the address of a Dask scheduler; or none, for this process.
    name : str
        What errors call it.

    Returns
    -------
    context manager of concurrent.futures.Executor, or of None

    Raises
    ------
    ValueError
        For what is neither a number from 1 on nor an address.
    ConnectionError
        If no scheduler with workers answers there, or they have another version of this code.
    ModuleNotFoundError
        For an address, without `distributed`.

    Notes
    -----
    Processes are spawned: a script that uses them needs ``if __name__ == "__main__":``, and what a task is
    made of must be importable. Each uses one BLAS thread, so that long sums are added in the same order
    however many there are; Dask's own workers do so too, unless they are told otherwise. In this process, a
    sum may be split over all cores and differ in its last digit: OMP_NUM_THREADS=1 prevents that.

    Examples
    --------
    >>> with workers(None) as executor:
    ...     print(executor)
    None
    """
    if where is None:
        return nullcontext(None)
    if isinstance(where, str) and ADDRESS.fullmatch(where):
        return Cluster(where, name)
    number = int(where) if isinstance(where, str) and re.fullmatch(r"-?\d+", where) else where
    if isinstance(number, str):
        raise ValueError(
            f"{name} = {where!r} must be a number of processes, or the address of a Dask scheduler "
            f"such as tcp://host:8786"
        )
    return Processes(whole_number(number, name, low=1, high=MOST))


MOST = 1024
"""Processes on one machine."""


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


class Cluster(Executor):
    """A Dask cluster, by its scheduler's address.

    Parameters
    ----------
    address : str
    name : str
        What errors call it.

    Raises
    ------
    ModuleNotFoundError
        Without `distributed`.
    ConnectionError
        If no scheduler answers, it has no workers, or they have other code.
    """

    def __init__(self, address: str, name: str = "workers"):
        self.address, self._said = address, f"{name} = {address!r}"
        try:
            import distributed
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                f"{self._said} needs distributed: pip install 'cnninv[dask]'"
            ) from None
        # asked before there is a client, as one that does not find its scheduler hinders the end of the program
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _look(address, self._said)).result()
        for logger in (
            "distributed",
            "distributed.client",
        ):  # a lost scheduler is one line, not pages
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        self._client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        try:
            self._same_code()
            self.number = sum(self._client.nthreads().values())
        except BaseException:
            self.shutdown()
            raise
        self._executor = self._client.get_executor(pure=False)
        self._alone_since: float | None = None

    def _same_code(self) -> None:
        try:
            others = self._client.run(installed)
        except ModuleNotFoundError as error:
            raise ConnectionError(f"{self._said}: its workers lack a module: {error}") from None
        for worker, found in others.items():
            for name, version in installed().items():
                if found.get(name) != version:
                    raise ConnectionError(
                        f"{self._said}: {worker} has {name} {found.get(name)}; expected {version}, as here"
                    )

    def submit(self, task: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        """As `concurrent.futures.Executor.submit`."""
        return self._executor.submit(task, *args, **options)

    def check(self) -> None:
        """Refuse to wait for a cluster that has gone.

        Raises
        ------
        ConnectionError
            If for some time the scheduler has not answered, or has had no workers.
        """
        if self._client.status == "running" and self._client.scheduler_info()["workers"]:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        if (
            self._client.status == "closed"
            or time.monotonic() - self._alone_since > WORKERS_PATIENCE
        ):
            raise ConnectionError(
                f"{self._said}: the scheduler does not answer any more, or has lost all its workers"
            )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which stays; what was asked of it is given up."""
        self._client.close(timeout=PATIENCE)


def installed() -> dict[str, str]:
    """What the numbers of a worker depend on."""
    return {"numpy": np.__version__, "scipy": scipy.__version__, "cnninv with source": code()}


async def _look(address: str, said: str) -> None:
    """Refuse an address at which no Dask scheduler answers, or none with workers."""
    from distributed.core import rpc

    try:
        async with asyncio.timeout(PATIENCE):
            kind = await _ask(rpc, address, "type")
    except Exception as error:  # every way of being connected has its own
        reason = f"{error}" or f"nothing within {PATIENCE} s"
        raise ConnectionError(f"{said}: no Dask scheduler answers there ({reason})") from None
    if kind != "Scheduler":
        raise ConnectionError(f"{said}: a Dask {kind} answers there; expected a scheduler")
    end = time.monotonic() + WORKERS_PATIENCE
    while not await _ask(rpc, address, "workers"):
        if time.monotonic() > end:
            raise ConnectionError(f"{said}: the scheduler has no workers")
        await asyncio.sleep(0.2)


async def _ask(rpc: Any, address: str, what: str) -> Any:
    async with rpc(address) as scheduler:
        return (await scheduler.identity())[what]
