"""A convolution, and what is kept behind it, as one matrix B = R W: what a linearised network is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from cnninv.operator import ConvOperator
from cnninv.transposed import Implicit


@dataclass(frozen=True, eq=False)
class Stage(Implicit):
    """One convolution and what follows it: x_i = B x_{i-1} + offset, zero where nothing is kept.

    Attributes
    ----------
    W : ConvOperator
    bias : array, one for each entry that is kept
    kept : integer array
        Entries of W x that go on.
    places : integer array
        Where in the next layer's input.
    size : int
        Of that input.
    """

    W: ConvOperator
    bias: Any
    kept: Any
    places: Any
    size: int

    @property
    def shape(self) -> tuple[int, int]:
        """(entries of x_i, entries of x_{i-1})."""
        return (self.size, self.W.shape[1])

    @property
    def dtype(self) -> np.dtype:
        """Of the filters."""
        return self.W.dtype

    @property
    def xp(self) -> Any:
        """numpy or cupy."""
        return self.W.xp

    @property
    def offset(self) -> Any:
        """Biases of what is kept, shape (size,)."""
        offset = self.xp.zeros(self.size, self.dtype)
        offset[self.places] = self.bias
        return offset

    def __matmul__(self, x: Any) -> Any:
        """B x."""
        h = (self.W @ x)[self.kept]
        out = self.xp.zeros((self.size, *h.shape[1:]), h.dtype)
        out[self.places] = h
        return out

    def transposed_product(self, x: Any) -> Any:
        """Bᵀ x."""
        h = self.xp.zeros((self.W.shape[0], *x.shape[1:]), x.dtype)
        self.xp.add.at(h, self.kept, x[self.places])  # windows may share an entry
        return self.W.T @ h

    def values(self, x: Any) -> Any:
        """B x + offset."""
        h = self @ x
        return h + self.offset.reshape(-1, *(1,) * (h.ndim - 1))

    def to_matrix(self) -> Any:
        """The explicit B."""
        rows = self.W.to_matrix()[self.kept]
        count = len(self.kept)
        P = scipy.sparse.coo_array(
            (np.ones(count), (self.places, np.arange(count))), shape=(self.size, count)
        )
        return (P.tocsr() @ rows).tocsr()
