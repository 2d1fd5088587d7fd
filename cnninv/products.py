"""Products of large explicit matrices on several cores (SciPy's use one, but release the interpreter lock)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.threads import in_threads, slices, thread_count
from cnninv.transposed import Implicit
from cnninv.validation import real_matrix, whole_number

PART = 2**19
"""Non-zeros of a slice of rows, about: half a millisecond's work, so that all threads end together."""
WIDTH = 64
"""Columns of X at a time: enough for SciPy's loop over them; the rows of X that neighbours need stay cached."""


class ThreadedMatrix(Implicit):
    """A sparse matrix whose products use several cores: ``@`` on vectors and on blocks of columns, ``.T``.

    W x and W X are made slice by slice of rows, Wᵀ H chunk by chunk of columns; so they are, bit for bit,
    SciPy's (unless `filters` is given). Wᵀ h adds up one vector for each slice of rows, in their order. The
    number of threads changes no bit anywhere. Wᵀ is not stored a second time: as the columns of a CSC matrix,
    the rows of W give it at the same speed. Slices share their memory with W.

    Parameters
    ----------
    W : sparse array or matrix
        In memory; one that is not CSR is converted.
    threads : int, optional
        `cnninv.threads.core_count` if not given.
    filters : int, optional
        K, if W is the matrix of a layer of one group: its K blocks of rows then have the same columns, and the
        K rows of one shift are a dense matrix, K × M·l, that meets the entries of x under it. Products so are
        several times as fast, since the columns are read once and not K times and BLAS multiplies (on as many
        threads as it is told; the order of its sums is its own). Nothing is copied but those entries.

    Attributes
    ----------
    shape, dtype : of W
    threads : int

    Raises
    ------
    ValueError
        If the blocks of rows that `filters` names have different columns.

    Examples
    --------
    >>> from cnninv.conv import conv_matrix
    >>> W = ThreadedMatrix(conv_matrix([[[1.0, 2.0]]], 4))
    >>> W @ np.array([1.0, 0.0, 0.0, 1.0])
    array([1., 0., 2.])
    >>> W.T @ np.array([1.0, 0.0, 0.0])
    array([1., 2., 0., 0.])
    """

    xp = np

    def __init__(self, W: Any, threads: int | None = None, filters: int | None = None) -> None:
        if not scipy.sparse.issparse(W):
            raise TypeError(f"W is a {type(W).__name__}; expected a sparse array in memory")
        self.matrix = scipy.sparse.csr_array(real_matrix(W, "W"))
        self.threads = thread_count(threads)
        self.shape, self.dtype = self.matrix.shape, self.matrix.dtype
        self._rows = _slices(self.matrix)
        views = [_view(self.matrix, rows) for rows in self._rows]
        self._parts, self._transposed = zip(*views, strict=True)
        self.filters = None if filters is None else whole_number(filters, "filters", low=1)
        if filters is not None:
            _check_blocks(self.matrix, self.filters, self.threads)

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"ThreadedMatrix({rows} × {columns}, {self.matrix.nnz:,} non-zeros, {self.dtype})"

    def __matmul__(self, x: Any) -> np.ndarray:
        """W x for x of shape (columns,) or (columns, batch)."""
        x = self._fitting(x, self.shape[1])
        y = np.empty((self.shape[0], *x.shape[1:]), np.result_type(self.dtype, x.dtype))
        if self.filters is not None:
            hidden = y.reshape(self.filters, -1, *x.shape[1:])
            for j, values, columns in self._shifts():
                np.matmul(values, x.take(columns, axis=0), out=hidden[:, j])
            return y
        chunks = _chunks(x)

        def job(part: int) -> None:
            for columns, chunk in chunks:
                y[self._rows[part]][columns] = self._parts[part] @ chunk

        in_threads(job, range(len(self._parts)), self.threads)
        return y

    def transposed_product(self, h: Any) -> np.ndarray:
        """Wᵀ h for h of shape (rows,) or (rows, batch)."""
        h = self._fitting(h, self.shape[0])
        if self.filters is not None:
            x = np.zeros((self.shape[1], *h.shape[1:]), np.result_type(self.dtype, h.dtype))
            hidden = h.reshape(self.filters, -1, *h.shape[1:])
            for j, values, columns in self._shifts():
                x[columns] += values.T @ hidden[:, j]
            return x
        if h.ndim == 2:
            return self._transposed_block(h)

        def job(part: int) -> np.ndarray:
            return self._transposed[part] @ h[self._rows[part]]

        # as many at a time as there are threads, so that few are kept; added up in their order
        total = np.zeros(self.shape[1], np.result_type(self.dtype, h.dtype))
        for some in slices(len(self._parts), -(-len(self._parts) // self.threads)):
            for part in in_threads(job, range(len(self._parts))[some], self.threads):
                total += part
        return total

    def to_matrix(self) -> scipy.sparse.csr_array:
        """W itself."""
        return self.matrix

    def _shifts(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each shift j, the K × M·l values of its rows (a view), and their columns."""
        W, n = self.matrix, self.shape[0] // self.filters
        values = W.data.reshape(self.filters, -1)
        for j in range(n):
            entries = slice(W.indptr[j], W.indptr[j + 1])
            yield j, values[:, entries], W.indices[entries]

    def _transposed_block(self, H: np.ndarray) -> np.ndarray:
        x = np.empty((self.shape[1], H.shape[1]), np.result_type(self.dtype, H.dtype))
        transposed = self.matrix.T
        width = min(WIDTH, -(-H.shape[1] // self.threads))

        def job(columns: slice) -> None:
            x[:, columns] = transposed @ np.ascontiguousarray(H[:, columns])

        starts = range(0, H.shape[1], width)
        in_threads(job, [slice(start, start + width) for start in starts], self.threads)
        return x


def _check_blocks(W: scipy.sparse.csr_array, K: int, threads: int) -> None:
    """Refuse K blocks of rows that do not have the same columns, each column once."""
    n, size = W.shape[0] // K, W.nnz // K
    ends = W.indptr[: n + 1]

    def same(block: int) -> bool:
        columns = W.indices[block * size : (block + 1) * size]
        rows = W.indptr[block * n : (block + 1) * n + 1] - W.indptr[block * n]
        return np.array_equal(rows, ends) and np.array_equal(columns, W.indices[:size])

    fits = W.shape[0] % K == 0 and W.nnz % K == 0 and W.has_canonical_format
    if not fits or not all(in_threads(same, range(K), threads)):
        raise ValueError(
            f"filters = {K} must be a number of blocks of rows with the same sorted columns; those of W, "
            f"{W.shape[0]} × {W.shape[1]}, differ"
        )


def _slices(W: scipy.sparse.csr_array) -> list[slice]:
    """Rows with about PART non-zeros each, and more than a few for each column: they depend on W alone."""
    size = max(PART, 16 * W.shape[1])
    count = max(1, min(W.nnz // size, W.shape[0]))
    ends = np.searchsorted(W.indptr, np.arange(1, count) * (W.nnz / count))
    cuts = np.unique([0, *ends, W.shape[0]]).tolist()
    return [slice(start, stop) for start, stop in pairwise(cuts)]


def _view(W: scipy.sparse.csr_array, rows: slice) -> tuple[Any, Any]:
    """Rows of W, and their transpose, in the same memory: made by hand, as constructors copy small parts."""
    first, last = int(W.indptr[rows.start]), int(W.indptr[rows.stop])
    shape = (rows.stop - rows.start, W.shape[1])
    part = scipy.sparse.csr_array(shape, dtype=W.dtype)
    transposed = scipy.sparse.csc_array(shape[::-1], dtype=W.dtype)
    part.indptr = transposed.indptr = W.indptr[rows.start : rows.stop + 1] - first
    part.indices = transposed.indices = W.indices[first:last]
    part.data = transposed.data = W.data[first:last]
    return part, transposed


def _chunks(x: np.ndarray) -> list[tuple[Any, np.ndarray]]:
    """WIDTH columns of x at a time, contiguous, and where they are."""
    if x.ndim == 1:
        return [(..., x)]
    starts = range(0, x.shape[1], WIDTH)
    parts = [np.s_[:, start : start + WIDTH] for start in starts]
    return [(columns, np.ascontiguousarray(x[columns])) for columns in parts]
