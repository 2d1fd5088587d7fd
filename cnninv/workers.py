"""Where the tasks of a sweep run: in processes on this machine, or on a Dask cluster."""

import re
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext

from cnninv.cluster import Cluster
from cnninv.processes import Processes
from cnninv.validation import whole_number

ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|inproc)://\S+")
MOST = 1024
"""Processes on one machine."""


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
