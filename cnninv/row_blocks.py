"""W beyond memory: its rows in blocks, each built, used and dropped (Gilbert 2017, §2.2)."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, csr, require_memory
from cnninv.conv import check_dtype, fill
from cnninv.filters import check_filters
from cnninv.geometry import INT32_MAX, ConvShape, conv_shape
from cnninv.threads import in_threads, thread_count
from cnninv.transposed import Implicit
from cnninv.validation import whole_number

BLOCK_BYTES = 2**28
"""What a block takes at most, if the number of rows is not given and a line of shifts is no larger."""


class RowBlocks(Implicit):
    """W as explicit blocks of rows, made one after the other: ``@``, ``.T @``, and iteration over the blocks.

    Equal to `conv_matrix` with the same arguments. The price is that W is built anew for each product, which
    takes about as long as multiplying one vector; so multiply many columns at once. Beside input and output
    there are as many blocks in memory as threads.

    Parameters
    ----------
    filters, input_shape, stride, padding, dtype, groups
        As in `conv_matrix`.
    rows : int, optional
        Rows of a block at most, but one line of shifts of one filter at least; so many that a block takes
        `BLOCK_BYTES` if not given. A block has whole filters, or a part of one.
    threads : int, optional
        `cnninv.threads.core_count` if not given. Changes no bit.

    Attributes
    ----------
    shape : (K*n, M*D)
    dtype : float32 or float64
    layer : ConvShape
    rows : int

    Examples
    --------
    >>> W = RowBlocks([[[1.0, 2.0]], [[0.0, 3.0]]], 4, rows=3)
    >>> for rows, block in W:
    ...     print(rows.start, rows.stop, block.toarray().tolist())
    0 3 [[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    3 6 [[0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 3.0]]
    >>> W @ np.array([1.0, 0.0, 0.0, 1.0])
    array([1., 0., 2., 0., 0., 3.])
    """

    def __init__(
        self,
        filters: Any,
        input_shape: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dtype: Any = None,
        groups: int = 1,
        rows: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.filters = check_filters(filters)
        self.dtype = check_dtype(self.filters.dtype if dtype is None else dtype)
        self.layer = conv_shape(self.filters.shape, input_shape, stride, padding, groups)
        self.shape = self.layer.shape
        row_bytes = max(1, self.layer.nbytes(self.dtype) // self.shape[0])
        self.rows = (
            max(1, BLOCK_BYTES // row_bytes) if rows is None else whole_number(rows, "rows", low=1)
        )
        on_cpu = array_namespace(self.filters) is np
        self.threads = thread_count(threads) if on_cpu else 1
        self._blocks = list(self._plan())
        # those of other filters, as many, are as large
        kinds = {(f.stop - f.start, at.start, at.stop): (f, at) for f, at in self._blocks}
        largest = max(self._layer(*block).nbytes(self.dtype) for block in kinds.values())
        require_memory(
            largest * min(self.threads, len(self._blocks)),
            f"{self.rows:,} rows of W on each of {self.threads} threads",
            "Use fewer rows or threads.",
            array_namespace(self.filters),
        )

    @property
    def xp(self) -> Any:
        """The filters' module, numpy or cupy."""
        return array_namespace(self.filters)

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.filters.shape))
        return (
            f"RowBlocks({self.shape[0]} × {self.shape[1]}, filters {size}, {self.dtype}, "
            f"{len(self)} blocks)"
        )

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self._blocks)

    def __iter__(self) -> Iterator[tuple[slice, Any]]:
        """Each block's rows, and the block as a csr_array."""
        for filters, lines in self._blocks:
            yield self._rows(filters, lines), self._build(filters, lines)

    def __matmul__(self, x: Any) -> Any:
        """W x for x of shape (M*D,) or (M*D, batch)."""
        x = self._fitting(x, self.shape[1])
        y = self.xp.empty((self.shape[0], *x.shape[1:]), dtype=np.result_type(self.dtype, x.dtype))

        def job(block: tuple[slice, slice]) -> None:
            y[self._rows(*block)] = self._build(*block) @ x

        in_threads(job, self._blocks, self.threads)
        return y

    def transposed_product(self, h: Any) -> Any:
        """Wᵀ h for h of shape (K*n,) or (K*n, batch): a sum over the blocks, in their order."""
        h = self._fitting(h, self.shape[0])
        total = self.xp.zeros(
            (self.shape[1], *h.shape[1:]), dtype=np.result_type(self.dtype, h.dtype)
        )

        def job(block: tuple[slice, slice]) -> Any:
            return self._build(*block).T @ h[self._rows(*block)]

        for start in range(0, len(self), self.threads):
            for part in in_threads(job, self._blocks[start : start + self.threads], self.threads):
                total += part
        return total

    def _plan(self) -> Iterator[tuple[slice, slice]]:
        """(filters, lines of shifts) of each block: whole filters of one group, or lines of one filter."""
        K, n, lines = self.layer.K, self.layer.n, self.layer.positions[0]
        group, some = K // self.layer.groups, min(lines, max(1, self.rows * lines // n))
        count = min(max(1, self.rows // n), group)
        for first in range(0, K, group):
            for start in range(first, first + group, count):
                filters = slice(start, min(start + count, first + group))
                for line in range(0, lines, some):
                    yield filters, slice(line, min(line + some, lines))

    def _rows(self, filters: slice, lines: slice) -> slice:
        n, line = self.layer.n, prod(self.layer.positions[1:])
        if lines.stop - lines.start == self.layer.positions[0]:
            return slice(filters.start * n, filters.stop * n)
        first = filters.start * n
        return slice(first + lines.start * line, first + lines.stop * line)

    def _layer(self, filters: slice, lines: slice) -> ConvShape:
        """The layer of those filters, that group's channels, and those lines."""
        first, *others = self.layer.axes
        return replace(
            self.layer,
            K=filters.stop - filters.start,
            M=self.layer.M // self.layer.groups,
            axes=(first.part(lines.start, lines.stop), *others),
            groups=1,
        )

    def _build(self, filters: slice, lines: slice) -> Any:
        W = fill(self.filters[filters], self._layer(filters, lines), self.dtype)
        shape = (W.shape[0], self.shape[1])
        offset = filters.start // (self.layer.K // self.layer.groups) * W.shape[1]
        if offset == 0:
            return csr(W.data, W.indices, W.indptr, shape)
        # the channels of a later group
        indices = W.indices.astype(np.int64) if shape[1] > INT32_MAX else W.indices
        indices += offset
        return csr(W.data, indices, W.indptr.astype(indices.dtype, copy=False), shape)
