"""Checks of arguments: one clear error that names the argument, its value and what was expected."""

import operator
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, is_sparse

POSITIVE = float(np.finfo(float).tiny)
"""As `low` of `real_number`: above 0."""


def real_array(
    value: Any, name: str, ndim: int | tuple[int, ...] | None = None, finite: bool = True
) -> Any:
    """`value` as a real floating-point array, on the device it came from.

    Integers become float64, except unsigned 8- and 16-bit ones: those are images, and
    whether 255 means 255 or 1 is for the caller to say.

    Parameters
    ----------
    value : array-like
        NumPy or CuPy array, or nested lists of numbers.
    name : str
        What the error calls it.
    ndim : int or tuple of int, optional
        Allowed numbers of axes.
    finite : bool
        Refuse NaN and infinity.

    Raises
    ------
    TypeError
        For complex, object, text or image (unsigned 8- or 16-bit) dtypes.
    ValueError
        For an empty array, a wrong number of axes, NaN or infinity.
    """
    xp = array_namespace(value)
    try:
        array = xp.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from None
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.dtype in (np.uint8, np.uint16):
        top = np.iinfo(array.dtype).max
        raise TypeError(
            f"{name} has dtype {array.dtype}, as image files do; expected floats, "
            f"for example {name} / {top}"
        )
    if array.dtype.kind in "iu" or array.dtype == np.float16:
        array = array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if allowed is not None and array.ndim not in allowed:
        expected = " or ".join(str(d) for d in allowed)
        raise ValueError(
            f"{name} has shape {array.shape}, {array.ndim} axes; expected {expected} axes"
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); expected at least one entry")
    if finite and not bool(xp.isfinite(array).all()):
        bad = array.size - int(xp.isfinite(array).sum())
        raise ValueError(
            f"{name} has {bad} entries that are NaN or infinite; expected finite numbers"
        )
    return array


def real_matrix(value: Any, name: str, explicit: bool = False) -> Any:
    """`value` as a matrix of finite floats: an array, a sparse array, or an operator as it is.

    Parameters
    ----------
    value : array-like, sparse array, or operator with `shape`, `@` and `.T`
    name : str
        What the error calls it.
    explicit : bool
        Refuse an operator: its entries are needed.

    Raises
    ------
    TypeError
        For complex, object, text or image dtypes; for an operator if `explicit`.
    ValueError
        For a matrix without entries, a wrong number of axes, NaN or infinity.
    """
    operator_like = all(hasattr(value, part) for part in ("shape", "T", "__matmul__"))
    sparse = is_sparse(value)
    if not operator_like or (hasattr(value, "__array__") and not sparse):
        return real_array(value, name, ndim=2)
    shape, dtype = tuple(value.shape), getattr(value, "dtype", None)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"{name} has shape {shape}; expected two axes, neither empty")
    if getattr(dtype, "kind", "f") not in "fiu":
        raise TypeError(f"{name} has dtype {dtype}; expected real numbers")
    if not sparse and explicit:
        raise TypeError(f"{name} is a {type(value).__name__}; expected an array or sparse array")
    if not sparse:
        return value
    if value.format not in ("csr", "csc", "coo"):
        value = value.tocsr()
    if value.nnz:
        dtype = real_array(value.data[: value.nnz], name).dtype
    dtype = dtype if dtype.kind == "f" else np.dtype(float)
    return value if value.dtype == dtype else value.astype(dtype)


