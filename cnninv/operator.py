"""The same matrix W, factored: a layer by dense matrix products, without its zeros (Gilbert 2017, §2.2).

W = Σ_τ kron(filters[:, :, τ], S_τ) over the taps τ, with S_τ the selection of tap τ. So W x gathers the
selections S_τ x as the rows of one dense matrix, the patches, and multiplies it by the filters once; Wᵀ h
multiplies by the transposed filters and adds up the S_τᵀ.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.backend import array_namespace
from cnninv.conv import conv_matrix
from cnninv.filters import check_filters
from cnninv.geometry import conv_shape
from cnninv.validation import real_array

PATCH_BYTES = 2**23
"""Patches are made for so many bytes of lines at a time: this bounds the memory beside input and output."""


class ConvOperator:
    """W in factored form: ``@`` on ``(M*D,)`` and ``(M*D, batch)``, ``.T``, ``.to_matrix()``.

    Equal to `conv_matrix` with the same arguments, up to rounding. Beside input and output W x needs, at a
    time, `PATCH_BYTES` of patches (or those of one line of shifts, if more), and Wᵀ h a padded output too.

    Parameters
    ----------
    filters : array-like, shape (K, M/groups, l) or (K, M/groups, l1, l2)
    input_shape, stride, padding, groups
        As in `conv_matrix`.

    Attributes
    ----------
    shape : (K*n, M*D)
    dtype : of the filters
    layer : ConvShape

    Examples
    --------
    >>> W = ConvOperator([[[1.0, 2.0]]], 4)
    >>> W @ np.array([1.0, 0.0, 0.0, 1.0])
    array([1., 0., 2.])
    >>> W.T @ np.array([1.0, 0.0, 0.0])
    array([1., 2., 0., 0.])
    """

    def __init__(
        self,
        filters: Any,
        input_shape: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        groups: int = 1,
    ) -> None:
        self.filters = check_filters(filters)
        self.layer = conv_shape(self.filters.shape, input_shape, stride, padding, groups)
        self._arguments = (input_shape, stride, padding)
        self.shape, self.dtype = self.layer.shape, self.filters.dtype
        self._geometry = _Geometry(self.filters.shape[2:], self.layer, padding)

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.filters.shape))
        return f"ConvOperator({self.shape[0]} × {self.shape[1]}, filters {size}, {self.dtype})"

    def __matmul__(self, x: Any) -> Any:
        """W x for x of shape (M*D,) or (M*D, batch)."""
        return self.forward(x)

    def forward(self, x: Any, bias: Any = None, relu: bool = False) -> Any:
        """W x + b, a bias for each filter, then max(·, 0) if `relu`: a layer in one pass over the memory.

        Parameters
        ----------
        x : array, shape (M*D,) or (M*D, batch)
        bias : array, shape (K,), optional
        relu : bool

        Returns
        -------
        h : array, shape (K*n,) or (K*n, batch)

        Examples
        --------
        >>> ConvOperator([[[1.0, 2.0]]], 3).forward([1.0, 0.0, -1.0], bias=[0.5], relu=True)
        array([1.5, 0. ])
        """
        x = self._check(x, self.shape[1])
        xp, g, G = array_namespace(x), self._geometry, self.layer.groups
        signal = x.reshape(self.layer.M, *g.D, -1)
        K, line = self.layer.K, g.n[1] * signal.shape[-1]
        dtype = xp.result_type(self.filters, x)
        filters = self.filters.reshape(G, K // G, -1).astype(dtype, copy=False)
        bias = None if bias is None else self._check_bias(bias).reshape(G, K // G, 1)
        h = xp.empty((G, K // G, g.n[0] * line), dtype=dtype)
        for lines, columns, memory in g.parts(self.layer.M, line, dtype, xp):
            patches = memory.reshape(G, filters.shape[2], -1)
            g.patches(signal, lines, patches, xp)
            for group in range(G):
                xp.matmul(filters[group], patches[group], out=h[group, :, columns])
            # while this part of h is in the cache
            if bias is not None:
                h[:, :, columns] += bias
            if relu:
                xp.maximum(h[:, :, columns], 0, out=h[:, :, columns])
        return h.reshape(self.shape[0], *x.shape[1:])

    @property
    def T(self) -> "TransposedConv":
        """Wᵀ, the transposed convolution."""
        return TransposedConv(self)

    def transposed_product(self, h: Any) -> Any:
        """Wᵀ h for h of shape (K*n,) or (K*n, batch)."""
        h = self._check(h, self.shape[0])
        xp, g, G = array_namespace(h), self._geometry, self.layer.groups
        K, M = self.layer.K, self.layer.M
        blocks = h.reshape(G, K // G, -1)
        line = blocks.shape[2] // g.n[0]
        dtype = xp.result_type(self.filters, h)
        filters = self.filters.reshape(G, K // G, -1)
        padded = xp.zeros((M, *g.padded, line // g.n[1]), dtype=dtype)
        for lines, columns, memory in g.parts(M, line, dtype, xp):
            patches = memory.reshape(G, filters.shape[2], -1)
            for group in range(G):
                xp.matmul(filters[group].T, blocks[group, :, columns], out=patches[group])
            g.add_patches(padded, patches, lines)
        return g.unpad(padded).reshape(self.shape[1], *h.shape[1:])

    def to_matrix(self) -> scipy.sparse.csr_array:
        """The explicit matrix, by `conv_matrix`."""
        input_shape, stride, padding = self._arguments
        return conv_matrix(self.filters, input_shape, stride, padding, groups=self.layer.groups)

    # what scipy.sparse.linalg.aslinearoperator asks for
    matvec = matmat = __matmul__
    rmatvec = rmatmat = transposed_product

    def _check(self, x: Any, length: int) -> Any:
        x = real_array(x, "x", ndim=(1, 2))
        array_namespace(self.filters, x)
        if len(x) != length:
            raise ValueError(
                f"x has shape {x.shape}; an operator of shape {self.shape} and its transpose expect "
                f"{length} rows here"
            )
        return x

    def _check_bias(self, bias: Any) -> Any:
        bias = real_array(bias, "bias", ndim=1)
        array_namespace(self.filters, bias)
        if len(bias) != self.layer.K:
            raise ValueError(
                f"bias has shape {bias.shape}; expected one for each of {self.layer.K} filters"
            )
        return bias


class TransposedConv:
    """Wᵀ of a `ConvOperator`."""

    def __init__(self, operator: ConvOperator) -> None:
        self.T = operator
        self.shape, self.dtype = operator.shape[::-1], operator.dtype

    def __repr__(self) -> str:
        return f"{self.T!r}.T"

    def __matmul__(self, h: Any) -> Any:
        return self.T.transposed_product(h)

    matvec = matmat = __matmul__

    def rmatvec(self, x: Any) -> Any:
        """W x."""
        return self.T @ x

    rmatmat = rmatvec

    def to_matrix(self) -> scipy.sparse.csr_array:
        """The explicit Wᵀ."""
        return self.T.to_matrix().T.tocsr()


class _Geometry:
    """Padding and patches of a layer, a 1-D one seen as a 2-D one of a single line."""

    def __init__(self, size: tuple[int, ...], layer: Any, padding: Any) -> None:
        two = len(size) == 2
        self.size = tuple(size) if two else (1, *size)
        self.D = layer.input_shape if two else (1, *layer.input_shape)
        self.n = layer.positions if two else (1, *layer.positions)
        self.stride = tuple(axis.stride for axis in layer.axes)
        self.stride = self.stride if two else (1, *self.stride)
        self.circular = padding == "circular"
        # what the shifts reach over, from the first position to the last
        reach = [(n - 1) * t + l for n, t, l in zip(self.n, self.stride, self.size, strict=True)]
        if self.circular or padding == "same":
            before = [(l - 1) // 2 for l in self.size]
        else:
            given = tuple(padding) if np.iterable(padding) else (padding,) * len(size)
            before = list(given if two else (0, *given))
        self.before = tuple(before)
        self.padded = tuple(max(r, b + D) for r, b, D in zip(reach, before, self.D, strict=True))

    def pad(self, x: Any, lines: slice, xp: Any) -> Any:
        """What the given lines of shifts reach of x, shape (M, D1, D2, batch), with zeros or wrapped around."""
        first = lines.start * self.stride[0] - self.before[0]
        last = (lines.stop - 1) * self.stride[0] - self.before[0] + self.size[0]
        (D1, D2), (M, *_, batch) = self.D, x.shape
        if self.circular:
            widths = (self.before[1], self.padded[1] - self.before[1] - D2)
            reached = x[:, xp.arange(first, last) % D1]
            return xp.pad(reached, [(0, 0), (0, 0), widths, (0, 0)], mode="wrap")
        if first >= 0 and last <= D1 and self.padded[1] == D2:
            return x[:, first:last]
        padded = xp.zeros((M, last - first, self.padded[1], batch), dtype=x.dtype)
        start = min(max(first, 0), D1)
        stop = max(start, min(last, D1))
        columns = slice(self.before[1], self.before[1] + D2)
        padded[:, start - first : stop - first, columns] = x[:, start:stop]
        return padded

    def unpad(self, padded: Any) -> Any:
        """The transpose of padding the whole input."""
        if self.circular:
            for axis in (0, 1):
                padded = self._unwrap(padded, axis)
        (b1, b2), (D1, D2) = self.before, self.D
        return padded[:, b1 : b1 + D1, b2 : b2 + D2]

    def _unwrap(self, padded: Any, axis: int) -> Any:
        """Add what lies in the margins of one axis to the entries it was copied from."""
        lines = padded.swapaxes(0, 1 + axis)
        before, D = self.before[axis], self.D[axis]
        lines[D : D + before] += lines[:before]
        after = len(lines) - before - D
        lines[before : before + after] += lines[before + D :]
        return lines.swapaxes(0, 1 + axis)

    def parts(self, M: int, line: int, dtype: Any, xp: Any) -> Iterator[tuple[slice, slice, Any]]:
        """Lines of shifts whose patches fit into PATCH_BYTES, at least one at a time.

        Yields the lines, their columns in h (`line` of them each), and memory for their patches.
        """
        height = M * prod(self.size)
        step = max(1, PATCH_BYTES // max(1, height * line * np.dtype(dtype).itemsize))
        memory = xp.empty(height * min(step, self.n[0]) * line, dtype=dtype)
        for start in range(0, self.n[0], step):
            stop = min(start + step, self.n[0])
            yield (
                slice(start, stop),
                slice(start * line, stop * line),
                memory[: height * (stop - start) * line],
            )

    def patches(self, x: Any, lines: slice, out: Any, xp: Any) -> None:
        """S_τ x for all taps τ into `out`, in the order (M, l1, l2, lines, n2, batch)."""
        padded = self.pad(x, lines, xp)
        M, _, _, batch = padded.shape
        here = slice(0, lines.stop - lines.start)
        out = out.reshape(M, *self.size, here.stop, self.n[1], batch)
        for a, b in np.ndindex(self.size):
            out[:, a, b] = padded[:, *self._window(a, b, here)]

    def add_patches(self, padded: Any, patches: Any, lines: slice) -> None:
        """The transpose of `patches`: add S_τᵀ of each tap's part."""
        M, _, _, batch = padded.shape
        shape = (M, *self.size, lines.stop - lines.start, self.n[1], batch)
        patches = patches.reshape(shape)
        for a, b in np.ndindex(self.size):
            padded[:, *self._window(a, b, lines)] += patches[:, a, b]

    def _window(self, a: int, b: int, lines: slice) -> tuple[slice, slice]:
        """Where tap (a, b) falls at the given lines of shifts."""
        t1, t2 = self.stride
        rows = slice(a + lines.start * t1, a + (lines.stop - 1) * t1 + 1, t1)
        return rows, slice(b, b + (self.n[1] - 1) * t2 + 1, t2)
