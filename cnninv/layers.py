"""Pooling over windows, its way back, and normalisation, on arrays of shape (channels, n1, n2, batch).

What a real network does between its convolutions (Gilbert 2017, §2.3, §4.3). Windows may overlap, and those
that reach over the end are partial, as in Caffe. `cnninv.pooling` has the matrices of the theory.
"""

from typing import Any

from cnninv.architectures import Normalization
from cnninv.backend import array_namespace


def max_pool_windows(h: Any, size: int, stride: int) -> Any:
    """The largest entry of each size × size window of h, shape (channels, n1, n2, batch).

    Windows overlap if stride < size. Those that reach over the end are partial, as in Caffe.
    """
    for axis in (1, 2):
        h = _largest(h, axis, size, stride)
    return h


def pool_with_switches(h: Any, size: int, stride: int) -> tuple[Any, Any]:
    """The largest entry of each size × size window of h, and where in its plane it was.

    Parameters
    ----------
    h : array, shape (channels, n1, n2, batch)
    size, stride : int

    Returns
    -------
    values : array, shape (channels, p1, p2, batch)
        As `max_pool_windows` has them.
    switches : integer array of the same shape
        row * n2 + column of the entry that was kept, the first one of several equal ones.

    Examples
    --------
    >>> import numpy as np
    >>> values, switches = pool_with_switches(np.array([[1.0, 3.0], [2.0, 0.0]]).reshape(1, 2, 2, 1), 2, 2)
    >>> values.ravel(), switches.ravel()
    (array([3.]), array([1], dtype=int32))
    """
    xp, (n1, n2) = array_namespace(h), h.shape[1:3]
    p1, p2 = (pooled_length(n, size, stride) for n in (n1, n2))
    corners = xp.arange(p1)[:, None] * (stride * n2) + xp.arange(p2) * stride
    corners = corners.astype("int32")[None, :, :, None]
    values = h[:, ::stride, ::stride][:, :p1, :p2].copy()
    switches = xp.zeros(values.shape, "int32") + corners
    for i in range(size):
        for j in range(size):
            # entry (i, j) of every window that has one
            part = h[:, i::stride, j::stride][:, :p1, :p2]
            here = (slice(None), slice(part.shape[1]), slice(part.shape[2]))
            larger = part > values[here]
            values[here] = xp.maximum(values[here], part)
            places = corners[:, : part.shape[1], : part.shape[2]] + (i * n2 + j)
            switches[here] = xp.where(larger, places, switches[here])
    return values, switches


def unpool_with_switches(values: Any, switches: Any, plane: tuple[int, int]) -> Any:
    """Put pooled values back to where they were in their planes, zero elsewhere (eq. 2).

    Parameters
    ----------
    values : array, shape (channels, p1, p2, batch)
    switches : integer array of the same shape
        Below n1 * n2. Where windows overlap, two may name one entry: of encoded images both have its value.
    plane : (n1, n2)

    Returns
    -------
    array, shape (channels, n1, n2, batch)

    Examples
    --------
    >>> import numpy as np
    >>> unpool_with_switches(np.full((1, 1, 1, 1), 3.0), np.full((1, 1, 1, 1), 1), (2, 2)).reshape(2, 2)
    array([[0., 3.],
           [0., 0.]])
    """
    channels, batch, entries = values.shape[0], values.shape[3], plane[0] * plane[1]
    h = array_namespace(values, switches).zeros(channels * entries * batch, values.dtype)
    h[flat_places(switches, entries).reshape(-1)] = values.reshape(-1)
    return h.reshape(channels, *plane, batch)


def flat_places(switches: Any, entries: int) -> Any:
    """Indices of what switches name into the flat array of shape (channels, entries, batch)."""
    (channels, _, _, batch), xp = switches.shape, array_namespace(switches)
    channel = xp.arange(channels).reshape(channels, 1, 1, 1) * entries
    return (channel + switches) * batch + xp.arange(batch)


def pooled_length(length: int, size: int, stride: int) -> int:
    """How many windows there are along an axis, the last one partial if need be.

    Examples
    --------
    >>> [pooled_length(length, 2, 2) for length in (1, 4, 5)]
    [1, 2, 3]
    """
    return max(1, -(-(length - size) // stride) + 1)


def normalize_channels(h: Any, layer: Normalization) -> Any:
    """h_i/(k + α/size · Σ h_j²)^β, j from i − size//2 to i + size//2, for h of shape (channels, …)."""
    xp, K = array_namespace(h), len(h)
    squares, total = h**2, xp.zeros_like(h)
    for shift in range(-(layer.size // 2), layer.size // 2 + 1):
        here = slice(max(0, -shift), min(K, K - shift))
        there = slice(max(0, shift), min(K, K + shift))
        total[here] += squares[there]
    total *= layer.alpha / layer.size
    total += layer.k
    return h / total**layer.beta


def _largest(h: Any, axis: int, size: int, stride: int) -> Any:
    """The largest of `size` entries along an axis, from every `stride`-th on."""
    xp, before, length = array_namespace(h), (slice(None),) * axis, h.shape[axis]
    count = pooled_length(length, size, stride)
    largest = h[(*before, slice(0, None, stride))][(*before, slice(count))]
    for offset in range(1, min(size, length)):
        part = h[(*before, slice(offset, None, stride))]
        here = (*before, slice(min(count, part.shape[axis])))
        if part.shape[axis] >= count:
            largest = xp.maximum(largest, part[here], out=None if offset == 1 else largest)
        else:  # the last window is partial
            largest = largest.copy() if offset == 1 else largest
            xp.maximum(largest[here], part[here], out=largest[here])
    return xp.ascontiguousarray(largest)
