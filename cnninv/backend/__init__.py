"""Where arrays live, NumPy's in memory or CuPy's on a GPU, and how much memory is free in either place.

Functions decide by the arrays that they are given, and nothing moves from one place to the other but by
`to_device` and `to_host`. This is the only package that imports CuPy and the only one that knows its limits.
"""

from cnninv.backend.devices import DEVICES, DeviceError, array_module, device_versions, select
from cnninv.backend.memory import explain, free_gpu_memory, free_memory, require_memory
from cnninv.backend.namespaces import array_namespace, fft_namespace, is_sparse, sparse_namespace
from cnninv.backend.sparse import INT32_MAX, check_indices, csr, dense, hstack
from cnninv.backend.transfers import to_device, to_host

__all__ = [
    "DEVICES",
    "INT32_MAX",
    "DeviceError",
    "array_module",
    "array_namespace",
    "check_indices",
    "csr",
    "dense",
    "device_versions",
    "explain",
    "fft_namespace",
    "free_gpu_memory",
    "free_memory",
    "hstack",
    "is_sparse",
    "require_memory",
    "select",
    "sparse_namespace",
    "to_device",
    "to_host",
]
