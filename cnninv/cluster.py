"""A Dask cluster for the tasks of a sweep, reached by its scheduler's address."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import scipy

from cnninv.parts import code

PATIENCE, WORKERS_PATIENCE = 10, 30
"""Seconds that a Dask scheduler has to answer, and to have workers."""


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
