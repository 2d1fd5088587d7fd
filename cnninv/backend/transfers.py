"""The only two ways from one place to the other."""

import sys
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.backend.devices import select
from cnninv.backend.memory import require_memory
from cnninv.backend.namespaces import is_cupy, is_sparse
from cnninv.backend.sparse import check_indices, csr


def to_device(value: Any, device: str) -> Any:
    """An array, sparse array or list moved to a device, "cpu" or "cuda"; as it is if it is there already.

    Raises
    ------
    MemoryError
        Before anything is copied, if it does not fit.
    ValueError
        For a sparse array of more non-zeros than CuPy can index.
    """
    if select(device) == "cpu":
        return to_host(value)
    cupy = sys.modules["cupy"]
    if is_cupy(value):
        return value
    if not scipy.sparse.issparse(value):
        value = np.asarray(value)
        _fits_on_gpu(value.nbytes)
        return cupy.asarray(value)
    matrix = value.tocsr()
    check_indices(matrix.nnz, matrix.shape, cupy)
    parts = (matrix.data, matrix.indices, matrix.indptr)
    _fits_on_gpu(sum(part.nbytes for part in parts))
    return csr(*map(cupy.asarray, parts), matrix.shape)


def to_host(value: Any) -> Any:
    """A CuPy array or sparse array as NumPy's or SciPy's; anything else as it is."""
    if not is_cupy(value):
        return value
    if not is_sparse(value):
        return value.get()
    matrix = value.tocsr()
    return csr(matrix.data.get(), matrix.indices.get(), matrix.indptr.get(), matrix.shape)


def _fits_on_gpu(needed: int) -> None:
    what = "an array to be moved to the GPU"
    require_memory(needed, what, "Use a smaller layer, or --device cpu.", sys.modules["cupy"])
