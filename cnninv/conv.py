"""Convolution as an explicit matrix W (Gilbert 2017, §2.2, Figure 1).

Row ``i*n + j`` of W holds filter i at shift j, unflipped: W x is cross-correlation, as in
every CNN library. One code path serves 1-D and 2-D, because the 2-D selection of a tap is
the Kronecker product of two 1-D selections.
"""

from itertools import product
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, check_indices, csr, require_memory
from cnninv.filters import check_filters
from cnninv.geometry import Axis, ConvShape, Run, conv_shape
from cnninv.statement import states


@states("§2.2, Figure 1", "the matrix W of a convolutional layer")
def conv_matrix(
    filters: Any,
    input_shape: int | tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dtype: Any = None,
    groups: int = 1,
) -> Any:
    """The Kn × MD matrix W of a convolutional layer (§2.2, Figure 1).

    ``h = W @ x`` with ``x.reshape(M, *input_shape)`` the input and ``h.reshape(K, *positions)``
    the hidden units:

        h[i, j] = Σ_m Σ_τ filters[i, m, τ] · x[m, j·stride + τ − padding]

    Parameters
    ----------
    filters : array-like, shape (K, M/groups, l) or (K, M/groups, l1, l2)
        Filter i, channel m, unflipped.
    input_shape : int or tuple of int
        D, or (D1, D2).
    stride : int or one per axis
        Step between shifts.
    padding : int or one per axis, or "same", or "circular"
        Zeros on both sides. "same" pads so that n = D (odd filters, stride 1). "circular" wraps
        around: n = D/stride, row j starts at j·stride − (l−1)//2.
    dtype : float32 or float64, optional
        Of W; that of the filters if not given.
    groups : int
        Channels and filters come in so many groups that do not see each other.

    Returns
    -------
    W : scipy.sparse.csr_array, shape (K*n, M*D)
        Row ``i*n + j`` is filter i at shift j; sorted columns; int32 indices while they fit. Of filters on
        the GPU, CuPy's CSR matrix.

    Raises
    ------
    TypeError, ValueError
        For arguments that make no layer; n must be an integer. On the GPU for more than 2³¹ − 1 non-zeros.
    MemoryError
        Before anything is allocated, with the number of non-zeros and bytes.

    Examples
    --------
    >>> conv_matrix([[[1, 2]]], 4).toarray()
    array([[1., 2., 0., 0.],
           [0., 1., 2., 0.],
           [0., 0., 1., 2.]])
    """
    filters = check_filters(filters)
    dtype = check_dtype(filters.dtype if dtype is None else dtype)
    layer = conv_shape(filters.shape, input_shape, stride, padding, groups)
    xp = array_namespace(filters)
    check_indices(layer.nnz, layer.shape, xp)
    require_memory(
        layer.nbytes(dtype),
        f"W would have {layer.nnz:,} non-zeros in {dtype}",
        "Use a smaller image or fewer filters, RowBlocks (the same matrix, a block of rows at a time), or "
        "ConvOperator (the same matrix, factored).",
        xp,
    )
    return fill(filters, layer, dtype)


def check_dtype(dtype: Any) -> np.dtype:
    """`dtype`, refused unless it is float32 or float64."""
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype = {dtype!r} must be float32 or float64") from None
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"dtype = {dtype} must be float32 or float64")
    return dtype


SINGLETON = Axis(1, 1, (Run(0, 1, np.array([0]), np.array([0])),))
"""The first axis of a 1-D layer, seen as a 2-D one."""


def fill(filters: Any, layer: ConvShape, dtype: np.dtype) -> Any:
    """Write values and columns straight into CSR, a rectangle of equal rows at a time."""
    xp, K, M, groups = array_namespace(filters), layer.K, layer.M // layer.groups, layer.groups
    filters = filters.reshape(K, M, -1, filters.shape[-1])
    D1, D2 = layer.input_shape if len(layer.axes) == 2 else (1, *layer.input_shape)
    first, second = layer.axes if len(layer.axes) == 2 else (SINGLETON, *layer.axes)
    taps1, taps2 = first.taps_per_shift, second.taps_per_shift

    block_nnz = layer.nnz // K
    data = xp.empty((K, block_nnz), dtype)
    indices = xp.empty((groups, K // groups, block_nnz), layer.index_dtype)
    channel = xp.arange(M)[:, None, None] * (D1 * D2)
    for run1, run2 in product(first.runs, second.runs):
        # the rows at shifts (j1, j2) of two runs all have the same M·r1·r2 taps
        row_nnz = M * len(run1.taps) * len(run2.taps)
        rows = (run1.count, run2.count, row_nnz)
        line = M * len(run1.taps) * second.nnz
        begin = M * int(taps1[: run1.start].sum()) * second.nnz
        inset = M * len(run1.taps) * int(taps2[: run2.start].sum())

        taps = filters[:, :, xp.asarray(run1.taps)][:, :, :, xp.asarray(run2.taps)]
        _rectangle(data, begin, line, inset, rows)[...] = taps.reshape(K, 1, 1, row_nnz)
        # columns of the first of these rows, and how much further those of the others are
        position = run1.columns[:, None] * D2 + run2.columns
        columns = (channel + xp.asarray(position)).ravel()
        down = xp.arange(run1.count) * (first.stride * D2)
        along = xp.arange(run2.count) * second.stride
        further = (down[:, None] + along)[:, :, None]
        xp.add(further, columns, out=_rectangle(indices[0, :1], begin, line, inset, rows)[0])

    # all filters of a group share their columns; group g sees channels g·M … (g+1)·M − 1
    indices[0, 1:] = indices[0, 0]
    indices[1:] = indices[0] + (xp.arange(1, groups) * M * D1 * D2).reshape(-1, 1, 1)

    indptr = xp.zeros(layer.shape[0] + 1, layer.index_dtype)
    ends = xp.asarray(np.cumsum(M * np.outer(taps1, taps2)))
    xp.add(xp.arange(K)[:, None] * block_nnz, ends, out=indptr[1:].reshape(K, -1))
    return csr(data.ravel(), indices.ravel(), indptr, layer.shape)


def _rectangle(blocks: Any, begin: int, line: int, inset: int, rows: tuple[int, int, int]) -> Any:
    """View of shape (blocks, *rows): `rows[0]` lines of `line` entries from `begin`, each from `inset`."""
    lines, per_line, row_nnz = rows
    view = blocks[:, begin : begin + lines * line].reshape(len(blocks), lines, line)
    view = view[:, :, inset : inset + per_line * row_nnz]
    return view.reshape(len(blocks), *rows)
