"""Max pooling, unpooling and average pooling: as fast forms and as matrices (Gilbert 2017, §2.3, eq. 2).

A hidden vector h has the shape (K, *positions); each channel is cut into windows that do not
overlap, those at the border of an odd size being partial. A switch is the index in h of the
entry that a window kept.
"""

from math import prod
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.backend import array_namespace
from cnninv.model import selection_matrix
from cnninv.statement import states
from cnninv.validation import axis_lengths, one_of, places, real_array, whole_number


def max_pool(
    h: Any, shape: tuple[int, ...], window: int | tuple[int, ...], by: str = "abs"
) -> tuple[Any, Any]:
    """The largest entry of each pooling region, and where it was (§2.3).

    Parameters
    ----------
    h : array, shape (K*n,)
    shape : tuple of int
        (K, *positions), with K*n entries in all.
    window : int or one per axis
        Size of a region; `window = positions` pools over all shifts, as the theory does.
    by : "abs" or "value"
        Keep the entry with the largest |h|, with its sign (the model's projection), or the
        largest h (a CNN after ReLU).

    Returns
    -------
    values : array, shape (K * regions,)
    switches : integer array, shape (K * regions,)
        ``h[switches] == values``; ties go to the lower index.

    Examples
    --------
    >>> max_pool([1.0, -3.0, 2.0, 0.0, 5.0], (1, 5), 2)
    (array([-3.,  2.,  5.]), array([1, 2, 4]))
    """
    h, shape = _hidden(h, shape)
    one_of(by, "by", ("abs", "value"))
    xp = array_namespace(h)
    score = abs(h) if by == "abs" else h
    # (K, regions, window) along each axis, padded with what never wins, then one window a row
    windows = _windows(score.reshape(shape), window, -np.inf, xp)
    places = _windows(xp.arange(h.size).reshape(shape), window, 0, xp)
    best = windows.argmax(axis=1)
    switches = places[xp.arange(len(best)), best]
    return h[switches], switches


@states("Equation (2)", "upsample(max-pool(h), s)")
def unpool(
    values: Any,
    switches: Any,
    shape: tuple[int, ...],
    window: int | tuple[int, ...],
    how: str = "switches",
) -> Any:
    """Put pooled values back, zero elsewhere (eq. 2).

    Parameters
    ----------
    values : array, shape (K * regions,)
    switches : integer array, shape (K * regions,), or None for how="naive"
    shape, window
        As given to `max_pool`.
    how : "switches" or "naive"
        Where they were, or on the first entry of each region (§4, Figure 2 (c)).

    Returns
    -------
    z_hat : array, shape (K*n,)

    Examples
    --------
    >>> unpool([-3.0, 2.0, 5.0], [1, 2, 4], (1, 5), 2)
    array([ 0., -3.,  2.,  0.,  5.])
    >>> unpool([-3.0, 2.0, 5.0], None, (1, 5), 2, how="naive")
    array([-3.,  0.,  2.,  0.,  5.])
    """
    values, shape = real_array(values, "values", ndim=1), _check_shape(shape)
    one_of(how, "how", ("switches", "naive"))
    xp = array_namespace(values=values, switches=switches)
    regions = prod(region_counts(shape, window))
    if len(values) != regions:
        raise ValueError(
            f"values has {len(values)} entries; shape {shape} pooled over {window} has {regions} regions"
        )
    if how == "naive":
        switches = xp.asarray(_first_entries(shape, window))
    else:
        switches = _check_switches(switches, prod(shape), xp)
        if len(switches) != regions:
            raise ValueError(
                f"switches has {len(switches)} entries; expected one for each of {regions} values"
            )
    z_hat = xp.zeros(prod(shape), dtype=values.dtype)
    z_hat[switches] = values
    return z_hat


