"""Asking a student's function, and comparing what it returns."""

import os
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

SEED = "CNNINV_CHECK_SEED"


class Incorrect(AssertionError):
    """An answer that does not hold, with the instance that shows it."""


def instances(name: str) -> np.random.Generator:
    """Source of a check's random instances: fresh, or fixed by the environment variable CNNINV_CHECK_SEED.

    Raises
    ------
    ValueError
        If the variable is set to something that is no whole number.
    """
    text = os.environ.get(SEED)
    if text is None:
        return np.random.default_rng()
    if not text.strip().isdigit():
        raise ValueError(f"{SEED} is {text!r}; expected a whole number, 0 or more")
    return np.random.default_rng([int(text), zlib.crc32(name.encode())])


def ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a student's function returns for copies of the arguments.

    Raises
    ------
    Incorrect
        If it is no function, is not written yet, fails, or returns nothing.
    """
    if not callable(function):
        raise Incorrect(f"expected a function, got {_describe(function)}")
    name = title(function)
    try:
        returned = function(*[_copy(a) for a in arguments])
    except NotImplementedError:
        raise Incorrect(f"`{name}` is not written yet") from None
    except Exception as error:
        raise Incorrect(
            f"`{name}` raised {type(error).__name__} ({error}) for {situation(arguments)}"
        ) from error
    if returned is None:
        raise Incorrect(f"`{name}` returned nothing; is a `return` missing?")
    return returned


def number(function: Callable[..., Any], *arguments: Any) -> float:
    """Ask for a finite real number.

    Raises
    ------
    Incorrect
        If something else comes.
    """
    value = array(function, (), *arguments)
    return float(value)


def array(function: Callable[..., Any], shape: tuple[int, ...], *arguments: Any) -> np.ndarray:
    """Ask for a finite real array of a known shape.

    Raises
    ------
    Incorrect
        If something else comes.
    """
    returned, name = ask(function, *arguments), title(function)
    if hasattr(returned, "toarray"):
        returned = returned.toarray()
    try:
        value = np.asarray(returned, dtype=float)
    except (TypeError, ValueError):
        raise Incorrect(f"`{name}` returned {_describe(returned)}; expected real numbers") from None
    if value.shape != shape:
        wanted = f"an array of shape {shape}" if shape else "a single number"
        raise Incorrect(
            f"`{name}` returned {_describe(returned)} for {situation(arguments)}; expected {wanted}"
        )
    if not np.isfinite(value).all():
        raise Incorrect(f"`{name}` returned NaN or infinity for {situation(arguments)}")
    return value


def close(a: Any, b: Any, tolerance: float = 1e-8) -> bool:
    """Whether two arrays agree, relative to the larger one's norm."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    scale = max(np.linalg.norm(a), np.linalg.norm(b), np.finfo(float).tiny)
    return a.shape == b.shape and bool(np.linalg.norm(a - b) <= tolerance * scale)


def require(holds: bool, message: str) -> None:
    """Raise `Incorrect` with the message unless it holds."""
    if not holds:
        raise Incorrect(message)


def title(function: Callable[..., Any]) -> str:
    """The name of a student's function."""
    return getattr(function, "__name__", "the function")


def situation(arguments: tuple[Any, ...]) -> str:
    """The arguments in words, for a message."""
    return "(" + ", ".join(_describe(a) for a in arguments) + ")"


def _copy(argument: Any) -> Any:
    return argument.copy() if hasattr(argument, "copy") else argument


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape:
        return f"{'a sparse' if hasattr(value, 'tocsr') else 'an'} array of shape {shape}"
    if isinstance(value, (bool, int, float, np.number, str)):
        return repr(value.item() if isinstance(value, np.number) else value)
    return f"a {type(value).__name__}"
