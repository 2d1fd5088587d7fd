"""The same matrix W once more, in the frequency domain: fewer operations where the input is small.

Zero padding makes a layer of stride 1 a part of a circulant one: W = P C Qᵀ, where Q and P are the first D and
n entries of N along each axis. The discrete Fourier transform makes C a K × M matrix for each of about N²/2
frequencies. An ℓ × ℓ filter costs ℓ² real multiplications for each entry of the input, this about half a
complex one, whatever ℓ.
"""

from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse

from cnninv.backend import array_namespace, fft_namespace
from cnninv.conv import conv_matrix
from cnninv.filters import check_filters
from cnninv.geometry import conv_shape
from cnninv.transposed import Implicit


class FourierConv(Implicit):
    """W by products at each frequency: ``@`` on ``(M*D,)`` and ``(M*D, batch)``, and ``.T``.

    Equal to `ConvOperator` of stride 1, up to rounding. It takes half that operator's time for 3 × 3 filters,
    15 × 15 entries and many columns at once; it stores K·M complex numbers for each frequency.

    Parameters
    ----------
    filters : array-like, shape (K, M, l) or (K, M, l1, l2)
    input_shape, padding
        As in `conv_matrix`.

    Attributes
    ----------
    shape : (K*n, M*D)
    dtype : of the filters
    layer : ConvShape
    xp : numpy or cupy, the module of the filters

    Examples
    --------
    >>> W = FourierConv([[[1.0, 2.0]]], 4)
    >>> (W @ np.array([1.0, 0.0, 0.0, 1.0])).round(6) + 0
    array([1., 0., 2.])
    >>> (W.T @ np.array([1.0, 0.0, 0.0])).round(6) + 0
    array([1., 2., 0., 0.])
    """

    def __init__(
        self,
        filters: Any,
        input_shape: int | tuple[int, ...],
        padding: int | tuple[int, ...] | str = 0,
    ) -> None:
        self.filters = check_filters(filters)
        xp = self.xp = array_namespace(self.filters)
        self.layer = conv_shape(self.filters.shape, input_shape, 1, padding, 1)
        self.padding, self.shape, self.dtype = padding, self.layer.shape, self.filters.dtype
        line = (1,) if len(self.layer.axes) == 1 else ()  # a 1-D layer is a 2-D one of one line
        size = line + self.filters.shape[2:]
        self._D, self._n = line + self.layer.input_shape, line + self.layer.positions
        if padding in ("same", "circular"):
            before = tuple((l - 1) // 2 for l in size)
        else:
            given = tuple(padding) if np.iterable(padding) else (padding,) * len(self.layer.axes)
            before = (0,) * len(line) + given
        self._N = tuple(
            D if padding == "circular" else scipy.fft.next_fast_len(max(D + b, n, l), real=True)
            for D, n, b, l in zip(self._D, self._n, before, size, strict=True)
        )
        K, M = self.layer.K, self.layer.M
        taps = self.filters.reshape(K, M, *size)
        # tap τ reads entry j + τ − b: a circulant filter has it at b − τ
        spread = xp.zeros((K, M, *self._N), self.dtype)
        for place in np.ndindex(size):
            to = tuple((b - t) % N for b, t, N in zip(before, place, self._N, strict=True))
            spread[:, :, *to] += taps[:, :, *place]
        spectrum = fft_namespace(xp).rfft2(spread).transpose(2, 3, 0, 1)
        self._grid = spectrum.shape[:2]
        self._C = xp.ascontiguousarray(spectrum).reshape(-1, K, M)

    def __repr__(self) -> str:
        return f"FourierConv({self.shape[0]} × {self.shape[1]}, {len(self._C)} frequencies, {self.dtype})"

    def __matmul__(self, x: Any) -> Any:
        """W x for x of shape (M*D,) or (M*D, batch)."""
        return self._apply(x, self._C, self._D, self._n, conjugate=False)

    def transposed_product(self, h: Any) -> Any:
        """Wᵀ h for h of shape (K*n,) or (K*n, batch)."""
        return self._apply(h, self._C.transpose(0, 2, 1), self._n, self._D, conjugate=True)

    def to_matrix(self) -> scipy.sparse.csr_array:
        """The explicit matrix, by `conv_matrix`."""
        return conv_matrix(self.filters, self.layer.input_shape, padding=self.padding)

    def _apply(self, x: Any, C: Any, D: tuple, n: tuple, conjugate: bool) -> Any:
        xp, rows, columns = self.xp, C.shape[1], C.shape[2]
        fft, x = fft_namespace(xp), self._fitting(x, columns * D[0] * D[1])
        spectrum = fft.rfft2(x.reshape(columns, *D, -1), s=self._N, axes=(1, 2))
        X = xp.ascontiguousarray(spectrum.transpose(1, 2, 0, 3)).reshape(len(C), columns, -1)
        # Wᵀ has the conjugate transposes: C* X is the conjugate of Cᵀ times that of X
        Y = xp.conj(C @ xp.conj(X)) if conjugate else C @ X
        Y = Y.reshape(*self._grid, rows, -1)
        y = fft.irfft2(Y, s=self._N, axes=(0, 1))[: n[0], : n[1]]
        return xp.ascontiguousarray(y.transpose(2, 0, 1, 3)).reshape(-1, *x.shape[1:])
