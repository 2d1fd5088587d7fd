"""Where arrays live, NumPy's in memory or CuPy's on a GPU, and how much memory is free in either place.

Functions decide by the arrays that they are given, and nothing moves from one place to the other but by
`to_device` and `to_host`. This is the only module that imports CuPy and the only one that knows its limits.
"""

import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import scipy.fft
import scipy.sparse

DEVICES = ("auto", "cpu", "cuda")
LEAST_CUPY = 13
INSTALL = "pip install 'cnninv[cuda12]' (or [cuda13], to match the driver)"
INT32_MAX = 2**31 - 1


class DeviceError(OSError):
    """The GPU that was asked for cannot be used."""


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
    if _is_cupy(array):
        return "gpu"
    if isinstance(array, np.ndarray) or scipy.sparse.issparse(array):
        return "cpu"
    home = getattr(array, "xp", None)
    return None if home is None else "cpu" if home is np else "gpu"


def _is_cupy(array: Any) -> bool:
    return type(array).__module__.split(".")[0] in ("cupy", "cupyx")


def select(device: str) -> str:
    """The device that ``--device auto|cpu|cuda`` means here: "cpu" or "cuda".

    "cuda" is tried out first, by a small dense and a small sparse product, so that what is missing is said
    at once and not in the middle of a run. "auto" is "cuda" where that works, else "cpu". What is returned
    goes to `to_device` and `array_module`. A process that was forked after this cannot use the GPU: spawn.

    Raises
    ------
    ValueError
        If it is none of the three.
    ModuleNotFoundError
        For "cuda" without CuPy.
    DeviceError
        For "cuda" without a GPU, with too old a driver or CuPy, or without CUDA's libraries.

    Examples
    --------
    >>> select("cpu")
    'cpu'
    """
    if device not in DEVICES:
        raise ValueError(f"--device = {device!r} must be one of {', '.join(map(repr, DEVICES))}")
    if device == "cpu":
        return "cpu"
    try:
        _working_cupy()
    except (DeviceError, ModuleNotFoundError):
        if device == "auto":
            return "cpu"
        raise
    return "cuda"


@cache
def _working_cupy() -> ModuleType:
    """CuPy, once it has computed something."""
    wanted = "--device = 'cuda'"
    try:
        import cupy
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{wanted} needs CuPy, which is not installed: {INSTALL}"
        ) from None
    except ImportError as error:
        raise DeviceError(f"{wanted}: CuPy cannot be imported: {_first_line(error)}") from None
    if int(cupy.__version__.split(".")[0]) < LEAST_CUPY:
        raise DeviceError(
            f"{wanted}: CuPy {cupy.__version__} is too old; expected {LEAST_CUPY} or newer: {INSTALL}"
        )
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except RuntimeError as error:
        driver, built = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        reason = (
            "there is no NVIDIA driver on this machine"
            if driver == 0
            else f"the driver supports CUDA {_version(driver)} and CuPy is built for {_version(built)} "
            f"({_first_line(error)}); update the driver, or install the CuPy that matches it"
        )
        raise DeviceError(f"{wanted}: {reason}") from None
    if count == 0:
        raise DeviceError(f"{wanted}: there is no GPU (CUDA counts 0 devices)")
    try:
        ones = cupy.ones((2, 2))
        eye = csr(cupy.ones(2), cupy.arange(2, dtype="i"), cupy.arange(3, dtype="i"), (2, 2))
        float((ones @ (eye @ ones)).sum())
    except Exception as error:  # a missing library or header, or no memory: each has its own class
        raise DeviceError(
            f"{wanted}: a first product on the GPU failed: {_first_line(error)}; CUDA's libraries come "
            f"with {INSTALL}"
        ) from None
    return cupy


def _version(number: int) -> str:
    """12040 is CUDA 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def array_module(device: str) -> ModuleType:
    """numpy for "cpu", cupy for "cuda" (as `select` returns them)."""
    return np if select(device) == "cpu" else sys.modules["cupy"]


def device_versions(device: str) -> dict[str, str]:
    """What a number computed on the device may depend on; nothing for "cpu"."""
    if select(device) == "cpu":
        return {}
    cupy = sys.modules["cupy"]
    runtime = cupy.cuda.runtime
    return {
        "cupy": cupy.__version__,
        "cuda": _version(runtime.runtimeGetVersion()),
        "driver": _version(runtime.driverGetVersion()),
        "gpu": runtime.getDeviceProperties(0)["name"].decode(),
    }


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
    if _is_cupy(value):
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
    if not _is_cupy(value):
        return value
    if not is_sparse(value):
        return value.get()
    matrix = value.tocsr()
    return csr(matrix.data.get(), matrix.indices.get(), matrix.indptr.get(), matrix.shape)


def csr(data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
    """A CSR matrix of the kind of its parts, whose columns are sorted and distinct in each row.

    CuPy has no ``csr_array`` before version 14; its ``csr_matrix`` is used by `@` alone, so that the
    difference (a product by `*`) never shows.

    Raises
    ------
    ValueError
        If CuPy cannot index so many entries.
    """
    xp = array_namespace(data, indices, indptr)
    check_indices(len(data), shape, xp)
    sparse = sparse_namespace(xp)
    kind = getattr(sparse, "csr_array", None) or sparse.csr_matrix
    matrix = kind((data, indices, indptr), shape=shape)
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix


def hstack(blocks: list[Any]) -> Any:
    """Sparse matrices side by side, as CSR."""
    xp = array_namespace(*blocks)
    width = sum(block.shape[1] for block in blocks)
    check_indices(sum(block.nnz for block in blocks), (blocks[0].shape[0], width), xp)
    return sparse_namespace(xp).hstack(blocks, format="csr")


def check_indices(nnz: int, shape: tuple[int, int], xp: ModuleType) -> None:
    """Refuse what CuPy cannot index: its 32-bit indices would wrap around without a word.

    CuPy 13 has 32-bit indices only. From 14 on it has 64-bit ones, but cuSPARSE before CUDA 13 fails on more
    than 2³¹ non-zeros, and not every product takes them: so the limit stays for all.
    """
    most = max(nnz, *shape)
    if xp is not np and most > INT32_MAX:
        raise ValueError(
            f"a sparse matrix of shape {shape} with {nnz:,} non-zeros exceeds the 2³¹ − 1 that CuPy's sparse "
            f"products can index; use ConvOperator, or keep the matrix in memory"
        )


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


def dense(matrix: Any) -> Any:
    """A matrix given as an array, a sparse array or an operator with `@`, as a dense array."""
    if isinstance(matrix, np.ndarray) or (_is_cupy(matrix) and not is_sparse(matrix)):
        return matrix
    if hasattr(matrix, "toarray"):
        return matrix.toarray()
    return matrix @ array_namespace(matrix).eye(
        matrix.shape[1], dtype=getattr(matrix, "dtype", None)
    )


def is_sparse(matrix: Any) -> bool:
    """Whether `matrix` is a SciPy or CuPy sparse matrix or array."""
    return scipy.sparse.issparse(matrix) or (_is_cupy(matrix) and hasattr(matrix, "nnz"))


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


def _fits_on_gpu(needed: int) -> None:
    what = "moving this array to the GPU would take"
    require_memory(needed, what, "Use a smaller layer, or --device cpu.", sys.modules["cupy"])


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
        (free_gpu_memory(), "the GPU") if _is_cupy(error) else (free_memory(), "this machine")
    )
    return f"out of memory: {message or 'an allocation failed'}; {free / 2**30:.1f} GiB are free on {where}"
