"""The device that computes: which one is meant, whether it works, what it is."""

import sys
from functools import cache
from types import ModuleType

import numpy as np

from cnninv.backend.sparse import csr

DEVICES = ("auto", "cpu", "cuda")
LEAST_CUPY = 13
INSTALL = "pip install 'cnninv[cuda12]' (or [cuda13], to match the driver)"


class DeviceError(OSError):
    """The GPU that was asked for cannot be used."""


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
        working_cupy()
    except (DeviceError, ModuleNotFoundError):
        if device == "auto":
            return "cpu"
        raise
    return "cuda"


@cache
def working_cupy() -> ModuleType:
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
