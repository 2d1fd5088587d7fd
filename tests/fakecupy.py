"""A stand-in for CuPy that computes with NumPy, and refuses whatever would have moved data unasked.

Its arrays do not become NumPy arrays by themselves, do not mix with them, and have the methods that CuPy's
have, no others (`cupy_names.txt`: what CuPy 13.6 and 14.2 have in common). As on a GPU, a reduction to one
number is an array of no axes. Its sparse matrices are those of CuPy 13, matrices with 32-bit indices
that wrap around silently, or, for version 14, arrays.
"""

import functools
import operator
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import scipy.fft
import scipy.sparse

NAMES = set((Path(__file__).parent / "cupy_names.txt").read_text().split())
PARTS = ("data", "indices", "indptr", "row", "col")
SCATTER = {"add": "ifu", "maximum": "ifu", "minimum": "ifu"}


class Cuda(RuntimeError):
    """CUDARuntimeError."""


class OutOfMemoryError(MemoryError):
    pass


OutOfMemoryError.__module__ = "cupy.cuda.memory"


def unwrap(value):
    """What NumPy computes with; NumPy's own arrays are refused."""
    if isinstance(value, ndarray):
        return value.on_gpu
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(map(unwrap, value))
    if isinstance(value, dict):
        return {key: unwrap(part) for key, part in value.items()}
    return value


def wrap(value):
    if isinstance(value, np.ndarray):
        return ndarray(value)
    if isinstance(value, np.generic):
        return ndarray(np.asarray(value))
    if isinstance(value, (list, tuple)):
        return (
            type(value)(map(wrap, value))
            if type(value) in (list, tuple)
            else tuple(map(wrap, value))
        )
    return value


