"""Matrices that are not stored as one, and their transposes: the same object, its two products exchanged."""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.validation import real_array


class Implicit:
    """A matrix W by its two products: a subclass has `shape`, `dtype`, `xp`, `@` and `transposed_product`."""

    @property
    def T(self) -> "Transposed":
        """Wᵀ."""
        return Transposed(self)

    # what scipy.sparse.linalg.aslinearoperator asks for

    def matvec(self, x: Any) -> Any:
        """W x."""
        return self @ x

    def rmatvec(self, h: Any) -> Any:
        """Wᵀ h."""
        return self.T @ h

    matmat, rmatmat = matvec, rmatvec

    def _fitting(self, x: Any, length: int) -> Any:
        """x as a vector, or columns, of so many entries, where W is."""
        x = real_array(x, "x", ndim=(1, 2))
        array_namespace(W=self, x=x)
        if len(x) != length:
            raise ValueError(
                f"x has shape {x.shape}; an operator of shape {self.shape} and its transpose expect "
                f"{length} rows here"
            )
        return x


class Transposed(Implicit):
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
        self._operator, self.xp = operator, array_namespace(operator)
        self.shape, self.dtype = operator.shape[::-1], operator.dtype

    def __repr__(self) -> str:
        return f"{self._operator!r}.T"

    def __matmul__(self, h: Any) -> Any:
        return self._operator.transposed_product(h)

    @property
    def T(self) -> Any:
        """W again."""
        return self._operator

    def to_matrix(self) -> Any:
        """The explicit Wᵀ, of an operator that has W."""
        return self.T.to_matrix().T.tocsr()
