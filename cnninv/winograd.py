"""Winograd's F(2, 3), a factorisation of W with fewer products (Winograd 1980; Lavin and Gray 2016).

Two neighbouring outputs of a filter of three taps take four products instead of six,

    y = Aᵀ ((G w) ⊙ (Bᵀ d)),    d four entries of the signal, y two of the output,

because Aᵀ diag(G w) Bᵀ is the 2 × 4 band matrix of w. For all T tiles of two outputs at once, with A_ξ and B_ξ
the n × T and T × D matrices of row ξ, this is a sum of Kronecker products like that over taps,

    W = Σ_ξ U_ξ ⊗ A_ξ B_ξ,    U_ξ = Σ_τ G_ξτ F_τ,

of rank T = n/2 each in the place of n. With two axes ξ is a pair: 16 terms of n/4 against 9 of n, so 4 products
per output and pair of channels against 9.
"""

from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from cnninv.filters import check_filters
from cnninv.geometry import ConvShape, conv_shape
from cnninv.patches import offsets

INPUT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
"""Bᵀ: four combinations of the four entries under a tile."""
FILTER = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
"""G: four combinations of the three taps."""
OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
"""Aᵀ: the two outputs of a tile from the four products."""


class WinogradFactors(NamedTuple):
    """W = output @ products @ input."""

    output: scipy.sparse.csr_array
    """(Kn, QKT): the A_ξ side by side, entries ±1; Q = 4 or 16 terms."""
    products: scipy.sparse.csr_array
    """(QKT, QMT): block diagonal, U_ξ ⊗ I; only here are there multiplications."""
    input: scipy.sparse.csr_array
    """(QMT, MD): the B_ξ on top of each other, entries ±1."""


def winograd_factors(
    filters: Any, input_shape: int | tuple[int, ...], padding: int | tuple[int, ...] | str = 0
) -> WinogradFactors:
    """The three factors of W by Winograd's F(2, 3), as explicit matrices.

    Parameters
    ----------
    filters : array-like, shape (K, M, 3) or (K, M, 3, 3)
    input_shape, padding
        As in `conv_matrix`; the stride is 1.

    Returns
    -------
    WinogradFactors
        With W = output @ products @ input, up to rounding: `products` has 2/3 of W's non-zeros for one axis
        and 4/9 for two, where no tap is cut and no tile is partial.

    Raises
    ------
    ValueError
        For filters of another size.

    Examples
    --------
    >>> A, U, B = winograd_factors([[[1.0, 2.0, 4.0]]], 4)
    >>> (A @ U @ B).toarray()
    array([[1., 2., 4., 0.],
           [0., 1., 2., 4.]])
    >>> U.diagonal()
    array([1. , 3.5, 1.5, 4. ])
    """
    filters = check_filters(filters)
    layer = conv_shape(filters.shape, input_shape, 1, padding)
    require_three_taps(filters.shape[2:], layer, "winograd_factors needs")
    before = offsets(filters.shape[2:], padding)
    axes = [
        _axis(D, n, offset, padding == "circular")
        for D, n, offset in zip(layer.input_shape, layer.positions, before, strict=True)
    ]
    T = prod(-(-n // 2) for n in layer.positions)
    outputs, inputs = [], []
    for xi in product(range(4), repeat=len(axes)):
        A_xi = B_xi = scipy.sparse.eye_array(1)
        for row, (outputs_of, inputs_of) in zip(xi, axes, strict=True):
            A_xi = scipy.sparse.kron(A_xi, outputs_of[row])
            B_xi = scipy.sparse.kron(B_xi, inputs_of[row])
        outputs.append(scipy.sparse.kron(scipy.sparse.eye_array(layer.K), A_xi))
        inputs.append(scipy.sparse.kron(scipy.sparse.eye_array(layer.M), B_xi))
    U = [scipy.sparse.kron(U_xi, scipy.sparse.eye_array(T)) for U_xi in transform(filters)]
    factors = [
        scipy.sparse.csr_array(factor, dtype=filters.dtype)
        for factor in (
            scipy.sparse.hstack(outputs),
            scipy.sparse.block_diag(U),
            scipy.sparse.vstack(inputs),
        )
    ]
    for factor in factors:
        factor.eliminate_zeros()  # kron stores those of its dense blocks
    return WinogradFactors(*factors)


def transform(filters: Any, xp: Any = np) -> Any:
    """U_ξ = Σ_τ G_ξτ F_τ for all ξ, shape (4, K, M) or (16, K, M): rounded once, from double precision."""
    K, M, *size = filters.shape
    G = FILTER
    for _ in size[1:]:
        G = np.kron(G, FILTER)
    flat = filters.reshape(K * M, -1).astype(np.float64)
    return xp.ascontiguousarray((flat @ xp.asarray(G.T)).T.astype(filters.dtype)).reshape(-1, K, M)


def require_three_taps(
    size: tuple[int, ...], layer: ConvShape, who: str, axes: int | None = None
) -> None:
    """Refuse what F(2, 3) is not for."""
    strides = tuple(axis.stride for axis in layer.axes)
    fits = {*size} == {3} and {*strides} == {1} and layer.groups == 1
    if not fits or (axes is not None and len(size) != axes):
        taps = "3 × 3 taps" if axes == 2 else "three taps along each axis"
        raise ValueError(
            f"{who} filters of {taps}, stride 1 and groups = 1; got filters of size {tuple(size)}, stride "
            f"{strides}, groups = {layer.groups}"
        )


def _axis(D: int, n: int, offset: int, circular: bool) -> tuple[list[Any], list[Any]]:
    """A_ξ (n × T) and B_ξ (T × D) of one axis, for ξ = 0 … 3."""
    tiles = np.arange(-(-n // 2))
    inputs = [_placed(row, tiles, D, offset, circular) for row in INPUT]
    outputs = [_placed(column, tiles, n, 0, False).T for column in OUTPUT.T]
    return outputs, inputs


def _placed(row: np.ndarray, tiles: np.ndarray, D: int, offset: int, circular: bool) -> Any:
    """T × D: `row` in row t from column 2t − offset on; what falls off is dropped or wrapped around."""
    entries = np.flatnonzero(row)
    columns = 2 * tiles[:, None] + entries - offset
    columns = columns % D if circular else columns
    t, entry = np.nonzero((columns >= 0) & (columns < D))
    values = row[entries[entry]].astype(float)
    return scipy.sparse.coo_array((values, (t, columns[t, entry])), shape=(len(tiles), D)).tocsr()