def on_gpu(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        found = function(*unwrap(args), **unwrap(kwargs))
        out = kwargs.get("out")
        return out if isinstance(out, ndarray) else wrap(found)

    return call


class ndarray:
    """An array "on the GPU"."""

    __array_priority__ = 100
    __hash__ = None

    def __init__(self, array):
        self.on_gpu = array

    def __array__(self, *_args, **_kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if ufunc.signature is not None or ufunc.__name__ not in NAMES:
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return getattr(getattr(cupy, ufunc.__name__), method)(*inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        path = func.__module__.split(".")[1:]
        name = ".".join([*path, func.__name__])
        if name not in NAMES or not all(t in (ndarray, np.ndarray) for t in types):
            return NotImplemented
        return functools.reduce(getattr, [*path, func.__name__], cupy)(*args, **kwargs)

    def __getattr__(self, name):
        if f"ndarray.{name}" not in NAMES or name.startswith("__"):
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        found = getattr(self.on_gpu, name)
        return on_gpu(found) if callable(found) else wrap(found)

    @property
    def dtype(self):
        return self.on_gpu.dtype

    @property
    def shape(self):
        return self.on_gpu.shape

    def get(self):
        """The explicit way back."""
        return self.on_gpu.copy()

    def __getitem__(self, key):
        found = self.on_gpu[unwrap(key)]
        # a view stays one; a single entry becomes an array of no axes
        return wrap(found)

    def __setitem__(self, key, value):
        if isinstance(value, np.ndarray):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self.on_gpu[unwrap(key)] = unwrap(value)

    def __len__(self):
        return len(self.on_gpu)

    def __iter__(self):
        return map(wrap, self.on_gpu)

    def __bool__(self):
        return bool(self.on_gpu)

    def __float__(self):
        return float(self.on_gpu)

    def __int__(self):
        return int(self.on_gpu)

    def __index__(self):
        return operator.index(self.on_gpu)

    def __repr__(self):
        return repr(self.on_gpu)

    __str__ = __repr__

    def __format__(self, spec):
        return format(self.on_gpu, spec)


def _binary(name):
    def forward(self, other):
        if not isinstance(other, (ndarray, np.ndarray, int, float, complex, np.generic)):
            return NotImplemented
        return wrap(getattr(operator, name)(self.on_gpu, unwrap(other)))

    def backward(self, other):
        if not isinstance(other, (ndarray, np.ndarray, int, float, complex, np.generic)):
            return NotImplemented
        return wrap(getattr(operator, name)(unwrap(other), self.on_gpu))

    def in_place(self, other):
        self.on_gpu = getattr(operator, f"i{name}")(self.on_gpu, unwrap(other))
        return self

    return forward, backward, in_place


def _unary(function):
    return lambda self: wrap(function(self.on_gpu))


for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and_",
    "or_",
    "xor",
]:
    _plain = _name.rstrip("_")
    _forward, _backward, _in_place = _binary(_plain + ("_" if _plain in ("and", "or") else ""))
    setattr(ndarray, f"__{_plain}__", _forward)
    setattr(ndarray, f"__r{_plain}__", _backward)
for _name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"]:
    setattr(ndarray, f"__i{_name}__", _binary(_name)[2])
for _name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    setattr(ndarray, f"__{_name}__", _binary(_name)[0])
for _name in ["neg", "pos", "invert", "abs"]:
    setattr(ndarray, f"__{_name}__", _unary(getattr(operator, _name)))
ndarray.__module__, ndarray.__qualname__ = "cupy", "ndarray"


class ufunc:
    """A universal function with the methods that CuPy gives it."""

    def __init__(self, function):
        self.function, self.__name__ = function, function.__name__

    def __call__(self, *args, **kwargs):
        return on_gpu(self.function)(*args, **kwargs)

    def at(self, a, indices, b):
        kinds = SCATTER.get(self.__name__)
        if kinds is None or a.dtype in (np.int64, np.float16) or a.dtype.kind not in kinds:
            raise TypeError(
                f"scatter_{self.__name__} only supports int32, float32, float64, uint32, uint64"
            )
        self.function.at(a.on_gpu, unwrap(indices), unwrap(b).astype(a.dtype))


def _asarray(value, dtype=None, order=None, copy=None):
    """A list or NumPy array given by name: the explicit way there."""
    if isinstance(value, ndarray) and dtype in (None, value.dtype) and not copy:
        return value
    value = value.on_gpu if isinstance(value, ndarray) else value
    if isinstance(value, (list, tuple)):
        value = [part.on_gpu if isinstance(part, ndarray) else part for part in value]
    return ndarray(np.array(value, dtype=dtype))


class spmatrix:
    """A sparse matrix "on the GPU", as CuPy 13 has it."""

    def __init__(self, parts, shape=None, dtype=None, kind=scipy.sparse.csr_matrix):
        if isinstance(parts, scipy.sparse.spmatrix):
            self.on_gpu = parts
        else:
            data, indices, indptr = parts
            if not all(isinstance(part, ndarray) for part in parts):
                raise ValueError("data, indices, and indptr must be 1-D cupy arrays")
            if data.dtype not in (np.bool_, np.float32, np.float64):
                raise ValueError(
                    "Only bool, float32, float64, complex64 and complex128 are supported"
                )
            narrow = [unwrap(part).astype(np.int32) for part in (indices, indptr)]
            self.on_gpu = kind((unwrap(data), *narrow), shape=shape, dtype=dtype)

    def __array__(self, *_args, **_kwargs):
        raise TypeError("Implicit conversion to a host NumPy array is not allowed.")

    __array_ufunc__ = None

    def __getattr__(self, name):
        if f"csr.{name}" not in NAMES and name not in PARTS:
            raise AttributeError(f"no attribute {name!r}")
        found = getattr(self.on_gpu, name)
        if not callable(found):
            return _sparse(found)

        def call(*args, **kwargs):
            return _sparse(found(*_host(args), **_host(kwargs)))

        return call

    def __setattr__(self, name, value):
        if name == "on_gpu":
            object.__setattr__(self, name, value)
        else:
            setattr(self.on_gpu, name, unwrap(value))

    def astype(self, dtype):
        return _sparse(self.on_gpu.astype(dtype))

    def sum(self, axis=None):
        return ndarray(np.asarray(self.on_gpu.sum(axis)))

    def get(self):
        return self.on_gpu.copy()

    def __getitem__(self, key):
        return _sparse(self.on_gpu[unwrap(key)])

    def __neg__(self):
        return _sparse(-self.on_gpu)

    def __matmul__(self, other):
        if not isinstance(other, (ndarray, spmatrix)):
            return NotImplemented
        return _sparse(self.on_gpu @ _host(other), order="F")

    __mul__ = __matmul__


spmatrix.__module__, spmatrix.__qualname__ = "cupyx.scipy.sparse._csr", "csr_matrix"


def _host(value):
    if isinstance(value, spmatrix):
        return value.on_gpu
    if isinstance(value, (list, tuple)):
        return type(value)(map(_host, value))
    if isinstance(value, dict):
        return {key: _host(part) for key, part in value.items()}
    return unwrap(value)


def _sparse(value, order="C"):
    if scipy.sparse.issparse(value):
        matrix = spmatrix.__new__(spmatrix)
        matrix.on_gpu = value
        return matrix
    if isinstance(value, np.ndarray):
        return ndarray(np.asarray(value, order=order))  # cuSPARSE gives Fortran's order
    return value


def _module(name, **contents):
    module = ModuleType(name)
    vars(module).update(contents)
    return module


def _functions(source, names):
    found = {}
    for name in names:
        value = getattr(source, name)
        if isinstance(value, type) or not callable(value):
            found[name] = value
        else:
            found[name] = ufunc(value) if isinstance(value, np.ufunc) else on_gpu(value)
    return found


TOP = {name for name in NAMES if "." not in name} - {
    "linalg",
    "fft",
    "random",
    "testing",
    "ndarray",
}
cupy = _module("cupy", **_functions(np, TOP))
for _name in ("finfo", "iinfo", "dtype", "result_type", "promote_types", "can_cast", "isscalar"):
    vars(cupy).update({_name: getattr(np, _name)})
cupy.result_type = lambda *parts: np.result_type(
    *(part.on_gpu if isinstance(part, ndarray) else part for part in parts)
)
cupy.ndarray, cupy.asarray, cupy.array = ndarray, _asarray, functools.partial(_asarray, copy=True)
cupy.repeat = lambda a, repeats, axis=None: a.repeat(operator.index(repeats), axis)
cupy.asnumpy = lambda array: array.get()
cupy.linalg = _module(
    "cupy.linalg",
    **_functions(np.linalg, [n.partition(".")[2] for n in NAMES if n.startswith("linalg.")]),
)
cupy.__version__ = "13.6.0"


class Pool:
    """The memory pool: nothing kept, no limit."""

    free_bytes = used_bytes = get_limit = staticmethod(lambda: 0)


FREE = [2**40]
"""Bytes free on the GPU, for tests to change."""
cupy.get_default_memory_pool = Pool
cupy.cuda = _module(
    "cupy.cuda",
    runtime=SimpleNamespace(
        getDeviceCount=lambda: 1,
        driverGetVersion=lambda: 12040,
        runtimeGetVersion=lambda: 12090,
        memGetInfo=lambda: (FREE[0], 2**41),
        getDeviceProperties=lambda _: {"name": b"a GPU made of NumPy"},
    ),
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
)


def _hstack(blocks, format=None):
    return _sparse(scipy.sparse.hstack([_host(block) for block in blocks], format=format))


sparse = _module(
    "cupyx.scipy.sparse",
    csr_matrix=spmatrix,
    csc_matrix=functools.partial(spmatrix, kind=scipy.sparse.csc_matrix),
    issparse=lambda value: isinstance(value, spmatrix),
    hstack=_hstack,
)
fft = _module("cupyx.scipy.fft", **_functions(scipy.fft, ["rfft2", "irfft2"]))
cupyx = _module("cupyx", scipy=_module("cupyx.scipy", sparse=sparse, fft=fft))
MODULES = {
    "cupy": cupy,
    "cupy.cuda": cupy.cuda,
    "cupy.linalg": cupy.linalg,
    "cupyx": cupyx,
    "cupyx.scipy": cupyx.scipy,
    "cupyx.scipy.sparse": sparse,
    "cupyx.scipy.fft": fft,
}


def install(monkeypatch, version="13.6.0"):
    """Let `import cupy` find the stand-in, for one test; from version 14 on it has sparse arrays."""
    from cnninv.backend import devices

    monkeypatch.setattr(devices, "working_cupy", devices.working_cupy.__wrapped__)
    monkeypatch.setattr(cupy, "__version__", version)
    if version.startswith("14"):
        kind = functools.partial(spmatrix, kind=scipy.sparse.csr_array)
        monkeypatch.setattr(sparse, "csr_array", kind, raising=False)
    for name, module in MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cupy
