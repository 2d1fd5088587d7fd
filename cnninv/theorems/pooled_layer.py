"""A convolution and the pooling behind it, forwards and back: what several layers are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from cnninv.backend import array_namespace
from cnninv.iht import operator_norm
from cnninv.pooling import max_pool, pool_matrix, pooling_regions, region_counts, unpool
from cnninv.validation import one_of, real_matrix


@dataclass(frozen=True, eq=False)
class PooledLayer:
    """A convolution W and the regions that are pooled behind it.

    Attributes
    ----------
    W : array or sparse array, shape (K*n, M*D)
    shape : (K, *positions)
        Of h, with K*n entries in all.
    window : int or tuple of int
        Size of a pooling region.
    by : "abs" or "value"
        Keep the entry with the largest |h|, with its sign: the paper's model. Or the largest h, then ReLU: a
        CNN.

    Examples
    --------
    >>> import numpy as np
    >>> layer = PooledLayer(np.eye(4), (2, 2), 2)
    >>> values, switches = layer.encode(np.array([3.0, -4.0, 1.0, 2.0]))
    >>> values, layer.decode(values, switches)
    (array([-4.,  2.]), array([ 0., -4.,  0.,  2.]))
    """

    W: Any
    shape: tuple[int, ...]
    window: int | tuple[int, ...]
    by: str = "abs"

    def __post_init__(self) -> None:
        W = real_matrix(self.W, "W")
        pooling_regions(self.shape, self.window)  # says what is wrong with either
        one_of(self.by, "by", ("abs", "value"))
        if W.shape[0] != prod(self.shape):
            raise ValueError(
                f"shape = {self.shape} has {prod(self.shape)} entries; W has {W.shape[0]} rows"
            )

    @property
    def regions(self) -> int:
        """How many values a code has: the k of Theorem 3.3."""
        return prod(region_counts(self.shape, self.window))

    def encode(self, x: Any) -> tuple[Any, Any]:
        """Values and switches of the pooled code of x, shape (regions,) each."""
        values, switches = max_pool(self.W @ x, self.shape, self.window, self.by)
        if self.by == "value":
            values = array_namespace(values).maximum(values, 0)
        return values, switches

    def unpool(self, values: Any, switches: Any) -> Any:
        """z = Sᵀ values."""
        return unpool(values, switches, self.shape, self.window)

    def decode(self, values: Any, switches: Any) -> Any:
        """Wᵀ Sᵀ values."""
        return self.W.T @ self.unpool(values, switches)

    def restricted_norm(self, switches: Any) -> float:
        """‖W_Ω‖ on the entries that switches name: at most √(1+δ_k), and a number that can be computed."""
        R = pool_matrix(switches, self.W.shape[0])
        return operator_norm(R @ self.W)


def checked_layers(layers: Any) -> list[PooledLayer]:
    """`layers` as a list of layers that fit on one another and pool alike."""
    if not isinstance(layers, Sequence) or not layers:
        raise TypeError(f"layers = {layers!r} must be a sequence of PooledLayer, not empty")
    for i, layer in enumerate(layers):
        if not isinstance(layer, PooledLayer):
            raise TypeError(f"layers[{i}] = {layer!r} must be a PooledLayer")
        if layer.by != layers[0].by:
            raise ValueError(
                f"layers[{i}] pools by {layer.by!r}; expected {layers[0].by!r} as the first"
            )
        if i and layer.W.shape[1] != layers[i - 1].regions:
            raise ValueError(
                f"layers[{i}] expects {layer.W.shape[1]} entries; the layer below has "
                f"{layers[i - 1].regions} regions"
            )
    return list(layers)