def pooling_regions(shape: tuple[int, ...], window: int | tuple[int, ...]) -> np.ndarray:
    """Label of the pooling region of each entry: the `blocks` of the model that `max_pool` projects on.

    Examples
    --------
    >>> pooling_regions((1, 3, 4), 2).reshape(3, 4)
    array([[0, 0, 1, 1],
           [0, 0, 1, 1],
           [2, 2, 3, 3]])
    """
    shape = _check_shape(shape)
    counts = region_counts(shape, window)
    sizes = _window(window, shape)
    index = np.ix_(
        np.arange(shape[0]), *(np.arange(p) // w for p, w in zip(shape[1:], sizes, strict=True))
    )
    return np.ravel_multi_index(np.broadcast_arrays(*index), counts).ravel()


def pool_matrix(switches: Any, size: int) -> Any:
    """Max pooling with given switches, as a matrix: pool_matrix @ h = h[switches]; its transpose unpools.

    A sparse array where the switches are.
    """
    size = whole_number(size, "size", low=1)
    return selection_matrix(_check_switches(switches, size), size)


def naive_upsample_matrix(
    shape: tuple[int, ...], window: int | tuple[int, ...]
) -> scipy.sparse.csr_array:
    """Naive upsampling as a matrix, shape (K*n, K*regions): each value on the first entry of its region."""
    return selection_matrix(_first_entries(_check_shape(shape), window), prod(shape)).T.tocsr()


def average_pool_matrix(
    shape: tuple[int, ...], window: int | tuple[int, ...]
) -> scipy.sparse.csr_array:
    """Average pooling as a matrix, shape (K*regions, K*n); a partial region averages what it has.

    Examples
    --------
    >>> average_pool_matrix((1, 3), 2).toarray()
    array([[0.5, 0.5, 0. ],
           [0. , 0. , 1. ]])
    """
    labels = pooling_regions(shape, window)
    sizes = np.bincount(labels)
    entries = np.arange(len(labels))
    A = scipy.sparse.coo_array((1.0 / sizes[labels], (labels, entries))).tocsr()
    A.indices, A.indptr = A.indices.astype(np.int32), A.indptr.astype(np.int32)
    return A


def region_counts(shape: tuple[int, ...], window: int | tuple[int, ...]) -> tuple[int, ...]:
    """(K, *regions along each axis), partial regions included."""
    sizes = _window(window, shape)
    return (shape[0], *(-(-p // w) for p, w in zip(shape[1:], sizes, strict=True)))


def _hidden(h: Any, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    h, shape = real_array(h, "h", ndim=1), _check_shape(shape)
    if prod(shape) != h.size:
        raise ValueError(f"shape = {shape} has {prod(shape)} entries; h has {h.size}")
    return h, shape


def _check_shape(shape: Any) -> tuple[int, ...]:
    if not np.iterable(shape) or len(tuple(shape)) not in (2, 3):
        raise ValueError(f"shape = {shape!r} must be (K, n) or (K, n1, n2)")
    return axis_lengths(shape, "shape", len(tuple(shape)), low=1)


def _window(window: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return axis_lengths(window, "window", len(shape) - 1, low=1)


def _first_entries(shape: tuple[int, ...], window: Any) -> np.ndarray:
    return np.unique(pooling_regions(shape, window), return_index=True)[1]


def _check_switches(switches: Any, size: int, xp: Any = None) -> Any:
    if switches is None:
        raise ValueError("switches is None; expected the places that max_pool returned")
    return places(switches, "switches", size, xp)


def _windows(array: Any, window: Any, fill: Any, xp: Any) -> Any:
    """One pooling region per row, shape (K*regions, prod(window)), partial ones filled up."""
    shape = array.shape
    sizes = _window(window, shape)
    counts = region_counts(shape, window)
    pad = [(0, 0), *((0, c * w - p) for p, w, c in zip(shape[1:], sizes, counts[1:], strict=True))]
    if any(after for _, after in pad):
        array = xp.pad(array, pad, constant_values=fill)
    split = [shape[0]]
    for count, size in zip(counts[1:], sizes, strict=True):
        split += [count, size]
    axes = [0, *range(1, len(split), 2), *range(2, len(split), 2)]
    return array.reshape(split).transpose(axes).reshape(-1, prod(sizes))
