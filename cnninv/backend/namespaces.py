"""Which module, NumPy or CuPy, arrays belong to: functions decide by the arrays that they are given."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse


def array_namespace(*arrays: Any, **named: Any) -> ModuleType:
    """The module, numpy or cupy, that the arrays belong to.

    Lists and numbers belong to either, and so do operators that do not say where their entries are (those
    of this package do, by an attribute `xp`).

    Parameters
    ----------
    *arrays, **named : array, sparse array, operator, or anything else
        By name, so that the error can say which one is where.

    Raises
    ------
    TypeError
        If some are NumPy and some CuPy arrays: transfers are explicit here.

    Examples
    --------
    >>> array_namespace(x=np.zeros(2), lam=1.0).__name__
    'numpy'
    """
    arguments = {str(place): array for place, array in enumerate(arrays)} | named
    places = {name: _place(array) for name, array in arguments.items()}
    on_gpu = [name for name, place in places.items() if place == "gpu"]
    on_cpu = [name for name, place in places.items() if place == "cpu"]
    if not on_gpu:
        return np
    if on_cpu:
        who = (
            f"{_listed(on_gpu)} on the GPU (CuPy), {_listed(on_cpu)} in memory (NumPy)"
            if named
            else "some arguments are NumPy and some CuPy arrays"
        )
        raise TypeError(
            f"{who}; move them to one place first (cnninv.backend.to_device or to_host)"
        )
    return sys.modules["cupy"]


def _listed(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _place(array: Any) -> str | None:
    """ "gpu" or "cpu", or None of what has no entries or does not say where they are."""
    if is_cupy(array):
        return "gpu"
    if isinstance(array, np.ndarray) or scipy.sparse.issparse(array):
        return "cpu"
    home = getattr(array, "xp", None)
    return None if home is None else "cpu" if home is np else "gpu"


def is_cupy(array: Any) -> bool:
    """Whether `array` is CuPy's: an array, a sparse matrix, or an error."""
    return type(array).__module__.split(".")[0] in ("cupy", "cupyx")


def is_sparse(matrix: Any) -> bool:
    """Whether `matrix` is a SciPy or CuPy sparse matrix or array."""
    return scipy.sparse.issparse(matrix) or (is_cupy(matrix) and hasattr(matrix, "nnz"))


def sparse_namespace(xp: ModuleType) -> ModuleType:
    """scipy.sparse for numpy, cupyx.scipy.sparse for cupy."""
    if xp is np:
        return scipy.sparse
    import cupyx.scipy.sparse

    return cupyx.scipy.sparse


def fft_namespace(xp: ModuleType) -> ModuleType:
    """scipy.fft for numpy, cupyx.scipy.fft for cupy."""
    if xp is np:
        return scipy.fft
    import cupyx.scipy.fft

    return cupyx.scipy.fft
