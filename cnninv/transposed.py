"""Wᵀ of a matrix that is not stored as one: the same object, its two products exchanged."""

from typing import Any

from cnninv.backend import array_namespace


class Transposed:
    """Wᵀ of an operator W with `@`, `transposed_product`, `shape` and `dtype`.

    Examples
    --------
    >>> import numpy as np
    >>> from cnninv import ConvOperator
    >>> W = ConvOperator(np.array([[[1.0, 2.0]]]), 3)
    >>> W.T @ np.array([1.0, 0.0])
    array([1., 2., 0.])
    """

    def __init__(self, operator: Any) -> None:
        self.T, self.xp = operator, array_namespace(operator)
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

    def to_matrix(self) -> Any:
        """The explicit Wᵀ, of an operator that has W."""
        return self.T.to_matrix().T.tocsr()
