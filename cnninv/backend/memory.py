"""How much memory is free, here or on the GPU, and what to say where it is not enough."""

import sys
from types import ModuleType

import numpy as np
import psutil

from cnninv.backend.namespaces import is_cupy


def free_memory() -> int:
    """Bytes that a new array could take on this machine without swapping."""
    return psutil.virtual_memory().available


def free_gpu_memory() -> int:
    """Bytes that a new CuPy array could take: what the GPU has free, and what CuPy keeps for later."""
    cupy = sys.modules["cupy"]
    pool, (free, _) = cupy.get_default_memory_pool(), cupy.cuda.runtime.memGetInfo()
    kept = pool.free_bytes()
    limit = pool.get_limit()
    return free + kept if limit == 0 else min(free + kept, limit - pool.used_bytes())


def require_memory(needed: int, what: str, advice: str, xp: ModuleType = np) -> None:
    """Refuse, before anything is allocated, what does not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    what, advice : str
        What would need them, and what the reader can do instead.
    xp : numpy or cupy
        Where it would be.

    Raises
    ------
    MemoryError
        With the bytes needed and the bytes free.
    """
    free, where = (free_memory(), "") if xp is np else (free_gpu_memory(), " on the GPU")
    if needed > free:
        raise MemoryError(
            f"{what}, {needed / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free{where}. {advice}"
        )


def explain(error: MemoryError) -> str:
    """One line for an allocation that failed on the way: what was asked for, and what there is.

    Examples
    --------
    >>> explain(MemoryError("Unable to allocate 8.00 TiB")).partition(";")[0]
    'out of memory: Unable to allocate 8.00 TiB'
    """
    message = " ".join(str(error).split())
    if " are free" in message:  # of `require_memory`
        return message
    free, where = (
        (free_gpu_memory(), "the GPU") if is_cupy(error) else (free_memory(), "this machine")
    )
    return f"out of memory: {message or 'an allocation failed'}; {free / 2**30:.1f} GiB are free on {where}"
