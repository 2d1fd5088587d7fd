"""Where arrays live (NumPy or CuPy, decided by the arrays), and how much memory is free."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import scipy.sparse


def array_namespace(*arrays: Any) -> ModuleType:
    """The module, numpy or cupy, that the arrays belong to.

    Raises
    ------
    TypeError
        If some arrays are on the GPU and some on the CPU: transfers are explicit here.
    """
    on_gpu = [_is_cupy(array) for array in arrays if hasattr(array, "shape")]
    if not any(on_gpu):
        return np
    if not all(on_gpu):
        raise TypeError(
            "some arguments are NumPy and some CuPy arrays; move them to one device first "
            "(cupy.asarray or cupy.asnumpy)"
        )
    return sys.modules["cupy"]


def _is_cupy(array: Any) -> bool:
    return type(array).__module__.split(".")[0] in ("cupy", "cupyx")


def dense(matrix: Any) -> Any:
    """A matrix given as an array, a sparse array or an operator with `@`, as a dense array."""
    if isinstance(matrix, np.ndarray) or (_is_cupy(matrix) and not hasattr(matrix, "nnz")):
        return matrix
    if hasattr(matrix, "toarray"):
        return matrix.toarray()
    return matrix @ np.eye(matrix.shape[1], dtype=getattr(matrix, "dtype", None))


def is_sparse(matrix: Any) -> bool:
    """Whether `matrix` is a SciPy or CuPy sparse matrix or array."""
    return scipy.sparse.issparse(matrix) or (_is_cupy(matrix) and hasattr(matrix, "nnz"))


def free_memory() -> int:
    """Bytes that a new array could take on this machine without swapping."""
    return psutil.virtual_memory().available


def require_memory(needed: int, what: str, advice: str) -> None:
    """Refuse, before anything is allocated, what does not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    what, advice : str
        What would need them, and what the reader can do instead.

    Raises
    ------
    MemoryError
        With the bytes needed and the bytes free.
    """
    free = free_memory()
    if needed > free:
        raise MemoryError(
            f"{what}, {needed / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free. {advice}"
        )