def places(value: Any, name: str, size: int, xp: Any = None) -> Any:
    """`value` as distinct indices into an array of `size` entries.

    Parameters
    ----------
    value : sequence of int
    name : str
        What the error calls it.
    size : int
    xp : numpy or cupy, optional
        Where a list goes; an array stays where it is.

    Raises
    ------
    TypeError
        If it is no sequence of integers.
    ValueError
        If an index is out of range or occurs twice.
    """
    xp = array_namespace(value) if xp is None or hasattr(value, "shape") else xp
    try:
        indices = xp.asarray(value)
    except ValueError:
        raise TypeError(f"{name} = {value!r} must be a sequence of integers") from None
    if indices.shape == (0,):
        return indices.astype(np.int32)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(
            f"{name} has dtype {indices.dtype} and shape {indices.shape}; "
            f"expected a sequence of integers"
        )
    least, largest = int(indices.min()), int(indices.max())
    if least < 0 or largest >= size:
        raise ValueError(
            f"{name} reaches from {least} to {largest}; expected entries in 0 … {size - 1}"
        )
    if _count_distinct(indices, size, xp) != len(indices):
        raise ValueError(f"{name} names an entry twice; expected distinct entries")
    return indices


def _count_distinct(indices: Any, size: int, xp: Any) -> int:
    if size > 64 * len(indices):
        return len(xp.unique(indices))
    named = xp.zeros(size, dtype=bool)  # much faster than sorting where most places are named
    named[indices] = True
    return int(named.sum())


def whole_number(value: Any, name: str, low: int | None = None, high: int | None = None) -> int:
    """`value` as an int with low ≤ value ≤ high.

    Raises
    ------
    TypeError
        If it is no integer (2.0 and True are none).
    ValueError
        If it lies outside the range.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r} must be an integer") from None
    if (low is not None and number < low) or (high is not None and number > high):
        if high is None:
            expected = f"at least {low}"
        elif low is None:
            expected = f"at most {high}"
        else:
            expected = f"between {low} and {high}"
        raise ValueError(f"{name} = {number} must be {expected}")
    return number


def real_number(value: Any, name: str, low: float = -np.inf, high: float = np.inf) -> float:
    """`value` as a finite float with low ≤ value ≤ high.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is NaN, infinite or outside the range.
    """
    if isinstance(value, (bool, np.bool_, str, bytes, complex)):
        raise TypeError(f"{name} = {value!r} must be a real number")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} = {value!r} must be a real number") from None
    if not np.isfinite(number) or not low <= number <= high:
        bounds = "" if low == -np.inf else ", above 0" if low == POSITIVE else f", at least {low}"
        bounds += "" if high == np.inf else f", at most {high}"
        raise ValueError(f"{name} = {value} must be a finite number{bounds}")
    return number


def axis_lengths(value: Any, name: str, axes: int, low: int | None = 0) -> tuple[int, ...]:
    """One integer per axis; a single integer stands for all axes.

    Raises
    ------
    TypeError
        If an entry is no integer.
    ValueError
        If there are not `axes` of them or one is below `low`.
    """
    if isinstance(value, str):
        raise TypeError(f"{name} = {value!r} must be an integer or one integer per axis")
    if not np.iterable(value):
        return (whole_number(value, name, low=low),) * axes
    lengths = tuple(value)
    if len(lengths) != axes:
        raise ValueError(f"{name} = {lengths} has {len(lengths)} entries; expected {axes}")
    return tuple(whole_number(v, f"{name}[{axis}]", low=low) for axis, v in enumerate(lengths))


def filter_size(value: Any) -> tuple[int, ...]:
    """`value` as (l,) or (l1, l2).

    Raises
    ------
    TypeError
        If an entry is no integer.
    ValueError
        If there are not one or two, or one is below 1.
    """
    axes = len(tuple(value)) if np.iterable(value) else 1
    if axes not in (1, 2):
        raise ValueError(f"size = {value} must be l or (l1, l2)")
    return axis_lengths(value, "size", axes, low=1)


def generator(rng: Any) -> np.random.Generator:
    """`rng`, refused unless it is a numpy.random.Generator.

    Raises
    ------
    TypeError
        For a seed or a legacy RandomState.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng = {rng!r} must be a numpy.random.Generator, for example np.random.default_rng(0)"
        )
    return rng


def one_of(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """`value`, refused unless it is one of `choices`.

    Raises
    ------
    ValueError
        With the choices.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} = {value!r} must be one of {', '.join(map(repr, choices))}")
    return value
