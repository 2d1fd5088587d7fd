"""The same matrix W, factored: a layer by dense matrix products, without its zeros (Gilbert 2017, §2.2).

W = Σ_τ kron(filters[:, :, τ], S_τ) over the taps τ, with S_τ the selection of tap τ: products by patches. For
3 × 3 filters W = Σ_ξ kron(U_ξ, A_ξ B_ξ), too: products by Winograd's tiles, 4 in the place of 9.
"""

from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.backend import array_namespace
from cnninv.conv import conv_matrix
from cnninv.filters import check_filters
from cnninv.geometry import conv_shape
from cnninv.patches import WORTH_THREADS, Patches, Plane
from cnninv.threads import thread_count
from cnninv.tiles import Tiles
from cnninv.transposed import Implicit
from cnninv.validation import one_of, real_array, whole_number
from cnninv.winograd import require_three_taps, transform

METHODS = ("auto", "patches", "winograd")


class ConvOperator(Implicit):
    """W in factored form: ``@`` on ``(M*D,)`` and ``(M*D, batch)``, ``.T``, ``.to_matrix()``.

    Equal to `conv_matrix` with the same arguments, up to rounding. Beside input and output W x and Wᵀ h need
    `cnninv.patches.PATCH_BYTES` of patches or tiles at a time (or those of one line of shifts, if more), Wᵀ h
    by patches a padded output too, and "winograd" keeps the transformed filters, 16/9 of the filters.

    Parameters
    ----------
    filters : array-like, shape (K, M/groups, l) or (K, M/groups, l1, l2)
    input_shape, stride, padding, groups
        As in `conv_matrix`.
    method : "auto", "patches" or "winograd"
        "patches" multiplies the filters by what they see: 9 products per output, channel and filter of 3 × 3
        taps. "winograd" takes 4 and needs 3 × 3 taps, stride 1 and one group; its rounding error is up to twice
        that of "patches" (float32, 512 channels: 5·10⁻⁷ against 3·10⁻⁷ of ‖W x‖). "auto" takes it where it
        pays: see `form`.
    threads : int, optional
        For what is no dense product; `cnninv.threads.core_count` if not given. Changes no bit.

    Attributes
    ----------
    shape : (K*n, M*D)
    dtype : of the filters
    layer : ConvShape
    method : as given
    xp : numpy or cupy, the module of the filters

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
        method: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.filters = check_filters(filters)
        size = self.filters.shape[2:]
        self.layer = conv_shape(self.filters.shape, input_shape, stride, padding, groups)
        self.method = one_of(method, "method", METHODS)
        if method == "winograd":
            require_three_taps(size, self.layer, "method = 'winograd' needs", axes=2)
        self._arguments = (input_shape, stride, padding)
        self.shape, self.dtype = self.layer.shape, self.filters.dtype
        self._plane, self.threads = Plane(size, self.layer, padding), thread_count(threads)
        self._values: dict[tuple[str, np.dtype], Any] = {}

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.filters.shape))
        return f"ConvOperator({self.shape[0]} × {self.shape[1]}, filters {size}, {self.dtype})"

    def __matmul__(self, x: Any) -> Any:
        """W x for x of shape (M*D,) or (M*D, batch)."""
        return self.forward(x)

    def form(self, batch: int = 1) -> str:
        """The form of the products with a batch of so many columns, "patches" or "winograd".

        "auto" takes "winograd" where filters and channels outweigh the transforms (their harmonic mean is 96 or
        more), the batch outweighs that of the filters (512 tiles or more), and few tiles are partial. Not on a
        GPU: the lines of tiles are too little work each for one.

        Examples
        --------
        >>> W = ConvOperator(np.ones((128, 128, 3, 3), np.float32), (15, 15), padding="same")
        >>> W.form(), W.form(batch=64)
        ('patches', 'winograd')
        """
        batch = whole_number(batch, "batch", low=1)
        if self.method != "auto":
            return self.method
        layer, plane = self.layer, self._plane
        if self.filters.shape[2:] != (3, 3) or plane.stride != (1, 1) or layer.groups != 1:
            return "patches"
        tiles = -(-plane.n[0] // 2) * -(-plane.n[1] // 2)
        pays = (
            self.xp is np
            and 2 * layer.K * layer.M >= 96 * (layer.K + layer.M)
            and tiles * batch >= 512
            and 16 * tiles <= 6 * layer.n
        )
        return "winograd" if pays else "patches"

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
        x = self._fitting(x, self.shape[1])
        xp, dtype = self.xp, np.result_type(self.filters.dtype, x.dtype)
        bias = None if bias is None else self._check_bias(bias).reshape(-1, 1, 1, 1)

        def finish(part: Any, filters: slice) -> None:
            if bias is not None:
                part += bias[filters]
            if relu:
                xp.maximum(part, 0, out=part)

        signal = x.reshape(self.layer.M, *self._plane.D, -1)
        products, values = self._products(signal.shape[-1], dtype)
        h = products.forward(signal, values, finish)
        return h.reshape(self.shape[0], *x.shape[1:])

    @property
    def xp(self) -> ModuleType:
        """The filters' module, numpy or cupy."""
        return array_namespace(self.filters)

    def transposed_product(self, h: Any) -> Any:
        """Wᵀ h for h of shape (K*n,) or (K*n, batch)."""
        h = self._fitting(h, self.shape[0])
        hidden = h.reshape(self.layer.K, *self._plane.n, -1)
        dtype = np.result_type(self.filters.dtype, h.dtype)
        products, values = self._products(hidden.shape[-1], dtype)
        x = products.transposed(hidden, values)
        return x.reshape(self.shape[1], *h.shape[1:])

    def to_matrix(self) -> scipy.sparse.csr_array:
        """The explicit matrix, by `conv_matrix`."""
        input_shape, stride, padding = self._arguments
        return conv_matrix(self.filters, input_shape, stride, padding, groups=self.layer.groups)

    def _products(self, batch: int, dtype: np.dtype) -> tuple[Patches | Tiles, Any]:
        """What multiplies, and the filters as it wants them."""
        form = self.form(batch)
        if (form, dtype) not in self._values:
            filters = self.filters.astype(dtype, copy=False)
            self._values[form, dtype] = (
                transform(filters, self.xp)
                if form == "winograd"
                else filters.reshape(self.layer.K, -1)
            )
        useful = self.xp is np and min(self.shape) * batch >= WORTH_THREADS
        kind = Tiles if form == "winograd" else Patches
        products = kind(self._plane, self.xp, self.threads if useful else 1)
        return products, self._values[form, dtype]

    def _check_bias(self, bias: Any) -> Any:
        bias = real_array(bias, "bias", ndim=1)
        array_namespace(filters=self.filters, bias=bias)
        if len(bias) != self.layer.K:
            raise ValueError(
                f"bias has shape {bias.shape}; expected one for each of {self.layer.K} filters"
            )
        return bias
