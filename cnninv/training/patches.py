"""Patches of images as the columns of a matrix, so that a convolution is one product (Gilbert 2017, §2.2).

Images of a batch come last: x has shape (M, height, width, batch), so each row of a matrix of patches is made
of long runs of memory.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnninv.backend import array_namespace

BLOCK = 1 << 20
"""Entries of a block of patches, of which each is used right after it is made: what a cache holds."""
GPU_BLOCK = 1 << 28
"""The same where there is no cache worth the name but memory is large."""
FILTERS = 128
"""So many see a block of patches at a time, where what they make of it has to stay in a cache."""


class Buffers:
    """Arrays that are used again in every step while their shape stays, instead of new memory."""

    def __init__(self) -> None:
        self._arrays: dict[str, Any] = {}

    def take(self, name: str, shape: tuple[int, ...], like: Any, zero: bool = False) -> Any:
        """The array of that name, of `like`'s dtype and device; zeros, if asked for, when it is new."""
        xp, array = array_namespace(like), self._arrays.get(name)
        if (
            array is None
            or array.shape != shape
            or array.dtype != like.dtype
            or type(array) is not type(like)
        ):
            array = (xp.zeros if zero else xp.empty)(shape, like.dtype)
            self._arrays[name] = array
        return array


def patch_columns(x: Any, size: int, buffers: Buffers | None = None) -> Iterator[tuple[slice, Any]]:
    """Blocks of the matrix of all size × size patches of x, with zeros beyond its border.

    Parameters
    ----------
    x : array, shape (M, height, width, batch)
    size : int
        Odd.
    buffers : Buffers, optional
        Where the block is kept; the next one overwrites it.

    Yields
    ------
    rows : slice
        Of the positions, by their first coordinate.
    P : array, shape (M*size*size, rows*width*batch)
        Column (i, j, b) is the patch about position (i, j) of image b, channels first.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    >>> [(rows, P)] = patch_columns(x, 3)
    >>> P[:, 0].reshape(3, 3)
    array([[0., 0., 0.],
           [0., 1., 2.],
           [0., 3., 4.]])
    """
    xp, buffers = array_namespace(x), buffers or Buffers()
    M, height, width, batch = x.shape
    padded = _padded(x, size // 2, buffers)
    for rows in blocks(height, M * size**2 * width * batch, xp.__name__):
        count = rows.stop - rows.start
        P = buffers.take(f"patches {count}", (M, size, size, count, width, batch), x)
        for i, j in np.ndindex(size, size):
            # tap (i, j) of every patch is x, shifted
            P[:, i, j] = padded[:, rows.start + i : rows.stop + i, j : j + width]
        yield rows, P.reshape(M * size**2, count * width * batch)


def window_columns(x: Any, size: int, buffers: Buffers) -> Iterator[tuple[slice, Any]]:
    """The same patches sorted for pooling over windows of 2 × 2: a block of columns for each place in a window.

    Parameters
    ----------
    x : array, shape (M, height, width, batch)
        Height and width even.
    size : int
        Odd.
    buffers : Buffers

    Yields
    ------
    rows : slice
        Of the windows, by their first coordinate.
    P : array, shape (M*size*size, 4*rows*width/2*batch)
        Four blocks of columns: the patches about the upper left position of each window, the upper right, the
        lower left, the lower right.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> [(rows, P)] = window_columns(x, 1, Buffers())
    >>> P.reshape(4, 2, 2)[0], P.reshape(4, 2, 2)[3]
    (array([[ 0.,  2.],
           [ 8., 10.]]), array([[ 5.,  7.],
           [13., 15.]]))
    """
    xp = array_namespace(x)
    M, height, width, batch = x.shape
    padded = _padded(x, size // 2, buffers)
    # so many columns that what a few filters make of them stays in the cache
    entries = 2 * width * batch * max(M * size**2, FILTERS)
    for rows in blocks(height // 2, entries, xp.__name__):
        count = rows.stop - rows.start
        P = buffers.take(f"windows {count}", (M, size, size, 2, 2, count, width // 2, batch), x)
        for i, j in np.ndindex(size, size):
            tap = padded[:, 2 * rows.start + i : 2 * rows.stop + i, j : j + width]
            tap = tap.reshape(M, count, 2, width // 2, 2, batch)
            P[:, i, j] = tap.transpose(0, 2, 4, 1, 3, 5)
        yield rows, P.reshape(M * size**2, -1)


def _padded(x: Any, border: int, buffers: Buffers) -> Any:
    """x with zeros around it."""
    M, height, width, batch = x.shape
    shape = (M, height + 2 * border, width + 2 * border, batch)
    padded = buffers.take("padded", shape, x, zero=True)
    padded[:, border : border + height, border : border + width] = x
    return padded


def blocks(count: int, entries: int, device: str = "numpy") -> Iterator[slice]:
    """Slices of 0 … count − 1 with at most a block of entries each, `entries` of them per index.

    Examples
    --------
    >>> list(blocks(5, BLOCK // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, (BLOCK if device == "numpy" else GPU_BLOCK) // entries)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
