"""Work on several cores: the pieces write to places of their own, so the number of threads changes no bit.

NumPy and SciPy release the interpreter lock inside their loops, so threads are enough and nothing is copied.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

from cnninv.validation import whole_number


def core_count() -> int:
    """Threads to use where no number is given: OMP_NUM_THREADS, else the cores this process may use."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if given.isdecimal() and int(given) > 0:
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count(threads: Any) -> int:
    """`threads` as a number from 1 on; `core_count` for None."""
    return core_count() if threads is None else whole_number(threads, "threads", low=1)


def slices(length: int, parts: int) -> list[slice]:
    """0 … length − 1 in so many slices, as equal as can be; fewer if there are not as many numbers.

    Examples
    --------
    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    parts = max(1, min(parts, length))
    cuts = [length * part // parts for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(cuts)]


def in_threads(job: Callable[[Any], Any], pieces: Sequence[Any], threads: int) -> list[Any]:
    """[job(piece) for piece in pieces], on so many threads, this one among them.

    May be called from inside a job. The first error is raised, once no job runs any more.

    Examples
    --------
    >>> in_threads(abs, [-1, 2, -3], threads=2)
    [1, 2, 3]
    """
    threads = min(threads, len(pieces))
    if threads <= 1:
        return [job(piece) for piece in pieces]
    todo, results = deque(enumerate(pieces)), [None] * len(pieces)

    def work() -> None:
        while True:
            try:
                place, piece = todo.popleft()
            except IndexError:
                return
            try:
                results[place] = job(piece)
            except BaseException:
                todo.clear()
                raise

    helpers = [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        # a helper that has not begun is not needed any more; waiting for it could be waiting for this thread
        running = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in running]
    for error in filter(None, errors):
        raise error
    # a helper that was cancelled stays in the pool's queue for a while, and is not to keep the results
    found, results = results, []
    return found


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="cnninv")


if hasattr(os, "register_at_fork"):  # a forked process has the pools, but not their threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
