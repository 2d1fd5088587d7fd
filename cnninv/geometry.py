"""The shape of a layer: which taps fall where, and what its matrix W costs (Gilbert 2017, §2.2)."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from cnninv.backend import INT32_MAX
from cnninv.validation import axis_lengths, whole_number


@dataclass(frozen=True)
class Run:
    """Consecutive shifts of one axis at which the same taps fall on the signal."""

    start: int
    """First shift of the run."""
    count: int
    """Number of shifts."""
    taps: np.ndarray
    """Those taps, in the order of the columns they fall on."""
    columns: np.ndarray
    """The position each tap falls on at the first shift; one stride further at each next shift."""


@dataclass(frozen=True)
class Axis:
    """One axis of a layer: n shifts of l taps over D positions."""

    n: int
    stride: int
    runs: tuple[Run, ...]

    @property
    def taps_per_shift(self) -> np.ndarray:
        """Number of taps that fall on the signal, for each of the n shifts."""
        counts = np.zeros(self.n, dtype=np.int64)
        for run in self.runs:
            counts[run.start : run.start + run.count] = len(run.taps)
        return counts

    @property
    def nnz(self) -> int:
        """The sum of `taps_per_shift`."""
        return sum(run.count * len(run.taps) for run in self.runs)

    def part(self, start: int, stop: int) -> "Axis":
        """The shifts start … stop − 1 alone."""
        runs = []
        for run in self.runs:
            first, last = max(run.start, start), min(run.start + run.count, stop)
            if first < last:
                columns = run.columns + (first - run.start) * self.stride
                runs.append(Run(first - start, last - first, run.taps, columns))
        return Axis(stop - start, self.stride, tuple(runs))


@dataclass(frozen=True)
class ConvShape:
    """Everything about W but its values: what it costs is known before it is built."""

    K: int
    M: int
    input_shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    groups: int = 1

    @property
    def positions(self) -> tuple[int, ...]:
        """Number of shifts along each axis; their product is n."""
        return tuple(axis.n for axis in self.axes)

    @property
    def n(self) -> int:
        """Shifts per filter."""
        return prod(self.positions)

    @property
    def shape(self) -> tuple[int, int]:
        """(K n, M D)."""
        return self.K * self.n, self.M * prod(self.input_shape)

    @property
    def nnz(self) -> int:
        """Number of non-zeros of W (taps of value zero are stored too)."""
        per_channel = prod(axis.nnz for axis in self.axes)
        return self.K * (self.M // self.groups) * per_channel

    def nbytes(self, dtype: Any = np.float64) -> int:
        """Bytes of W in CSR form: a value and a column for each non-zero, a pointer for each row."""
        index = np.dtype(self.index_dtype).itemsize
        return self.nnz * (np.dtype(dtype).itemsize + index) + (self.shape[0] + 1) * index

    @property
    def index_dtype(self) -> type:
        """int32 while rows, columns and non-zeros fit, else int64."""
        return np.int32 if max(self.nnz, *self.shape) <= INT32_MAX else np.int64


def conv_shape(
    filters_shape: tuple[int, ...],
    input_shape: int | tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    groups: int = 1,
) -> ConvShape:
    """Shape, non-zeros and bytes of W, without building it; arguments as in `conv_matrix`.

    Examples
    --------
    >>> layer = conv_shape((64, 64, 3, 3), (224, 224), padding="same")
    >>> print(f"{layer.nnz:,} non-zeros, {layer.nbytes('float32') / 2**30:.1f} GiB")
    1,838,694,400 non-zeros, 13.7 GiB
    """
    if not np.iterable(filters_shape) or len(tuple(filters_shape)) not in (3, 4):
        raise ValueError(
            f"filters_shape = {filters_shape!r} must be (K, M/groups, l) or (K, M/groups, l1, l2)"
        )
    K, channels, *size = axis_lengths(filters_shape, "filters_shape", len(filters_shape), low=1)
    groups = whole_number(groups, "groups", low=1)
    if K % groups:
        raise ValueError(f"groups = {groups} must divide the number of filters K = {K}")
    lengths = axis_lengths(input_shape, "input_shape", len(size), low=1)
    strides = axis_lengths(stride, "stride", len(size), low=1)
    paddings = _paddings(padding, size, strides)
    axes = tuple(map(_axis, lengths, size, strides, paddings))
    return ConvShape(K, channels * groups, lengths, axes, groups)


def _paddings(padding: Any, size: list[int], strides: tuple[int, ...]) -> tuple[int | str, ...]:
    if not isinstance(padding, str):
        return axis_lengths(padding, "padding", len(size))
    if padding == "circular":
        return ("circular",) * len(size)
    if padding != "same":
        raise ValueError(
            f"padding = {padding!r} must be an integer, one per axis, 'same' or 'circular'"
        )
    if any(length % 2 == 0 for length in size) or any(s != 1 for s in strides):
        raise ValueError(
            f"padding = 'same' needs odd filters and stride 1; got filters of size {tuple(size)} "
            f"and stride {strides}"
        )
    return tuple((length - 1) // 2 for length in size)


def _axis(D: int, length: int, stride: int, padding: int | str) -> Axis:
    """Which taps fall where, along one axis."""
    circular = padding == "circular"
    if circular:
        if D % stride or length > D:
            raise ValueError(
                f"padding = 'circular' needs a stride that divides D and filters no longer than D; "
                f"got D = {D}, stride = {stride}, l = {length}"
            )
        n, offset = D // stride, (length - 1) // 2
    else:
        span = D + 2 * padding - length
        if span < 0 or span % stride:
            raise ValueError(
                f"n = (D + 2*padding - l)/stride + 1 = ({D} + 2*{padding} - {length})/{stride} + 1 "
                f"must be a positive integer; change input_shape, padding or stride"
            )
        n, offset = span // stride + 1, padding

    # tap τ of shift j falls on j·stride + τ − offset; shifts first … last − 1 reach the signal,
    # and at shifts inner … outer − 1 no tap falls off it
    first = max(0, _ceil(offset - length + 1, stride))
    last = min(n, (D - 1 + offset) // stride + 1)
    inner = min(max(first, _ceil(offset, stride)), last)
    outer = min(max(inner, (D + offset - length) // stride + 1), last)
    bounds = [*range(first, inner + 1), *range(max(outer, inner + 1), last + 1)]
    runs = []
    for start, stop in pairwise(bounds):
        columns = start * stride - offset + np.arange(length)
        columns = columns % D if circular else columns
        taps = np.flatnonzero((columns >= 0) & (columns < D))
        taps = taps[np.argsort(columns[taps])]
        runs.append(Run(start, stop - start, taps, columns[taps]))
    return Axis(n, stride, tuple(runs))


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
