"""Products with W and Wᵀ by patches: what the filters see, as one dense matrix (Gilbert 2017, §2.2).

W x gathers the selections S_τ x of all taps as the patches, and multiplies them by the filters once; Wᵀ h
multiplies by the transposed filters and adds up the S_τᵀ.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from cnninv.geometry import ConvShape
from cnninv.threads import in_threads, slices

PATCH_BYTES = 2**23
"""Patches, or tiles, are made for so many bytes of lines at a time: the memory beside input and output."""
GPU_PATCH_BYTES = 2**28
"""The same on a GPU, which needs larger products to be busy."""
WORTH_THREADS = 2**16
"""Entries of the input or output from which on they are worth a second thread."""


class Plane:
    """Axes and padding of a layer, a 1-D one seen as a 2-D one of a single line."""

    def __init__(self, size: tuple[int, ...], layer: ConvShape, padding: Any) -> None:
        two = len(size) == 2
        self.K, self.M, self.groups = layer.K, layer.M, layer.groups
        self.size = tuple(size) if two else (1, *size)
        self.D = layer.input_shape if two else (1, *layer.input_shape)
        self.n = layer.positions if two else (1, *layer.positions)
        self.stride = tuple(axis.stride for axis in layer.axes)
        self.stride = self.stride if two else (1, *self.stride)
        self.circular = padding == "circular"
        # what the shifts reach over, from the first position to the last
        reach = [(n - 1) * t + l for n, t, l in zip(self.n, self.stride, self.size, strict=True)]
        before = offsets(size, padding)
        self.before = before if two else (0, *before)
        self.padded = tuple(
            max(r, b + D) for r, b, D in zip(reach, self.before, self.D, strict=True)
        )


def offsets(size: tuple[int, ...], padding: Any) -> tuple[int, ...]:
    """Entries in front of the signal along each axis."""
    if isinstance(padding, str):
        return tuple((l - 1) // 2 for l in size)
    return tuple(padding) if np.iterable(padding) else (padding,) * len(size)


class Patches:
    """Products of the filters, shape (K, M/groups · l1 · l2), with the patches of a plane."""

    def __init__(self, plane: Plane, xp: Any, threads: int) -> None:
        self.plane, self.xp, self.threads = plane, xp, threads

    def forward(self, x: Any, filters: Any, finish: Callable[[Any, slice], None]) -> Any:
        """W x, shape (K, n1, n2, batch), for x of shape (M, D1, D2, batch); `finish` ends each part of it."""
        p, batch = self.plane, x.shape[-1]
        h = self.xp.empty((p.K, *p.n, batch), dtype=filters.dtype)
        flat, line = h.reshape(p.K, -1), p.n[1] * batch
        for lines, patches in self._parts(batch, filters.dtype):
            self._each(p.M, self._gather, self._pad(x, lines), patches, lines)
            columns = slice(lines.start * line, lines.stop * line)
            groups = patches.reshape(p.groups, filters.shape[1], -1)
            for rows, group in zip(slices(p.K, p.groups), groups, strict=True):
                self.xp.matmul(filters[rows], group, out=flat[rows, columns])
            # while this part of h is in the cache
            self._each(p.K, lambda part, i: finish(part[i], i), h[:, lines])
        return h

    def transposed(self, h: Any, filters: Any) -> Any:
        """Wᵀ h, shape (M, D1, D2, batch), for h of shape (K, n1, n2, batch)."""
        p, batch = self.plane, h.shape[-1]
        flat, line = h.reshape(p.K, -1), p.n[1] * batch
        padded = self.xp.zeros((p.M, *p.padded, batch), dtype=filters.dtype)
        for lines, patches in self._parts(batch, filters.dtype):
            columns = slice(lines.start * line, lines.stop * line)
            groups = patches.reshape(p.groups, filters.shape[1], -1)
            for rows, group in zip(slices(p.K, p.groups), groups, strict=True):
                self.xp.matmul(filters[rows].T, flat[rows, columns], out=group)
            self._each(p.M, self._add, padded, patches, lines)
        return self._unpad(padded)

    def _parts(self, batch: int, dtype: Any) -> Iterator[tuple[slice, Any]]:
        """Lines of shifts whose patches fit into PATCH_BYTES, at least one at a time, and memory for them."""
        p = self.plane
        line = p.M * prod(p.size) * p.n[1] * batch
        bytes_at_a_time = PATCH_BYTES if self.xp is np else GPU_PATCH_BYTES
        step = min(max(1, bytes_at_a_time // max(1, line * np.dtype(dtype).itemsize)), p.n[0])
        memory = self.xp.empty(line * step, dtype=dtype)
        for start in range(0, p.n[0], step):
            count = min(step, p.n[0] - start)
            shape = (p.M, *p.size, count, p.n[1], batch)
            yield slice(start, start + count), memory[: line * count].reshape(shape)

    def _each(self, length: int, job: Callable[..., None], *arguments: Any) -> None:
        """job(*arguments, piece) for slices of 0 … length − 1."""
        in_threads(partial(job, *arguments), slices(length, self.threads), self.threads)

    def _gather(self, padded: Any, patches: Any, lines: slice, m: slice) -> None:
        """S_τ x for all taps τ and the channels m, in the order (M, l1, l2, lines, n2, batch)."""
        here = slice(0, lines.stop - lines.start)
        for a, b in np.ndindex(self.plane.size):
            patches[m, a, b] = padded[m, *self._window(a, b, here)]

    def _add(self, padded: Any, patches: Any, lines: slice, m: slice) -> None:
        """The transpose: add S_τᵀ of each tap's part."""
        for a, b in np.ndindex(self.plane.size):
            padded[m, *self._window(a, b, lines)] += patches[m, a, b]

    def _window(self, a: int, b: int, lines: slice) -> tuple[slice, slice]:
        """Where tap (a, b) falls at the given lines of shifts."""
        (t1, t2), n2 = self.plane.stride, self.plane.n[1]
        rows = slice(a + lines.start * t1, a + (lines.stop - 1) * t1 + 1, t1)
        return rows, slice(b, b + (n2 - 1) * t2 + 1, t2)

    def _pad(self, x: Any, lines: slice) -> Any:
        """What the given lines of shifts reach of x, with zeros or wrapped around."""
        p, xp = self.plane, self.xp
        first = lines.start * p.stride[0] - p.before[0]
        last = (lines.stop - 1) * p.stride[0] - p.before[0] + p.size[0]
        (D1, D2), (M, *_, batch) = p.D, x.shape
        if p.circular:
            widths = (p.before[1], p.padded[1] - p.before[1] - D2)
            reached = x[:, xp.arange(first, last) % D1]
            return xp.pad(reached, [(0, 0), (0, 0), widths, (0, 0)], mode="wrap")
        if first >= 0 and last <= D1 and p.padded[1] == D2:
            return x[:, first:last]
        padded = xp.zeros((M, last - first, p.padded[1], batch), dtype=x.dtype)
        start = min(max(first, 0), D1)
        stop = max(start, min(last, D1))
        columns = slice(p.before[1], p.before[1] + D2)
        padded[:, start - first : stop - first, columns] = x[:, start:stop]
        return padded

    def _unpad(self, padded: Any) -> Any:
        """The transpose of padding the whole input."""
        p = self.plane
        if p.circular:
            for axis in (0, 1):
                padded = self._unwrap(padded, axis)
        (b1, b2), (D1, D2) = p.before, p.D
        return padded[:, b1 : b1 + D1, b2 : b2 + D2]

    def _unwrap(self, padded: Any, axis: int) -> Any:
        """Add what lies in the margins of one axis to the entries it was copied from."""
        lines = padded.swapaxes(0, 1 + axis)
        before, D = self.plane.before[axis], self.plane.D[axis]
        lines[D : D + before] += lines[:before]
        after = len(lines) - before - D
        lines[before : before + after] += lines[before + D :]
        return lines.swapaxes(0, 1 + axis)
