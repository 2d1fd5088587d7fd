"""Checks of arguments: one clear error that names the argument, its value and what was expected."""

import operator
from typing import Any

import numpy as np

from cnninv.backend import array_namespace


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
        raise ValueError(f"{name} = {number} must be a finite number between {low} and {high}")
    return number


def axis_lengths(value: Any, name: str, axes: int, low: int = 0) -> tuple[int, ...]:
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
    lengths = tuple(value) if np.iterable(value) else (value,) * axes
    if len(lengths) != axes:
        raise ValueError(f"{name} = {lengths} has {len(lengths)} entries; expected {axes}")
    return tuple(whole_number(length, name, low=low) for length in lengths)


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
